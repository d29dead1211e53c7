/** Peers as bytes, as trackers and peers tell of them (BEP 23: 6 bytes each; BEP 7: 18). */
import { canonicalHost, type PeerAddress } from './peer-address.js'

const COMPACT4_BYTES = 6
const COMPACT6_BYTES = 18

/** Peers of a BEP 23 list. Port 0 is dropped, so is an incomplete entry at the end; `limit` is how many are read at most. */
export function parseCompactPeers4(bytes: Uint8Array, limit = Infinity): PeerAddress[] {
  return parseCompact(bytes, COMPACT4_BYTES, limit, entry => entry.subarray(0, 4).join('.'))
}

/** Peers of a BEP 7 list; as `parseCompactPeers4`. */
export function parseCompactPeers6(bytes: Uint8Array, limit = Infinity): PeerAddress[] {
  return parseCompact(bytes, COMPACT6_BYTES, limit, entry => addressFromBytes(entry.subarray(0, 16)) ?? '')
}

/** The IPv4 peers among `peers` as a BEP 23 list. */
export function encodeCompactPeers4(peers: readonly PeerAddress[]): Buffer {
  return encodeCompact(peers.filter(peer => !peer.host.includes(':')))
}

/** The IPv6 peers among `peers` as a BEP 7 list. */
export function encodeCompactPeers6(peers: readonly PeerAddress[]): Buffer {
  return encodeCompact(peers.filter(peer => peer.host.includes(':')))
}

/** The text of 4 or 16 address bytes in network order; undefined for any other length. */
export function addressFromBytes(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return undefined
  return canonicalHost(
    Buffer.from(bytes)
      .toString('hex')
      .replace(/(.{4})(?!$)/g, '$1:')
  )
}

/** The 4 or 16 bytes of an address in its one spelling, in network order. */
export function addressBytes(host: string): Buffer {
  if (!host.includes(':')) return Buffer.from(host.split('.').map(Number))
  const [head = [], tail] = host.split('::').map(part => (part === '' ? [] : part.split(':')))
  const groups = tail ? [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail] : head
  return Buffer.from(groups.map(group => group.padStart(4, '0')).join(''), 'hex')
}

function parseCompact(bytes: Uint8Array, size: number, limit: number, hostOf: (entry: Uint8Array) => string) {
  const peers: PeerAddress[] = []
  for (let at = 0; at + size <= bytes.length && peers.length < limit; at += size) {
    const entry = bytes.subarray(at, at + size)
    const port = (entry[size - 2] ?? 0) * 256 + (entry[size - 1] ?? 0)
    if (port !== 0) peers.push({ host: hostOf(entry), port })
  }
  return peers
}

function encodeCompact(peers: readonly PeerAddress[]): Buffer {
  return Buffer.concat(peers.flatMap(({ host, port }) => [addressBytes(host), Buffer.of(port >> 8, port & 0xff)]))
}
