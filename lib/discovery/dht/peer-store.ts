/** Peers that announced themselves to us (BEP 5), by info-hash: a few of one IP address, as a home has only one. Forgets the oldest when it is full. */
import { DHT_MAX_PEERS_OF_HOST, DHT_MAX_STORED_PEERS, DHT_MAX_STORED_TORRENTS, DHT_PEER_MS } from '../../limits.js'
import { formatPeerAddress, type PeerAddress } from '../../wire/peer-address.js'
import { BloomFilter } from './bloom-filter.js'
import type { Family } from './contact.js'
import type { NodeId } from './node-id.js'

interface StoredPeer {
  readonly address: PeerAddress
  readonly isSeed: boolean
  readonly at: number
}

export class PeerStore {
  /** The torrent announced last is last. */
  readonly #torrents = new Map<string, Map<string, StoredPeer>>()

  get torrentCount(): number {
    return this.#torrents.size
  }

  add(target: NodeId, address: PeerAddress, isSeed: boolean, now: number): void {
    const key = target.toString('latin1')
    const peers = this.#torrents.get(key) ?? new Map<string, StoredPeer>()
    this.#torrents.delete(key)
    this.#torrents.set(key, peers)
    peers.delete(formatPeerAddress(address))
    peers.set(formatPeerAddress(address), { address, isSeed, at: now })
    dropSurplus(peers, address.host)
    dropOldest(peers, DHT_MAX_STORED_PEERS)
    dropOldest(this.#torrents, DHT_MAX_STORED_TORRENTS)
  }

  /** Up to `count` peers of this family, a random run of them. `random`: from 0 to 1. */
  get(target: NodeId, family: Family, count: number, random: () => number, now: number): PeerAddress[] {
    const peers = this.#living(target, now).filter(({ address }) => address.host.includes(':') === (family === 6))
    const start = peers.length > count ? Math.floor(random() * peers.length) : 0
    return [...peers.slice(start), ...peers.slice(0, start)].slice(0, count).map(({ address }) => address)
  }

  /** BEP 33: who is stored, as Bloom filters; undefined when nobody is. */
  filters(target: NodeId, now: number): { seeds: Buffer; peers: Buffer } | undefined {
    const stored = this.#living(target, now)
    if (stored.length === 0) return undefined
    const [seeds, peers] = [new BloomFilter(), new BloomFilter()]
    for (const { address, isSeed } of stored) (isSeed ? seeds : peers).add(address.host)
    return { seeds: seeds.bytes, peers: peers.bytes }
  }

  #living(target: NodeId, now: number): StoredPeer[] {
    const peers = this.#torrents.get(target.toString('latin1'))
    if (!peers) return []
    for (const [key, { at }] of peers) if (now - at >= DHT_PEER_MS) peers.delete(key)
    return [...peers.values()]
  }
}

/** One host does not push out the others. */
function dropSurplus(peers: Map<string, StoredPeer>, host: string): void {
  const same = [...peers].filter(([, { address }]) => address.host === host)
  for (const [key] of same.slice(0, -DHT_MAX_PEERS_OF_HOST)) peers.delete(key)
}

function dropOldest(map: Map<string, unknown>, limit: number): void {
  if (map.size <= limit) return
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
