/** The peers of one torrent and where they come from: swarm, listener, trackers; who is unchoked. Wires, and keeps counts. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Clock } from './clock.js'
import { ProtocolError, TorrentError } from './errors.js'
import type { TrackerList } from './discovery/tracker/tracker-list.js'
import type { TrackerStatus } from './discovery/tracker/tracked-tracker.js'
import { MAX_PENDING_HANDSHAKES, MAX_UNCHOKED, USER_AGENT } from './limits.js'
import type { Metainfo } from './metainfo/metainfo.js'
import type { PeerId } from './metainfo/info-hash.js'
import type { Bitfield } from './pieces/bitfield.js'
import type { PieceIndex } from './pieces/geometry.js'
import type { Supplier } from './policy/supplier.js'
import { Listener } from './net/listener.js'
import { PeerConnection } from './net/peer-connection.js'
import type { PeerHost } from './net/peer-host.js'
import { Swarm } from './net/swarm.js'
import type { TorrentEngine } from './torrent-engine.js'
import { canonicalHost, formatPeerAddress, type PeerAddress } from './wire/peer-address.js'

/** Where to look for peers. */
export interface PeerSources {
  readonly peers: readonly PeerAddress[]
  /** Listen, and ask trackers if `trackers` says so; else only `peers` are dialled. */
  readonly discovery: boolean
  readonly trackers: boolean
  readonly port: number
  readonly portTries: number
  readonly host: string | undefined
  /** We only seed. */
  readonly readOnly: boolean
  readonly clock: Clock
  readonly random: () => number
}

export interface PeersOptions {
  readonly metainfo: Metainfo
  readonly engine: TorrentEngine
  readonly options: PeerSources
  readonly peerId: PeerId
  /** Pieces that we tell others of; none when they may be evicted. */
  readonly announced: Bitfield
  /** Bytes of the torrent that are not here. */
  readonly left: () => number
  readonly onPeer: (connection: PeerConnection) => void
  readonly onPeerGone: (connection: PeerConnection, error: Error | undefined) => void
  readonly onDialFailed: (address: PeerAddress, error: Error) => void
  readonly onTracker: (status: TrackerStatus) => void
  readonly onWarning: (warning: string) => void
}

export class TorrentPeers {
  readonly swarm: Swarm
  /** Port we listen on; undefined while we do not. */
  port: number | undefined
  hadPeer = false
  /** Payload bytes that came, whatever became of them. */
  downloaded = 0
  uploaded = 0
  readonly #options: PeersOptions
  readonly #host: PeerHost
  readonly #pending = new Set<PeerConnection>()
  #listener: Listener | undefined
  #trackers: TrackerList | undefined
  #closeTrackers: (() => Promise<void>) | undefined
  #lastDialError: string | undefined
  #isClosed = false

