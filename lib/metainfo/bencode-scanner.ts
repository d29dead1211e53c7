/**
 * The grammar of bencode (BEP 3): bytes → tape, or a `MetainfoError` that names the byte. One pass, no recursion, nothing
 * allocated by a number that stands in the input. Knows no meaning of any key.
 */
import { MetainfoError } from '../errors.js'
import { BencodeTape, DICTIONARY, INTEGER, LIST } from './bencode-tape.js'

/** Faults that most programs forgive. */
export type BencodeFault = 'unsorted keys' | 'duplicate key' | 'leading zero'

export interface ScanOptions {
  /** Lists and dictionaries inside each other. */
  readonly maxDepth: number
  /** Values in all; keys count. */
  readonly maxTokens: number
  /** A fault that could be forgiven is thrown. */
  readonly strict: boolean
}

export interface Scanned {
  readonly tape: BencodeTape
  /** The byte after the first value. */
  readonly end: number
  /** Each kind of forgiven fault, with the byte of its first case. */
  readonly faults: ReadonlyMap<BencodeFault, number>
}

/** A list or dictionary whose end has not come yet. */
interface Open {
  readonly token: number
  readonly isDictionary: boolean
  /** Token of the last key; −1 before the first. */
  lastKey: number
  awaitsValue: boolean
  isUnsorted: boolean
}

const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const END = 0x65

/** The largest magnitudes of an int64, as digits. */
const MAX_POSITIVE = Buffer.from('9223372036854775807')
const MAX_NEGATIVE = Buffer.from('9223372036854775808')

/** Offsets are kept in 32 bits. */
const MAX_INPUT = 2 ** 31 - 1

/** Reads the first value of `bytes`. Throws `MetainfoError` with ERR_BT_BENCODE. */
export function scan(bytes: Buffer, options: ScanOptions): Scanned {
  return new Scanner(bytes, options).run()
}

class Scanner {
  readonly #bytes: Buffer
  readonly #options: ScanOptions
  readonly #tape: BencodeTape
  readonly #open: Open[] = []
  readonly #faults = new Map<BencodeFault, number>()
  #position = 0

  constructor(bytes: Buffer, options: ScanOptions) {
    if (bytes.length > MAX_INPUT)
      throw new MetainfoError('ERR_BT_BENCODE', `${bytes.length} bytes are too many to decode`)
    this.#bytes = bytes
    this.#options = options
    this.#tape = new BencodeTape(bytes)
  }

  run(): Scanned {
    this.#value()
    for (let open = this.#open.at(-1); open; open = this.#open.at(-1)) this.#inside(open)
    return { tape: this.#tape, end: this.#position, faults: this.#faults }
  }

  /** One step inside a list or dictionary: its end, a key, or a value. */
  #inside(open: Open): void {
    if (open.awaitsValue) {
      open.awaitsValue = false
      this.#value()
    } else if (this.#bytes[this.#position] === END) {
      this.#close(open)
    } else if (open.isDictionary) {
      this.#key(open)
    } else {
      this.#value()
    }
  }

  #value(): void {
    const mark = this.#bytes[this.#position]
    if (mark === LIST || mark === DICTIONARY) this.#begin(mark === DICTIONARY)
    else if (mark === INTEGER) this.#integer()
    else this.#string('a value')
  }

  #begin(isDictionary: boolean): void {
    const { maxDepth } = this.#options
    if (this.#open.length >= maxDepth) this.#fail(`nested deeper than ${maxDepth}`)
    const token = this.#token(this.#position, this.#position + 1, 0)
    this.#open.push({ token, isDictionary, lastKey: -1, awaitsValue: false, isUnsorted: false })
    this.#position++
  }

  #close(open: Open): void {
    this.#open.pop()
    this.#tape.close(open.token, ++this.#position)
    if (open.isUnsorted) this.#findDuplicate(open)
  }

  #key(open: Open): void {
    const start = this.#position
    const key = this.#string('a key')
    if (open.lastKey >= 0) {
      const order = this.#tape.compareStrings(open.lastKey, key)
      if (order === 0) this.#soft('duplicate key', start)
      if (order > 0) {
        open.isUnsorted = true
        this.#soft('unsorted keys', start)
      }
    }
    open.lastKey = key
    open.awaitsValue = true
  }

  /** Among sorted keys equal ones are neighbours; unsorted ones must be remembered. */
  #findDuplicate(open: Open): void {
    const tape = this.#tape
    const seen = new Set<string>()
    for (let key = open.token + 1; key < tape.next(open.token); key = tape.next(key + 1)) {
      const text = this.#bytes.toString('latin1', tape.contentStart(key), tape.end(key))
      if (seen.has(text)) {
        this.#soft('duplicate key', tape.start(key))
        return
      }
      seen.add(text)
    }
  }

  /** `<length>:<bytes>`; returns its token. */
  #string(expected: string): number {
    const bytes = this.#bytes
    const start = this.#position
    let position = start
    let length = 0
    for (let byte = bytes[position]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[++position]) {
      length = length * 10 + (byte - ZERO)
      if (length > bytes.length) this.#fail('a string runs past the end', start)
    }
    if (position === start) this.#fail(position < bytes.length ? `expected ${expected}` : `cut off before ${expected}`)
    if (bytes[position] !== COLON) this.#fail('expected a colon after the length of a string', position)
    const contentStart = position + 1
    if (length > bytes.length - contentStart) this.#fail('a string runs past the end', start)
    if (bytes[start] === ZERO && position - start > 1) this.#soft('leading zero', start)
    this.#position = contentStart + length
    return this.#token(start, this.#position, contentStart)
  }

  /** `i<digits>e` within int64. */
  #integer(): void {
    const bytes = this.#bytes
    const start = this.#position
    const isNegative = bytes[start + 1] === MINUS
    const first = start + (isNegative ? 2 : 1)
    let position = first
    let significant = first
    for (let byte = bytes[position]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[++position]) {
      if (byte === ZERO && significant === position) significant++
    }
    if (position >= bytes.length) this.#fail('cut off within an integer', position)
    if (position === first || bytes[position] !== END) this.#fail('expected a digit', position)
    if (isNegative && significant > first) this.#fail('a negative integer begins with 0', start)
    if (significant > first && position - first > 1) this.#soft('leading zero', start)
    if (this.#isTooLarge(significant, position, isNegative ? MAX_NEGATIVE : MAX_POSITIVE)) {
      this.#fail('an integer is outside 64 bits', start)
    }
    this.#position = position + 1
    this.#token(start, this.#position, 0)
  }

  #isTooLarge(start: number, end: number, largest: Buffer): boolean {
    const digits = end - start
    if (digits !== largest.length) return digits > largest.length
    return this.#bytes.compare(largest, 0, largest.length, start, end) > 0
  }

  #token(start: number, end: number, link: number): number {
    const { maxTokens } = this.#options
    if (this.#tape.count >= maxTokens) this.#fail(`more than ${maxTokens} values`, start)
    return this.#tape.add(start, end, link)
  }

  #soft(fault: BencodeFault, offset: number): void {
    if (this.#options.strict) this.#fail(fault, offset)
    if (!this.#faults.has(fault)) this.#faults.set(fault, offset)
  }

  #fail(cause: string, offset = this.#position): never {
    throw new MetainfoError('ERR_BT_BENCODE', `not valid bencode: ${cause} at byte ${offset}`)
  }
}
