/** The stream cipher RC4, which OpenSSL no longer gives us; its own would be no faster. Knows no handshake. */

const STATE_LENGTH = 256

export class Rc4 {
  readonly #state = new Uint8Array(STATE_LENGTH)
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
    this.#run(bytes, result)
    return result
  }

  /** The next bytes, encrypted or decrypted where they lie. */
  applyInPlace(bytes: Uint8Array): void {
    this.#run(bytes, bytes)
  }

  /** Goes on by so many bytes. */
  skip(count: number): void {
    this.applyInPlace(new Uint8Array(count))
  }

  #run(from: Uint8Array, to: Uint8Array): void {
    const state = this.#state
    const { length } = from
    let i = this.#i
    let j = this.#j
    for (let at = 0; at < length; at++) {
      i = (i + 1) & 0xff
      const si = state[i] as number
      j = (j + si) & 0xff
      const sj = state[j] as number
      state[i] = sj
      state[j] = si
      to[at] = (from[at] as number) ^ (state[(si + sj) & 0xff] as number)
    }
    this.#i = i
    this.#j = j
  }
}
