/** Which pieces somebody has, a bit a piece, highest bit first (BEP 3, "bitfield"). */

export class Bitfield {
  /** Pieces of the torrent. */
  readonly length: number
  #bytes: Uint8Array
  #count = 0

  constructor(length: number) {
    this.length = length
    this.#bytes = new Uint8Array(Math.ceil(length / 8))
  }

  /** From the wire; `undefined` when the length is wrong or a spare bit at the end is set (BEP 3: "Spare bits ... set to zero"). */
  static fromBytes(bytes: Uint8Array, length: number): Bitfield | undefined {
    const field = new Bitfield(length)
    if (bytes.length !== field.#bytes.length) return undefined
    const spare = bytes.length * 8 - length
    if (spare > 0 && ((bytes.at(-1) ?? 0) & ((1 << spare) - 1)) !== 0) return undefined
    field.#bytes = Uint8Array.from(bytes)
    for (const byte of bytes) field.#count += BITS[byte] ?? 0
    return field
  }

  /** Pieces set. */
  get count(): number {
    return this.#count
  }

  get isComplete(): boolean {
    return this.#count === this.length
  }

  has(index: number): boolean {
    return ((this.#bytes[index >>> 3] ?? 0) & (0x80 >>> (index & 7))) !== 0
  }

  /** Sets a bit; false when it was set already or is out of range. */
  set(index: number): boolean {
    if (index < 0 || index >= this.length || this.has(index)) return false
    this.#bytes[index >>> 3] = (this.#bytes[index >>> 3] ?? 0) | (0x80 >>> (index & 7))
    this.#count++
    return true
  }

  /** Clears a bit; false when it was clear already or is out of range. */
  clear(index: number): boolean {
    if (index < 0 || index >= this.length || !this.has(index)) return false
    this.#bytes[index >>> 3] = (this.#bytes[index >>> 3] ?? 0) & ~(0x80 >>> (index & 7))
    this.#count--
    return true
  }

  /** Sets all bits that are set in `other`, of the same length. */
  add(other: Bitfield): void {
    this.#count = 0
    for (let at = 0; at < this.#bytes.length; at++) {
      const both = (this.#bytes[at] ?? 0) | (other.#bytes[at] ?? 0)
      this.#bytes[at] = both
      this.#count += BITS[both] ?? 0
    }
  }

  /** Clears all bits that are clear in `other`, of the same length. */
  keep(other: Bitfield): void {
    this.#count = 0
    for (let at = 0; at < this.#bytes.length; at++) {
      const kept = (this.#bytes[at] ?? 0) & (other.#bytes[at] ?? 0)
      this.#bytes[at] = kept
      this.#count += BITS[kept] ?? 0
    }
  }

  fill(): void {
    this.#bytes.fill(0xff)
    const spare = this.#bytes.length * 8 - this.length
    if (spare > 0) this.#bytes[this.#bytes.length - 1] = (0xff << spare) & 0xff
    this.#count = this.length
  }

  /** The first piece from `from` to `last` that is set in `this` and clear in `other`, or -1. Skips whole bytes. */
  nextMissingIn(other: Bitfield, from: number, last = this.length - 1): number {
    for (let i = from; i <= last;) {
      const at = i >>> 3
      const fresh = (this.#bytes[at] ?? 0) & ~(other.#bytes[at] ?? 0) & (0xff >>> (i & 7))
      if (fresh !== 0) {
        const found = at * 8 + Math.clz32(fresh) - 24
        return found <= last ? found : -1
      }
      i = (at + 1) * 8
    }
    return -1
  }

  /** The first piece from `from` on that is set, or -1. Skips whole bytes. */
  nextSet(from: number): number {
    for (let i = from; i < this.length;) {
      const at = i >>> 3
      const set = (this.#bytes[at] ?? 0) & (0xff >>> (i & 7))
      if (set !== 0) return at * 8 + Math.clz32(set) - 24
      i = (at + 1) * 8
    }
    return -1
  }

  /** The first piece from `from` to `last` that is clear, or -1. Skips whole bytes. */
  nextClear(from: number, last = this.length - 1): number {
    for (let i = from; i <= last;) {
      const at = i >>> 3
      const clear = ~(this.#bytes[at] ?? 0) & (0xff >>> (i & 7))
      if (clear !== 0) {
        const found = at * 8 + Math.clz32(clear) - 24
        return found <= last ? found : -1
      }
      i = (at + 1) * 8
    }
    return -1
  }

  /** Pieces set from `from` up to, not including, `end`. Counts whole bytes. */
  countIn(from: number, end: number): number {
    let count = 0
    for (let i = from; i < end;) {
      const at = i >>> 3
      const after = Math.min(end, (at + 1) * 8)
      // From bit `i & 7` on, up to bit `after`.
      const bits = (this.#bytes[at] ?? 0) & (0xff >>> (i & 7)) & (0xff << ((at + 1) * 8 - after))
      count += BITS[bits] ?? 0
      i = after
    }
    return count
  }

  /** A copy of the bytes as they go on the wire. */
  toBytes(): Buffer {
    return Buffer.from(this.#bytes)
  }
}

const BITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest > 0; rest >>>= 1) count += rest & 1
  return count
})
