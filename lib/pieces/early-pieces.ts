/** What a peer says that it has before anybody knows how many pieces there are. Bounded by the largest torrent there may be. */
import { MAX_PIECES } from '../limits.js'
import { Bitfield } from './bitfield.js'

export class EarlyPieces {
  /** Bytes of a bitfield, as long as what was said so far needs. */
  #bits = Buffer.alloc(0)
  #bitfieldLength: number | undefined
  #hasAll = false

  onBitfield(bits: Buffer): void {
    this.#bitfieldLength = bits.length
    const longer = this.#atLeast(bits.length)
    for (const [at, byte] of bits.entries()) longer[at] = (longer[at] ?? 0) | byte
  }

  /** False for a piece that no torrent has. */
  onHave(piece: number): boolean {
    if (piece >= MAX_PIECES) return false
    const bits = this.#atLeast((piece >> 3) + 1)
    bits[piece >> 3] = (bits[piece >> 3] ?? 0) | (0x80 >> (piece & 7))
    return true
  }

  has(piece: number): boolean {
    return this.#hasAll || (piece < MAX_PIECES && ((this.#bits[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0)
  }

  onDontHave(piece: number): void {
    // Rather nothing than what it has no longer.
    if (this.#hasAll) this.#hasAll = false
    else if (this.has(piece)) this.#bits[piece >> 3] = (this.#bits[piece >> 3] ?? 0) & ~(0x80 >> (piece & 7))
  }

  /** It has everything there is. */
  onHaveAll(): void {
    this.#hasAll = true
  }

  /** All of it, now that the number of pieces is known; undefined when it was a lie. */
  resolve(pieceCount: number): Bitfield | undefined {
    const length = Math.ceil(pieceCount / 8)
    if (this.#hasAll) {
      const all = new Bitfield(pieceCount)
      all.fill()
      return all
    }
    if (this.#bits.length > length || (this.#bitfieldLength ?? length) !== length) return undefined
    return Bitfield.fromBytes(Buffer.concat([this.#bits], length), pieceCount)
  }

  #atLeast(length: number): Buffer {
    if (this.#bits.length < length) this.#bits = Buffer.concat([this.#bits], length)
    return this.#bits
  }
}
