/** The stream cipher RC4, which OpenSSL no longer gives us; its own would be no faster. Knows no handshake. */
import { endianness } from 'node:os'

const STATE_LENGTH = 256
/** Four bytes of the key stream are one word of memory where words begin with their low byte. */
const WORD_LENGTH = endianness() === 'LE' ? 4 : Infinity

export class Rc4 {
  /** Of words, which are read half as fast again as bytes are. */
  readonly #state = new Int32Array(STATE_LENGTH)
  #i = 0
  #j = 0

  constructor(key: Uint8Array) {
    const state = this.#state
    for (let i = 0; i < STATE_LENGTH; i++) state[i] = i
    let j = 0
    for (let i = 0; i < STATE_LENGTH; i++) {
      const si = state[i] ?? 0
      j = (j + si + (key[i % key.length] ?? 0)) & 0xff
      state[i] = state[j] ?? 0
      state[j] = si
    }
  }

  /** The next bytes, encrypted or decrypted, in memory of their own. */
  apply(bytes: Uint8Array): Buffer {
    const result = Buffer.allocUnsafe(bytes.length)
    result.set(bytes)
    this.applyInPlace(result)
    return result
  }

  /** The next bytes, encrypted or decrypted where they lie. */
  applyInPlace(bytes: Uint8Array): void {
    const { buffer, byteOffset, length } = bytes
    const before = Math.min(length, -byteOffset & 3)
    const words = Math.floor((length - before) / WORD_LENGTH)
    this.#runBytes(bytes, 0, before)
    if (words > 0) this.#runWords(new Int32Array(buffer, byteOffset + before, words))
    this.#runBytes(bytes, before + words * 4, length)
  }

  /** Goes on by so many bytes. */
  skip(count: number): void {
    this.applyInPlace(new Uint8Array(count))
  }

  #runBytes(bytes: Uint8Array, start: number, end: number): void {
    const state = this.#state
    let i = this.#i
    let j = this.#j
    for (let at = start; at < end; at++) {
      i = (i + 1) & 0xff
      const si = state[i] as number
      j = (j + si) & 0xff
      const sj = state[j] as number
      state[i] = sj
      state[j] = si
      bytes[at] = (bytes[at] as number) ^ (state[(si + sj) & 0xff] as number)
    }
    this.#i = i
    this.#j = j
  }

  /** The same, four times in each round. */
  #runWords(words: Int32Array): void {
    const state = this.#state
    const { length } = words
    let i = this.#i
    let j = this.#j
    for (let at = 0; at < length; at++) {
      i = (i + 1) & 0xff
      let si = state[i] as number
      j = (j + si) & 0xff
      let sj = state[j] as number
      state[i] = sj
      state[j] = si
      let key = state[(si + sj) & 0xff] as number
      i = (i + 1) & 0xff
      si = state[i] as number
      j = (j + si) & 0xff
      sj = state[j] as number
      state[i] = sj
      state[j] = si
      key |= (state[(si + sj) & 0xff] as number) << 8
      i = (i + 1) & 0xff
      si = state[i] as number
      j = (j + si) & 0xff
      sj = state[j] as number
      state[i] = sj
      state[j] = si
      key |= (state[(si + sj) & 0xff] as number) << 16
      i = (i + 1) & 0xff
      si = state[i] as number
      j = (j + si) & 0xff
      sj = state[j] as number
      state[i] = sj
      state[j] = si
      key |= (state[(si + sj) & 0xff] as number) << 24
      words[at] = (words[at] as number) ^ key
    }
    this.#i = i
    this.#j = j
  }
}
