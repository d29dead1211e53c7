/** All peers of one torrent: dials candidates, takes incoming ones, drops, bans. Decides with `CandidateList`; knows nothing of pieces. */
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../clock.js'
import * as limits from '../limits.js'
import { ProtocolError } from '../errors.js'
import {
  CandidateList,
  isPublicSource,
  type Candidate,
  type CandidateSource,
  type FoundAddress
} from '../policy/candidate-list.js'
import { waysTo, type Way } from '../policy/encryption.js'
import { DialPace, type DialTurns } from '../policy/dial-pace.js'
import { SharedRoom, type Room } from '../policy/shared-room.js'
import type { Supplier } from '../policy/supplier.js'
import { dial } from '../transport/dial.js'
import { ReceiveBuffers } from '../transport/receive-buffers.js'
import type { PeerAddress } from '../wire/peer-address.js'
import { PeerConnection } from './peer-connection.js'
import type { HostedTorrent, PeerHost } from './peer-host.js'

export interface SwarmOptions {
  readonly host: PeerHost
  readonly clock: Clock
  readonly onPeer: (connection: PeerConnection) => void
  readonly onPeerGone: (connection: PeerConnection, error: Error | undefined) => void
  /** The connections of all torrents of a client; by default this torrent is alone. */
  readonly room?: SharedRoom | undefined
  /** The dials of all torrents of a client. */
  readonly dialPace?: DialPace | undefined
  /** BEP 40: how much this address is to be preferred when there is no room for all. */
  readonly priorityOf?: (address: PeerAddress) => number | undefined
  /** BEP 21: neither we nor this peer want anything: it is left, and not dialled again for long, unless `recall` says so. */
  readonly isUseless?: (connection: PeerConnection) => boolean
  /** A dial failed before there was a peer. */
  readonly onDialFailed: (address: PeerAddress, error: Error) => void
}

/** A peer that is dialled, encrypted or not. */
interface Attempt {
  readonly candidate: Candidate
  /** How to begin, and how to try after that, on another connection, if the peer does not answer. */
  readonly ways: readonly Way[]
  /** When the handshake must be done, if this is not the first way. */
  readonly endsAt?: number
}

/** Time-outs and dials are looked at this often. */
const TICK_MS = 1000
/** A peer is left for being of no use only after this long: it may have things to say. */
const PARTING_MS = 3000
/** Two that dial each other at the same time are both this young. */
const SIMULTANEOUS_MS = 5000

export class Swarm {
  readonly candidates = new CandidateList()
  /** Changes whenever a peer comes or leaves. */
  generation = 0
  readonly #options: SwarmOptions
  readonly #connections = new Set<PeerConnection>()
  readonly #dialling = new Map<Candidate, AbortController>()
  readonly #candidateOf = new Map<PeerConnection, Candidate>()
  /** What to try when a peer does not answer on a connection. */
  readonly #nextAttempts = new Map<PeerConnection, Attempt>()
  #timer: Timer
  #isClosed = false
  /** Takes nobody and dials nobody for now. */
  #isPaused = false
  readonly #room: Room
  readonly #turns: DialTurns
  #onEmpty: (() => void) | undefined

  constructor(options: SwarmOptions) {
    this.#options = options
    if (options.priorityOf) this.candidates.priorityOf = options.priorityOf
    this.#turns = (options.dialPace ?? new DialPace()).join()
    const room = options.room ?? new SharedRoom(limits.MAX_CONNECTIONS)
    this.#room = room.join(() => this.#connections.size + this.#dialling.size)
    this.#timer = options.clock.setTimer(() => this.#tick(), TICK_MS)
  }

