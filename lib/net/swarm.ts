/** All peers of one torrent: dials candidates, takes incoming ones, drops, bans. Decides with `CandidateList`; knows nothing of pieces. */
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../clock.js'
import * as limits from '../limits.js'
import { CandidateList, type Candidate, type CandidateSource } from '../policy/candidate-list.js'
import type { Supplier } from '../policy/supplier.js'
import { dial } from '../transport/dial.js'
import { ReceiveBuffers } from '../transport/receive-buffers.js'
import type { PeerAddress } from '../wire/peer-address.js'
import { PeerConnection } from './peer-connection.js'
import type { PeerHost } from './peer-host.js'

export interface SwarmOptions {
  readonly host: PeerHost
  readonly clock: Clock
  readonly onPeer: (connection: PeerConnection) => void
  readonly onPeerGone: (connection: PeerConnection, error: Error | undefined) => void
  /** A dial failed before there was a peer. */
  readonly onDialFailed: (address: PeerAddress, error: Error) => void
}

/** Time-outs and dials are looked at this often. */
const TICK_MS = 1000

export class Swarm {
  readonly candidates = new CandidateList()
  readonly #options: SwarmOptions
  readonly #connections = new Set<PeerConnection>()
  readonly #dialling = new Map<Candidate, AbortController>()
  readonly #candidateOf = new Map<PeerConnection, Candidate>()
  #dialCredit = limits.DIAL_BURST
  #creditAt: number
  #timer: Timer
  #isClosed = false
  #onEmpty: (() => void) | undefined

  constructor(options: SwarmOptions) {
    this.#options = options
    this.#creditAt = options.clock.now()
    this.#timer = options.clock.setTimer(() => this.#tick(), TICK_MS)
  }

  /** Peers whose handshake is done. */
  *peers(): Generator<PeerConnection> {
    for (const connection of this.#connections) if (connection.supplier) yield connection
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
  add(addresses: readonly PeerAddress[], source: CandidateSource): void {
    if (this.#isClosed) return
    this.candidates.add(addresses, source, this.#options.clock.now())
    this.#dialDue()
  }

  /** A connection whose handshake named this torrent: false when it is not wanted. */
  adopt(connection: PeerConnection): boolean {
    if (this.#isClosed || this.#isFull() || this.candidates.isBanned(connection.address)) return false
    if (this.#countFrom(connection.address) >= limits.MAX_CONNECTIONS_PER_IP) return false
    this.#connections.add(connection)
    return true
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
    const candidate = this.#candidateOf.get(connection)
    this.#candidateOf.delete(connection)
    if (candidate && connection.isOurselves) this.candidates.forget(candidate.address)
    else if (candidate)
      this.candidates.onGone(candidate, (connection.supplier?.verified ?? 0) > 0, this.#options.clock.now())
    if (connection.supplier) this.#options.onPeerGone(connection, error)
    else if (candidate) this.#options.onDialFailed(candidate.address, error ?? new Error('closed before the handshake'))
    if (!this.#isClosed) this.#dialDue()
    else if (this.#connections.size === 0) this.#onEmpty?.()
  }

  /** Ends all connections and dials. Resolves when the last of them is gone. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#options.clock.clearTimer(this.#timer)
    for (const controller of this.#dialling.values()) controller.abort()
    for (const connection of this.#connections) connection.destroy()
    if (this.#connections.size === 0) return
    await new Promise<void>(resolve => {
      this.#onEmpty = resolve
    })
  }

  #tick(): void {
    this.#timer = this.#options.clock.setTimer(() => this.#tick(), TICK_MS)
    const now = this.#options.clock.now()
    for (const connection of this.#connections) connection.tick(now)
    this.#dialDue()
  }

  #dialDue(): void {
    const now = this.#options.clock.now()
    const earned = ((now - this.#creditAt) / 1000) * limits.DIALS_PER_SECOND
    this.#dialCredit = Math.min(limits.DIAL_BURST, this.#dialCredit + earned)
    this.#creditAt = now
    const room = limits.MAX_CONNECTIONS - this.#connections.size - this.#dialling.size
    for (const candidate of this.candidates.due(Math.min(Math.floor(this.#dialCredit), room), now)) {
      this.#dialCredit--
      void this.#dial(candidate)
    }
  }

  async #dial(candidate: Candidate): Promise<void> {
    const { clock } = this.#options
    const controller = new AbortController()
    const startedAt = clock.now()
    this.candidates.onDial(candidate, startedAt)
    this.#dialling.set(candidate, controller)
    try {
      const buffers = new ReceiveBuffers()
      const socket = await dial(candidate.address, {
        signal: controller.signal,
        clock,
        readAheadBytes: limits.SOCKET_HIGH_WATER_MARK,
        buffers
      })
      this.#open(socket, buffers, candidate, clock.now() - startedAt)
    } catch (error) {
      this.candidates.onGone(candidate, false, clock.now())
      if (!this.#isClosed) this.#options.onDialFailed(candidate.address, error as Error)
    } finally {
      this.#dialling.delete(candidate)
    }
  }

  #open(socket: Socket, buffers: ReceiveBuffers, candidate: Candidate, connectMs: number): void {
    const { host, clock, onPeer } = this.#options
    if (this.#isClosed) {
      socket.destroy()
      return
    }
    const connection = new PeerConnection({
      socket,
      buffers,
      address: candidate.address,
      isIncoming: false,
      clock,
      connectMs,
      host,
      hostFor: infoHash => (infoHash.equals(host.infoHash) ? host : undefined),
      onOpen: onPeer,
      onClose: (closed, error) => this.onClosed(closed, error)
    })
    this.#connections.add(connection)
    this.#candidateOf.set(connection, candidate)
    connection.start()
  }

  #isFull(): boolean {
    return this.#connections.size >= limits.MAX_CONNECTIONS
  }

  /** Connections of the same IP; loopback does not count, where a whole swarm may share one. */
  #countFrom(address: PeerAddress): number {
    if (address.host.startsWith('127.') || address.host === '::1') return 0
    let count = 0
    for (const connection of this.#connections) if (connection.address.host === address.host) count++
    return count
  }
}
