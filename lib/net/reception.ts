/**
 * Incoming connections of all torrents until they have named theirs: how many may wait, whose they are. What becomes of them then is
 * their torrent's business.
 */
import type { Socket } from 'node:net'
import type { Clock } from '../clock.js'
import { MAX_PENDING_HANDSHAKES } from '../limits.js'
import type { InfoHash } from '../metainfo/info-hash.js'
import { networkOf } from '../policy/address-rules.js'
import { allowsWay, methodsOf } from '../policy/encryption.js'
import { canonicalHost } from '../wire/peer-address.js'
import type { SecretTorrent } from './mse/responder.js'
import { torrentMark } from './mse/secrets.js'
import { PeerConnection } from './peer-connection.js'
import type { PeerHost } from './peer-host.js'

/** A torrent that takes connections. */
export interface Receiver {
  readonly host: PeerHost
  /** False when this peer is not wanted. */
  adopt(connection: PeerConnection): boolean
  /** The peer has named itself. Throwing ends the connection. */
  onPeerId(connection: PeerConnection): void
  onOpen(connection: PeerConnection): void
  /** Called once, last of all, for each connection that was adopted. */
  onClose(connection: PeerConnection, error: Error | undefined): void
}

export class Reception {
  readonly #clock: Clock
  readonly #receivers = new Map<string, Receiver>()
  /** The same by the marks that encrypted handshakes have instead of the info-hash. */
  readonly #byMark = new Map<string, Receiver>()
  readonly #pending = new Set<PeerConnection>()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Connections for this torrent are handed to `receiver` until the result is called. */
  add(receiver: Receiver): () => void {
    const { infoHash } = receiver.host
    const [key, mark] = [keyOf(infoHash), keyOf(torrentMark(infoHash))]
    this.#receivers.set(key, receiver)
    this.#byMark.set(mark, receiver)
    return () => {
      if (this.#receivers.get(key) !== receiver) return
      this.#receivers.delete(key)
      this.#byMark.delete(mark)
    }
  }

  has(infoHash: InfoHash): boolean {
    return this.#receivers.has(keyOf(infoHash))
  }

  accept(socket: Socket): void {
    const host = canonicalHost(socket.remoteAddress ?? '')
    if (this.#isClosed || host === undefined || !this.#hasRoomFor(host)) {
      socket.destroy()
      return
    }
    let receiver: Receiver | undefined
    const connection = new PeerConnection({
      socket,
      address: { host, port: socket.remotePort ?? 0 },
      isIncoming: true,
      clock: this.#clock,
      connectMs: 0,
      torrentFor: this.#takesEncrypted ? mark => this.#torrentFor(mark) : undefined,
      hostFor: (infoHash, incoming) => {
        const named = this.#receivers.get(keyOf(infoHash))
        if (!named || !allowsWay(named.host.encryption, incoming.way) || !named.adopt(incoming)) return undefined
        receiver = named
        this.#pending.delete(incoming)
        return named.host
      },
      onPeerId: named => receiver?.onPeerId(named),
      onOpen: opened => receiver?.onOpen(opened),
      onClose: (closed, error) => {
        this.#pending.delete(closed)
        receiver?.onClose(closed, error)
      }
    })
    this.#pending.add(connection)
    connection.start()
  }

  /** Where all places are taken, whoever has most of them gives one to who has fewer: nobody alone keeps all others out. */
  #hasRoomFor(host: string): boolean {
    if (this.#pending.size < MAX_PENDING_HANDSHAKES) return true
    const byOwner = new Map<string, PeerConnection[]>()
    for (const connection of this.#pending) {
      const owner = ownerOf(connection.host)
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), connection])
    }
    const [most = []] = [...byOwner.values()].sort((a, b) => b.length - a.length)
    if (most.length <= (byOwner.get(ownerOf(host))?.length ?? 0) + 1) return false
    const [oldest] = most
    if (!oldest) return false
    this.#pending.delete(oldest)
    oldest.destroy()
    return true
  }

  get #takesEncrypted(): boolean {
    return [...this.#receivers.values()].some(({ host }) => allowsWay(host.encryption, 'encrypted'))
  }

  #torrentFor(mark: Buffer): SecretTorrent | undefined {
    const host = this.#byMark.get(keyOf(mark))?.host
    // No method at all where encryption is off.
    return host && { infoHash: host.infoHash, methods: methodsOf(host.encryption) }
  }

  /** Whoever has not named a torrent leaves. */
  close(): void {
    this.#isClosed = true
    for (const connection of this.#pending) connection.destroy()
  }
}

/** As far as one owner certainly goes: an address of IPv4, a /64 of IPv6. */
function ownerOf(host: string): string {
  return host.includes(':') ? networkOf(host) : host
}

function keyOf(name: Buffer): string {
  return name.toString('latin1')
}