  /** Peers whose handshake is done. */
  *peers(): Generator<PeerConnection> {
    for (const connection of this.#connections) if (connection.isOpen) yield connection
  }

  /** All connections, whether or not their handshake is done. */
  everyone(): PeerConnection[] {
    return [...this.#connections]
  }

  /** Nobody is connected, and nobody is being dialled. */
  get isAlone(): boolean {
    return this.#connections.size === 0 && this.#dialling.size === 0
  }

  get diallingCount(): number {
    return this.#dialling.size
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Adds addresses and dials as many as allowed at once. */
  add(addresses: readonly FoundAddress[], source: CandidateSource): void {
    if (this.#isClosed) return
    this.candidates.add(addresses, source, this.#options.clock.now())
    this.#dialDue()
  }

  /** The torrent's metadata is here: peers that are connected already begin with it. */
  begin(torrent: HostedTorrent): void {
    for (const connection of this.peers()) {
      try {
        connection.begin(torrent)
      } catch (error) {
        connection.destroy(error as Error)
      }
    }
  }

  /** A connection whose handshake named this torrent: false when it is not wanted. */
  adopt(connection: PeerConnection): boolean {
    if (this.#isClosed || this.#isPaused || this.candidates.isBanned(connection.address)) return false
    if (this.#countFrom(connection.address) >= limits.MAX_CONNECTIONS_PER_IP) return false
    if (this.#connections.size >= this.#allowed && !this.#makeRoomFor(connection)) return false
    this.#connections.add(connection)
    return true
  }

  /** A peer has named itself. Throws a `ProtocolError` when it is connected twice and this is the one to go. */
  onPeerId(connection: PeerConnection): void {
    for (const other of this.peers()) {
      if (other !== connection && isSamePeer(other, connection)) this.#settle(other, connection)
    }
    this.generation++
  }

  /** The peer that dialled us takes connections there. */
  onListensOn(connection: PeerConnection, port: number): void {
    if (this.#isClosed || this.#candidateOf.has(connection)) return
    const address = { host: connection.address.host, port }
    this.candidates.add([address], 'incoming', this.#options.clock.now())
    const candidate = this.candidates.get(address)
    if (!candidate || candidate.isConnected) return
    candidate.isConnected = true
    candidate.worksBy ??= connection.way
    this.#candidateOf.set(connection, candidate)
    this.generation++
  }

  /** A private torrent (BEP 27): leaves everybody who was found by other means than its trackers. */
  leavePublic(): void {
    for (const [connection, { source }] of this.#candidateOf)
      if (isPublicSource(source)) connection.destroy(new Error('the torrent is private'))
    for (const [candidate, controller] of this.#dialling) if (isPublicSource(candidate.source)) controller.abort()
    this.candidates.forgetPublic()
  }

  /** Leaves those who are of no use to us, nor we to them. */
  leaveUseless(): void {
    const since = this.#options.clock.now() - PARTING_MS
    for (const connection of this.peers())
      if (connection.openedAt <= since && this.#isUseless(connection))
        connection.destroy(new Error('neither of us wants anything'))
  }

  /** We want something again: those who parted from us for wanting nothing may be dialled. */
  recall(): void {
    this.candidates.recall(this.#options.clock.now())
    this.#dialDue()
  }

  /** Never again from this address. */
  banAddress(address: PeerAddress, error: Error): void {
    this.candidates.ban(address)
    for (const connection of this.#connections)
      if (this.candidates.isBanned(connection.address)) connection.destroy(error)
  }

  /** This supplier sent bad data: never again, whether or not it is still connected. */
  ban(supplier: Supplier, error: Error): void {
    const { port } = supplier
    if (!(port instanceof PeerConnection)) return
    this.candidates.ban(port.address)
    port.destroy(error)
  }

  /** The connection ended. */
  onClosed(connection: PeerConnection, error: Error | undefined): void {
    this.#connections.delete(connection)
    this.generation++
    const candidate = this.#candidateOf.get(connection)
    this.#candidateOf.delete(connection)
    const next = this.#nextAttempts.get(connection)
    this.#nextAttempts.delete(connection)
    if (next && this.#isWorthTrying(next, connection)) {
      this.#turns.spend(1)
      void this.#dial(next)
      return
    }
    if (candidate && connection.isOurselves) this.candidates.excludeOurselves(candidate.address)
    // Whichever of the two was the first to go.
    else if (candidate && this.#isUseless(connection)) this.candidates.onParted(candidate, this.#options.clock.now())
    else if (candidate)
      this.candidates.onGone(candidate, (connection.supplier?.verified ?? 0) > 0, this.#options.clock.now())
    if (connection.isOpen) this.#options.onPeerGone(connection, error)
    else if (candidate) this.#options.onDialFailed(candidate.address, error ?? new Error('closed before the handshake'))
    if (!this.#isClosed) this.#dialDue()
    else if (this.#connections.size === 0) this.#onEmpty?.()
  }

  /** Leaves everybody, and takes nobody until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#leaveAll()
  }

  resume(): void {
    this.#isPaused = false
    this.#dialDue()
  }

  /** Ends all connections and dials. Resolves when the last of them is gone. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#room.leave()
    this.#turns.leave()
    this.#options.clock.clearTimer(this.#timer)
    this.#leaveAll()
    if (this.#connections.size === 0) return
    await new Promise<void>(resolve => {
      this.#onEmpty = resolve
    })
  }

  #tick(): void {
    this.#timer = this.#options.clock.setTimer(() => this.#tick(), TICK_MS)
    const now = this.#options.clock.now()
    for (const connection of this.#connections) connection.tick(now)
    this.#shed()
    this.#dialDue()
  }

  #isUseless(connection: PeerConnection): boolean {
    return connection.isOpen && this.#options.isUseless?.(connection) === true
  }

  get #allowed(): number {
    return Math.min(limits.MAX_CONNECTIONS, this.#room.allowed())
  }

  #leaveAll(): void {
    for (const controller of this.#dialling.values()) controller.abort()
    for (const connection of this.#connections) connection.destroy()
  }

  /** Another torrent wants its share: those that bring least go. */
  #shed(): void {
    const surplus = this.#connections.size - this.#allowed
    if (surplus <= 0) return
    const worth = (connection: PeerConnection): number =>
      (this.#candidateOf.get(connection)?.source === 'user' ? 1e12 : 0) +
      (connection.supplier?.pipeline.model.rate ?? 0)
    const cheapest = [...this.#connections].sort((a, b) => worth(a) - worth(b)).slice(0, surplus)
    for (const connection of cheapest) connection.destroy(new Error('another torrent needs the place'))
  }

  #dialDue(): void {
    const now = this.#options.clock.now()
    const room = this.#isPaused ? 0 : this.#allowed - this.#connections.size - this.#dialling.size
    const wanted = room > 0 ? Math.min(room, this.candidates.dueCount(now)) : 0
    const due = this.candidates.due(this.#turns.allowed(wanted, now), now)
    this.#turns.spend(due.length)
    for (const candidate of due) void this.#dial({ candidate, ways: waysTo(candidate, this.#options.host.encryption) })
  }

  /** The peer left before its handshake, as those do that want it otherwise; and we did not leave it for another reason. */
  #isWorthTrying({ candidate, endsAt = Infinity }: Attempt, before: PeerConnection): boolean {
    if (this.#isClosed || this.#isPaused || this.candidates.get(candidate.address) !== candidate) return false
    const hasRoom = this.#connections.size + this.#dialling.size < this.#allowed
    return hasRoom && !before.hasAnswered && this.#options.clock.now() < endsAt
  }

  async #dial(attempt: Attempt): Promise<void> {
    const [{ clock }, { candidate, endsAt }] = [this.#options, attempt]
    const controller = new AbortController()
    const startedAt = clock.now()
    this.candidates.onDial(candidate, startedAt)
    this.#dialling.set(candidate, controller)
    try {
      const buffers = new ReceiveBuffers()
      const socket = await dial(candidate.address, {
        signal: controller.signal,
        clock,
        ...(endsAt !== undefined && { timeoutMs: Math.max(0, endsAt - startedAt) }),
        readAheadBytes: limits.SOCKET_HIGH_WATER_MARK,
        buffers
      })
      this.#open(socket, buffers, clock.now() - startedAt, attempt)
    } catch (error) {
      this.candidates.onGone(candidate, false, clock.now())
      if (!this.#isClosed) this.#options.onDialFailed(candidate.address, error as Error)
    } finally {
      this.#dialling.delete(candidate)
    }
  }

  #open(socket: Socket, buffers: ReceiveBuffers, connectMs: number, attempt: Attempt): void {
    const { host, clock, onPeer } = this.#options
    const {
      candidate,
      ways: [way, ...others],
      endsAt: end
    } = attempt
    if (this.#isClosed) {
      socket.destroy()
      return
    }
    const now = clock.now()
    const endsAt = end ?? now + limits.HANDSHAKE_MS
    const connection = new PeerConnection({
      socket,
      buffers,
      address: candidate.address,
      isIncoming: false,
      clock,
      connectMs,
      host,
      way: way ?? 'plain',
      handshakeMs: Math.max(0, endsAt - now),
      ...(others.length > 0 && { silenceMs: limits.OTHER_WAY_MS }),
      hostFor: infoHash => (infoHash.equals(host.infoHash) ? host : undefined),
      onPeerId: named => {
        candidate.worksBy = named.way
        this.onPeerId(named)
      },
      onOpen: onPeer,
      onClose: (closed, error) => this.onClosed(closed, error)
    })
    this.#connections.add(connection)
    this.#candidateOf.set(connection, candidate)
    if (others.length > 0) this.#nextAttempts.set(connection, { candidate, ways: others, endsAt })
    connection.start()
  }

  /** Both lead to the same peer: the newer one goes, and of two that crossed the one that the lesser peer id dialled (so says either side). */
  #settle(older: PeerConnection, newer: PeerConnection): void {
    const { host, clock } = this.#options
    const isGreater = newer.peerId !== undefined && Buffer.compare(host.peerId, newer.peerId) > 0
    const haveCrossed = clock.now() - older.openedAt < SIMULTANEOUS_MS && older.isIncoming !== newer.isIncoming
    const goes = haveCrossed && older.isIncoming === isGreater ? older : newer
    const error = new ProtocolError('ERR_BT_HANDSHAKE', 'the peer is connected already')
    this.#passOn(goes, goes === older ? newer : older)
    if (goes === newer) throw error
    older.destroy(error)
  }

  /** The address that a connection was dialled at is not dialled again while another one to the same peer lives. */
  #passOn(from: PeerConnection, to: PeerConnection): void {
    const candidate = this.#candidateOf.get(from)
    if (!candidate || this.#candidateOf.has(to)) return
    this.#candidateOf.delete(from)
    this.#candidateOf.set(to, candidate)
  }

  /** BEP 40: the connection of the least priority goes, if that is less than this one's and it is of no use just now. */
  #makeRoomFor(connection: PeerConnection): boolean {
    const priorityOf = (address: PeerAddress): number => this.#options.priorityOf?.(address) ?? 0
    let weakest: PeerConnection | undefined
    let least = priorityOf(connection.address)
    for (const peer of this.#connections) {
      const isUseful = (peer.supplier?.verified ?? 0) > 0 || (peer.supplier?.pipeline.size ?? 0) > 0
      if (isUseful || this.#candidateOf.get(peer)?.source === 'user') continue
      const priority = priorityOf(peer.address)
      if (priority >= least) continue
      weakest = peer
      least = priority
    }
    weakest?.destroy(new Error('gives way to a peer of higher priority'))
    return weakest !== undefined
  }

  /** Connections of the same IP; loopback does not count, where a whole swarm may share one. */
  #countFrom(address: PeerAddress): number {
    if (address.host.startsWith('127.') || address.host === '::1') return 0
    let count = 0
    for (const connection of this.#connections) if (connection.address.host === address.host) count++
    return count
  }
}

/** One peer id at one IP address. */
function isSamePeer(one: PeerConnection, other: PeerConnection): boolean {
  const isSameId = one.peerId !== undefined && other.peerId?.equals(one.peerId) === true
  return isSameId && one.address.host === other.address.host
}
