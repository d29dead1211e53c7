/** Sets of IP addresses that can be counted and joined, but not read (BEP 33). */
import { createHash } from 'node:crypto'
import { addressBytes } from '../../wire/compact-peers.js'

const BYTES = 256
const BITS = BYTES * 8
const HASHES = 2

export class BloomFilter {
  readonly bytes: Buffer

  /** `bytes`: 256 of them. */
  constructor(bytes: Uint8Array = Buffer.alloc(BYTES)) {
    this.bytes = Buffer.from(bytes)
  }

  add(host: string): void {
    const hash = createHash('sha1').update(addressBytes(host)).digest()
    for (let i = 0; i < HASHES; i++) {
      const bit = hash.readUInt16LE(2 * i) % BITS
      this.bytes[bit >> 3] = (this.bytes[bit >> 3] ?? 0) | (1 << (bit & 7))
    }
  }

  /** Adds all that another holds. */
  join(other: Uint8Array): void {
    for (const [at, byte] of other.entries()) this.bytes[at] = (this.bytes[at] ?? 0) | byte
  }

  /** 0 for an empty one; else, BEP 33: > size = log(c /m) / (k * log(1 - 1/m)), for c bits that are not set. */
  get size(): number {
    let zeros = 0
    for (const byte of this.bytes) for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) === 0) zeros++
    if (zeros === BITS) return 0
    return Math.abs(Math.log(Math.min(BITS - 1, Math.max(1, zeros)) / BITS) / (HASHES * Math.log(1 - 1 / BITS)))
  }
}
