/**
 * Where each value of some bencoded bytes stands: three numbers a value instead of an object a value, so that a hostile file of
 * millions of tiny values costs little. Knows nothing of grammar or meaning.
 */

export type BencodeKind = 'string' | 'integer' | 'list' | 'dictionary'

/** The first byte of each kind but a string, which begins with its length. */
export const DICTIONARY = 0x64
export const INTEGER = 0x69
export const LIST = 0x6c

/** Numbers kept for each token: first byte, byte after the last, link. */
const CELLS = 3

/** Room to begin with; it doubles when it is full. */
const FIRST_TOKENS = 1024

export class BencodeTape {
  readonly bytes: Buffer
  #cells: Int32Array
  #count = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#cells = new Int32Array(CELLS * Math.min(16 + bytes.length, FIRST_TOKENS))
  }

  /** Tokens on the tape. A key is a token of its own, in front of its value. */
  get count(): number {
    return this.#count
  }

  /** Adds a token and returns its number. `link`: first byte of the content of a string; otherwise set by `close`. */
  add(start: number, end: number, link: number): number {
    const cell = this.#count * CELLS
    if (cell + CELLS > this.#cells.length) this.#grow()
    this.#cells[cell] = start
    this.#cells[cell + 1] = end
    this.#cells[cell + 2] = link
    return this.#count++
  }

  /** A list or dictionary ends before byte `end`: all tokens added since it began are inside it. */
  close(token: number, end: number): void {
    this.#cells[token * CELLS + 1] = end
    this.#cells[token * CELLS + 2] = this.#count
  }

  kind(token: number): BencodeKind {
    const mark = this.bytes[this.start(token)]
    if (mark === INTEGER) return 'integer'
    if (mark === LIST) return 'list'
    return mark === DICTIONARY ? 'dictionary' : 'string'
  }

  /** First byte of the token. */
  start(token: number): number {
    return this.#cell(token * CELLS)
  }

  /** The byte after the token. */
  end(token: number): number {
    return this.#cell(token * CELLS + 1)
  }

  /** First byte of the content of a string. */
  contentStart(token: number): number {
    return this.#cell(token * CELLS + 2)
  }

  /** The token that follows this one and all that is inside it. */
  next(token: number): number {
    const kind = this.kind(token)
    return kind === 'list' || kind === 'dictionary' ? this.#cell(token * CELLS + 2) : token + 1
  }

  /** Order of two strings by their raw bytes: negative, 0 or positive, as BEP 3 sorts keys. */
  compareStrings(a: number, b: number): number {
    const { bytes } = this
    const aStart = this.contentStart(a)
    const bStart = this.contentStart(b)
    const aLength = this.end(a) - aStart
    const bLength = this.end(b) - bStart
    const shared = Math.min(aLength, bLength)
    for (let i = 0; i < shared; i++) {
      const difference = (bytes[aStart + i] ?? 0) - (bytes[bStart + i] ?? 0)
      if (difference !== 0) return difference
    }
    return aLength - bLength
  }

  #cell(index: number): number {
    return this.#cells[index] ?? 0
  }

  #grow(): void {
    const larger = new Int32Array(this.#cells.length * 2)
    larger.set(this.#cells)
    this.#cells = larger
  }
}
