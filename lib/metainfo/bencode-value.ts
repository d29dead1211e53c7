/**
 * One decoded value. Every accessor answers `undefined` when the value is of another kind, so that what a stranger sent is read
 * as `root.get('info')?.get('name')?.bytes`. Values are made when they are asked for and keep nothing but a place on the tape.
 */
import type { BencodeKind, BencodeTape } from './bencode-tape.js'

/** Any integer of so many digits is exact as a number. */
const SAFE_DIGITS = 15

export class BencodeValue {
  readonly #tape: BencodeTape
  readonly #token: number

  constructor(tape: BencodeTape, token: number) {
    this.#tape = tape
    this.#token = token
  }

  get kind(): BencodeKind {
    return this.#tape.kind(this.#token)
  }

  /** The value exactly as it stood in the input, with its marks: a view, not a copy. */
  get raw(): Buffer {
    return this.#tape.bytes.subarray(this.#tape.start(this.#token), this.#tape.end(this.#token))
  }

  /** Content of a string: a view on the input, not a copy. */
  get bytes(): Buffer | undefined {
    if (this.kind !== 'string') return undefined
    return this.#tape.bytes.subarray(this.#tape.contentStart(this.#token), this.#tape.end(this.#token))
  }

  /** Content of a string as UTF-8; each bad byte sequence becomes U+FFFD. */
  get text(): string | undefined {
    if (this.kind !== 'string') return undefined
    return this.#tape.bytes.toString('utf8', this.#tape.contentStart(this.#token), this.#tape.end(this.#token))
  }

  /** An integer, exact: a number within ±(2^53 − 1), a bigint beyond. */
  get integer(): number | bigint | undefined {
    if (this.kind !== 'integer') return undefined
    const digits = this.#tape.bytes.toString(
      'latin1',
      this.#tape.start(this.#token) + 1,
      this.#tape.end(this.#token) - 1
    )
    if (digits.length <= SAFE_DIGITS) return Number(digits)
    const exact = BigInt(digits)
    const near = Number(exact)
    return Number.isSafeInteger(near) ? near : exact
  }

  /** An integer within ±(2^53 − 1). */
  get safeInteger(): number | undefined {
    const integer = this.integer
    return typeof integer === 'number' ? integer : undefined
  }

  /** Members of a list. */
  items(): IterableIterator<BencodeValue> | undefined {
    return this.kind === 'list' ? this.#members() : undefined
  }

  /** Keys and values of a dictionary as they stand there, duplicates too. */
  entries(): IterableIterator<[key: Buffer, value: BencodeValue]> | undefined {
    return this.kind === 'dictionary' ? this.#pairs() : undefined
  }

  /**
   * The value of a key; of the first one when the key is there twice. Keys are bytes: `key` stands for them in latin1, which
   * for all keys of the BEPs is plain text.
   */
  get(key: string): BencodeValue | undefined {
    if (this.kind !== 'dictionary') return undefined
    const tape = this.#tape
    const end = tape.next(this.#token)
    for (let token = this.#token + 1; token < end; token = tape.next(token + 1)) {
      if (this.#isKey(token, key)) return new BencodeValue(tape, token + 1)
    }
    return undefined
  }

  #isKey(token: number, key: string): boolean {
    const start = this.#tape.contentStart(token)
    if (this.#tape.end(token) - start !== key.length) return false
    for (let i = 0; i < key.length; i++) {
      if (this.#tape.bytes[start + i] !== key.charCodeAt(i)) return false
    }
    return true
  }

  *#members(): IterableIterator<BencodeValue> {
    const end = this.#tape.next(this.#token)
    for (let token = this.#token + 1; token < end; token = this.#tape.next(token)) {
      yield new BencodeValue(this.#tape, token)
    }
  }

  *#pairs(): IterableIterator<[Buffer, BencodeValue]> {
    const tape = this.#tape
    const end = tape.next(this.#token)
    for (let token = this.#token + 1; token < end; token = tape.next(token + 1)) {
      const key = tape.bytes.subarray(tape.contentStart(token), tape.end(token))
      yield [key, new BencodeValue(tape, token + 1)]
    }
  }
}