  constructor(options: PeersOptions) {
    this.#options = options
    const { engine, metainfo, peerId, announced } = options
    this.#host = {
      infoHash: metainfo.infoHash,
      peerId,
      geometry: engine.geometry,
      have: announced,
      scheduler: engine.scheduler,
      onChange: () => engine.onChange(),
      onInterest: () => this.#rechoke(),
      acceptBlock: (supplier, piece, begin, data) => {
        this.downloaded += data.length
        return engine.acceptBlock(supplier, piece, begin, data)
      },
      readBlock: (piece, begin, length) => engine.readBlock(piece, begin, length),
      onUploaded: bytes => {
        this.uploaded += bytes
      }
    }
    this.swarm = new Swarm({
      host: this.#host,
      clock: options.options.clock,
      onPeer: connection => this.#onPeer(connection),
      onPeerGone: (connection, error) => this.#onPeerGone(connection, error),
      onDialFailed: (address, error) => {
        this.#lastDialError = `${formatPeerAddress(address)}: ${error.message}`
        options.onDialFailed(address, error)
      }
    })
  }

  /** Dials the given peers, listens and asks trackers, as far as the options allow. Resolves when we listen. */
  async start(): Promise<void> {
    const { options } = this.#options
    this.swarm.add(options.peers, 'user')
    if (options.discovery) await this.#listen()
    if (!this.#isClosed && options.trackers && this.#options.metainfo.trackers.length > 0) await this.#startTrackers()
  }

  /** A piece can be had from us. */
  onStored(index: PieceIndex): void {
    if (this.#options.announced.set(index)) {
      for (const peer of this.swarm.peers()) if (peer.supplier?.pieces.has(index) === false) peer.sendHave(index)
    }
  }

  onCompleted(): void {
    this.#trackers?.completed()
  }

  ban(supplier: Supplier): void {
    this.swarm.ban(supplier, new ProtocolError('ERR_BT_BAD_DATA', 'the peer sent data that is not of this torrent'))
  }

  trackerStatuses(): TrackerStatus[] {
    return this.#trackers?.statuses() ?? []
  }

  /** Where peers were looked for, and what came of it. */
  sources(): string {
    const { options, metainfo } = this.#options
    const parts = this.trackerStatuses().map(({ url, peers, error, state }) =>
      state === 'failed' ? `tracker ${url}: ${error?.message ?? 'failed'}` : `tracker ${url}: ${peers} peers`
    )
    if (metainfo.trackers.length === 0) parts.push('the torrent names no tracker')
    else if (!options.trackers) parts.push('trackers are off')
    if (options.peers.length > 0) parts.push(`${options.peers.length} given by hand`)
    if (this.#lastDialError !== undefined) parts.push(`last: ${this.#lastDialError}`)
    return parts.join('; ')
  }

  /** Peers are told goodbye at once, trackers within 5 s. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const connection of this.#pending) connection.destroy()
    await Promise.all([this.swarm.close(), this.#listener?.close(), this.#closeTrackers?.()])
  }

  async #listen(): Promise<void> {
    const { port, portTries, host, readOnly } = this.#options.options
    try {
      this.#listener = await Listener.open({ port, tries: portTries, host, onSocket: socket => this.#accept(socket) })
      this.port = this.#listener.port
    } catch (error) {
      const reason = `cannot listen on port ${port}: ${(error as Error).message}`
      // Who only gives cannot do without; who takes can dial.
      if (readOnly) throw new TorrentError('ERR_BT_OPTION', reason, { cause: error })
      this.#options.onWarning(`${reason}; nobody can connect to us`)
    }
  }

  #accept(socket: Socket): void {
    const host = canonicalHost(socket.remoteAddress ?? '')
    if (this.#isClosed || host === undefined || this.#pending.size >= MAX_PENDING_HANDSHAKES) {
      socket.destroy()
      return
    }
    const connection = new PeerConnection({
      socket,
      address: { host, port: socket.remotePort ?? 0 },
      isIncoming: true,
      clock: this.#options.options.clock,
      connectMs: 0,
      hostFor: (infoHash, incoming) => {
        const isOurs = infoHash.equals(this.#host.infoHash) && this.swarm.adopt(incoming)
        if (isOurs) this.#pending.delete(incoming)
        return isOurs ? this.#host : undefined
      },
      onOpen: opened => this.#onPeer(opened),
      onClose: (closed, error) => {
        this.#pending.delete(closed)
        this.swarm.onClosed(closed, error)
      }
    })
    this.#pending.add(connection)
    connection.start()
  }

  async #startTrackers(): Promise<void> {
    const { metainfo, options, peerId, engine, left, onTracker } = this.#options
    const [{ TrackerList }, { TrackerClient }, { UdpSocket }] = await Promise.all([
      import('./discovery/tracker/tracker-list.js'),
      import('./discovery/tracker/tracker-client.js'),
      import('./transport/udp-socket.js')
    ])
    if (this.#isClosed) return
    const udp = new UdpSocket()
    const announcer = new TrackerClient({ udp, userAgent: USER_AGENT, clock: options.clock })
    const trackers = new TrackerList({
      tiers: metainfo.trackers,
      infoHash: metainfo.infoHash,
      peerId,
      key: randomBytes(4).readUInt32BE(0),
      port: this.port ?? 0,
      announcer,
      clock: options.clock,
      random: options.random,
      report: () => ({ uploaded: this.uploaded, downloaded: engine.scheduler.received, left: left() }),
      onPeers: peers => this.swarm.add(peers, 'tracker'),
      onStatus: onTracker
    })
    this.#trackers = trackers
    this.#closeTrackers = async () => {
      await trackers.stop()
      await udp.close()
    }
    trackers.start()
  }

  #onPeer(connection: PeerConnection): void {
    this.hadPeer = true
    this.#options.onPeer(connection)
    this.#options.engine.onChange()
  }

  #onPeerGone(connection: PeerConnection, error: Error | undefined): void {
    this.#options.onPeerGone(connection, error)
    this.#rechoke()
    if (this.swarm.isAlone) this.#trackers?.announceNow()
    this.#options.engine.onChange()
  }

  /** Everybody interested is served, up to the limit; a place that becomes free goes to the next who asks. */
  #rechoke(): void {
    let places = MAX_UNCHOKED
    for (const peer of this.swarm.peers()) {
      if (!peer.peerInterested) peer.setChoking(true)
      else if (!peer.amChoking) places--
    }
    for (const peer of this.swarm.peers()) {
      if (places <= 0) return
      if (!peer.peerInterested || !peer.amChoking) continue
      peer.setChoking(false)
      places--
    }
  }
}
