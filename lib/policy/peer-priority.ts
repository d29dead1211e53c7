/** Canonical peer priority (BEP 40): a number that both sides of a connection compute alike, so that full swarms mix and nobody can buy a place. */
import { addressBytes } from '../wire/compact-peers.js'
import type { PeerAddress } from '../wire/peer-address.js'

/** The higher, the rather connected. 32 bits, unsigned; 0 for addresses of two families. */
export function peerPriority(ours: PeerAddress, theirs: PeerAddress): number {
  const [a, b] = [addressBytes(ours.host), addressBytes(theirs.host)]
  if (a.length !== b.length) return 0
  if (Buffer.compare(a, b) === 0) return crc32c(sorted(portBytes(ours.port), portBytes(theirs.port)))
  return crc32c(sorted(masked(a, b), masked(b, a)))
}

function portBytes(port: number): Buffer {
  return Buffer.of(port >> 8, port & 0xff)
}

/**
 * BEP 40: > For an IPv4 address, the mask to be used should be FF.FF.55.55 unless the IP addresses are in the same /16. In that case,
 * the mask to be used should be FF.FF.FF.55. … For an IPv6 address, the mask should be derived in the same way, beginning with
 * FFFF:FFFF:FFFF:5555:…
 */
function masked(bytes: Buffer, other: Buffer): Buffer {
  const whole = bytes.length === 4 ? 2 : 6
  const shared = bytes.findIndex((byte, at) => byte !== other[at])
  const kept = shared < whole ? whole : shared + 1
  return Buffer.from(bytes.map((byte, at) => (at < kept ? byte : byte & 0x55)))
}

function sorted(a: Buffer, b: Buffer): Buffer {
  return Buffer.concat([a, b].sort((x, y) => Buffer.compare(x, y)))
}

/** The polynomial of CRC-32C, its bits reversed. */
const POLYNOMIAL = 0x82f63b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

/** CRC-32C (Castagnoli), unsigned. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
