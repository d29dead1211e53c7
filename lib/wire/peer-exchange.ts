/**
 * Peer exchange (BEP 11, ut_pex): its message, what is told to one peer, and what is taken from one. Whether an address may be dialled
 * is for others to say.
 */
import { ProtocolError } from '../errors.js'
import { MAX_HASTY_PEX, MAX_PEX_PEERS, PEX_INTERVAL_MS } from '../limits.js'
import { encode } from '../metainfo/bencode.js'
import { encodeCompactPeers4, encodeCompactPeers6, parseCompactPeers4, parseCompactPeers6 } from './compact-peers.js'
import { decodeDictionary } from './peer-bencode.js'
import { formatPeerAddress, type PeerAddress } from './peer-address.js'

/** A peer as others are told of it. */
export interface PexPeer {
  readonly address: PeerAddress
  /** It wants nothing (0x02). */
  readonly isSeed: boolean
  /** We dialled it, so others can (0x10). */
  readonly isReachable: boolean
  /** It prefers encryption (0x01). */
  readonly prefersEncryption?: boolean
}

export interface PexMessage {
  readonly added: readonly PexPeer[]
  readonly dropped: readonly PeerAddress[]
}

const ENCRYPTED = 0x01
const SEED = 0x02
const REACHABLE = 0x10

export function encodePexMessage({ added, dropped }: PexMessage): Buffer {
  const v4 = added.filter(({ address }) => !address.host.includes(':'))
  const v6 = added.filter(({ address }) => address.host.includes(':'))
  const [dropped4, dropped6] = [encodeCompactPeers4(dropped), encodeCompactPeers6(dropped)]
  // BEP 11 wants at least one of the lists, even of an empty message.
  return encode({
    added: encodeCompactPeers4(v4.map(({ address }) => address)),
    'added.f': flagsOf(v4),
    ...(v6.length > 0 && { added6: encodeCompactPeers6(v6.map(({ address }) => address)), 'added6.f': flagsOf(v6) }),
    dropped: dropped4,
    ...(dropped6.length > 0 && { dropped6 })
  })
}

/** Of each list `MAX_PEX_PEERS` are read. Throws `ProtocolError` for what is no such message. */
export function parsePexMessage(payload: Uint8Array): PexMessage {
  const { value } = decodeDictionary(payload, 'a peer exchange message')
  const list = (key: string, size: number): Buffer => {
    const bytes = value.get(key)?.bytes ?? Buffer.alloc(0)
    if (bytes.length % size === 0) return bytes
    throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `peer exchange: '${key}' has ${bytes.length} bytes`)
  }
  const added = (key: string, size: number): PexPeer[] => {
    const parse = size === 6 ? parseCompactPeers4 : parseCompactPeers6
    const bytes = list(key, size)
    const flags = value.get(`${key}.f`)?.bytes
    const peers: PexPeer[] = []
    for (let at = 0; at < bytes.length && peers.length < MAX_PEX_PEERS; at += size) {
      const [address] = parse(bytes.subarray(at, at + size))
      const flag = flags?.[at / size] ?? 0
      if (address) peers.push({ address, ...parseFlags(flag) })
    }
    return peers
  }
  const dropped4 = parseCompactPeers4(list('dropped', 6), MAX_PEX_PEERS)
  const dropped6 = parseCompactPeers6(list('dropped6', 18), MAX_PEX_PEERS)
  return {
    added: [...added('added', 6), ...added('added6', 18)].slice(0, MAX_PEX_PEERS),
    dropped: [...dropped4, ...dropped6].slice(0, MAX_PEX_PEERS)
  }
}

function flagsOf(peers: readonly PexPeer[]): Buffer {
  return Buffer.from(
    peers.map(
      ({ isSeed, isReachable, prefersEncryption = false }) =>
        (prefersEncryption ? ENCRYPTED : 0) | (isSeed ? SEED : 0) | (isReachable ? REACHABLE : 0)
    )
  )
}

function parseFlags(flags: number): Omit<PexPeer, 'address'> {
  return {
    isSeed: (flags & SEED) !== 0,
    isReachable: (flags & REACHABLE) !== 0,
    ...((flags & ENCRYPTED) !== 0 && { prefersEncryption: true })
  }
}

/** What one peer has been told: each message is the difference to that, at most one a minute. */
export class PexSender {
  readonly #told = new Map<string, PeerAddress>()
  #sentAt = -Infinity

  /** True once a message may be sent again. */
  isDue(now: number): boolean {
    return now - this.#sentAt >= PEX_INTERVAL_MS
  }

  /** The next message, if it is time and there is something to tell. `current`: everybody we are connected to but the receiver. */
  next(current: Iterable<PexPeer>, now: number): PexMessage | undefined {
    if (!this.isDue(now)) return undefined
    const added: PexPeer[] = []
    const here = new Set<string>()
    for (const peer of current) {
      const key = formatPeerAddress(peer.address)
      if (here.has(key)) continue
      here.add(key)
      if (!this.#told.has(key) && added.length < MAX_PEX_PEERS) added.push(peer)
    }
    const gone = [...this.#told].filter(([key]) => !here.has(key)).slice(0, MAX_PEX_PEERS)
    if (added.length + gone.length === 0) return undefined
    for (const { address } of added) this.#told.set(formatPeerAddress(address), address)
    for (const [key] of gone) this.#told.delete(key)
    this.#sentAt = now
    return { added, dropped: gone.map(([, address]) => address) }
  }
}

/** Holds one peer to its one message a minute. */
export class PexReceiver {
  #heardAt = -Infinity
  #hasty = 0

  /** The peers of a message; none of one that comes too soon. Throws `ProtocolError` for what is none, and for a flood. */
  accept(payload: Uint8Array, now: number): readonly PexPeer[] {
    const isHasty = now - this.#heardAt < PEX_INTERVAL_MS * 0.75
    if (isHasty && ++this.#hasty > MAX_HASTY_PEX)
      throw new ProtocolError('ERR_BT_FLOOD', 'the peer floods us with addresses')
    const { added } = parsePexMessage(payload)
    if (isHasty) return []
    this.#heardAt = now
    return added
  }
}
