/**
 * The peers of one torrent: swarm, listener, and where addresses come from; what peers are told of us and of each
 * other. Works with an info-hash alone, and goes on with the same connections once the metadata is here. Wires, and keeps counts.
 */
import { randomBytes } from 'node:crypto'
import { ProtocolError, TorrentError } from './errors.js'
import type { TrackerStatus } from './discovery/tracker/tracked-tracker.js'
import type { Metainfo } from './metainfo/metainfo.js'
import { asPeerId, type InfoHash, type PeerId } from './metainfo/info-hash.js'
import type { Bitfield } from './pieces/bitfield.js'
import type { PieceIndex } from './pieces/geometry.js'
import type { Encryption } from './policy/encryption.js'
import type { Supplier } from './policy/supplier.js'
import type { TransferFigures } from './policy/transfer-totals.js'
import type { PeerConnection } from './net/peer-connection.js'
import type { HostedTorrent, PeerHost } from './net/peer-host.js'
import { Swarm } from './net/swarm.js'
import type { TorrentEngine } from './torrent-engine.js'
import { TorrentGiving } from './torrent-giving.js'
import { TorrentExtensions, type MetadataSeeker } from './torrent-extensions.js'
import { TorrentNetwork, type NetworkOptions } from './torrent-network.js'
import { TorrentSources } from './torrent-sources.js'
import type { SourceInfo } from './torrent-stats.js'
import { TransferLimits } from './transport/transfer-limits.js'
import { formatPeerAddress, type PeerAddress } from './wire/peer-address.js'

/** The client's name in our peer id, in the style of BEP 20. */
const PEER_ID_PREFIX = '-BS0010-'
/** Trackers want to hear of bytes that are left, or give us no seeds, while nobody knows how many there are. */
const UNKNOWN_LEFT = 16_384

/** Where to look for peers. */
export interface PeerSources extends NetworkOptions {
  readonly peers: readonly PeerAddress[]
  /** Listen, ask trackers if `trackers` says so, exchange peers if `pex` does; else only `peers` are dialled. */
  readonly discovery: boolean
  readonly trackers: boolean
  readonly pex: boolean
  readonly encryption: Encryption
  /** We only seed. */
  readonly readOnly: boolean
  /** BEP 16, if the torrent is complete. */
  readonly superSeeding: boolean
  /** Bytes a second, 0 for no limit; and limits that other torrents share. */
  readonly downloadLimit: number
  readonly uploadLimit: number
  readonly sharedLimits: TransferLimits | undefined
  readonly random: () => number
}

/** Who is told by the peers of a torrent. */
export interface PeerEvents {
  onPeer(connection: PeerConnection): void
  onPeerGone(connection: PeerConnection, error: Error | undefined): void
  onDialFailed(address: PeerAddress, error: Error): void
  onTracker(status: TrackerStatus): void
  onSource(source: SourceInfo): void
  onWarning(warning: string): void
}

export interface PeersOptions {
  readonly infoHash: InfoHash
  /** Tiers of URLs, as the .torrent or the link has them. */
  readonly trackers: readonly (readonly string[])[]
  /** Addresses that stand in a magnet link. */
  readonly linkPeers?: readonly PeerAddress[]
  readonly options: PeerSources
  readonly events: PeerEvents
  /** Shared with other torrents, whose owner closes it; by default one of its own. */
  readonly network?: TorrentNetwork | undefined
  /** DHT nodes that the .torrent or the link names. */
  readonly dhtNodes?: readonly string[]
  readonly seeker?: MetadataSeeker
}

/** A torrent whose metadata is known. */
export interface KnownTorrent {
  readonly metainfo: Metainfo
  readonly engine: TorrentEngine
  /** Pieces that we tell everybody of, and serve; undefined: what is in memory, of which those are told who can hear that it is gone. */
  readonly announced: Bitfield | undefined
  /** Nothing of the torrent is wanted by anybody here. */
  readonly wantsNothing: () => boolean
  /** Bytes of the torrent that are not here. */
  readonly left: () => number
}

export class TorrentPeers {
  readonly swarm: Swarm
  readonly extensions: TorrentExtensions
  readonly giving: TorrentGiving
  /** Of this torrent alone. */
  readonly limits: TransferLimits
  /** Port we listen on; undefined while we do not. */
  port: number | undefined
  hadPeer = false
  /** Who hears of what happens. */
  events: PeerEvents
  /** Payload bytes that came, whatever became of them. */
  downloaded = 0
  uploaded = 0
  readonly #options: PeersOptions
  readonly #peerId: PeerId = asPeerId(Buffer.concat([Buffer.from(PEER_ID_PREFIX), randomBytes(12)]))
  #sources: TorrentSources
  readonly #network: TorrentNetwork
  readonly #told = new Map<string, string>()
  readonly #host: { -readonly [Key in keyof PeerHost]: PeerHost[Key] }
  #known: KnownTorrent | undefined
  #leaveReception: (() => void) | undefined
  #starting: Promise<void> | undefined
  #lastDialError: string | undefined
  #isPaused = false
  #isClosed = false

  constructor(options: PeersOptions) {
    this.#options = options
    this.events = options.events
    const { infoHash, seeker } = options
    const { clock, discovery, pex, encryption, random, downloadLimit, uploadLimit, sharedLimits } = options.options
    this.limits = new TransferLimits({ download: downloadLimit, upload: uploadLimit }, clock, sharedLimits)
    this.giving = new TorrentGiving({
      swarm: () => this.swarm,
      clock,
      random,
      downloadRate: () => this.limits.downloadRate,
      onWants: wantsNothing => this.extensions.setUploadOnly(wantsNothing)
    })
    this.#network = options.network ?? new TorrentNetwork(options.options)
    const usesPex = discovery && pex
    this.extensions = new TorrentExtensions({ swarm: () => this.swarm, port: () => this.port, usesPex, seeker })
    this.#host = {
      infoHash,
      peerId: this.#peerId,
      torrent: undefined,
      extensions: this.extensions,
      encryption,
      dht: {
        port: () => (this.#known?.metainfo.private === true ? undefined : this.#network.dhtPort),
        onNode: address => this.#onDhtNode(address)
      },
      onInterest: () => this.giving.onInterest(),
      onUploaded: bytes => {
        this.uploaded += bytes
      }
    }
    this.swarm = new Swarm({
      host: this.#host,
      clock,
      room: this.#network.room,
      dialPace: this.#network.dialPace,
      priorityOf: address => this.extensions.priorityOf(address),
      isUseless: connection => this.giving.isUseless(connection),
      onPeer: connection => this.#onPeer(connection),
      onPeerGone: (connection, error) => this.#onPeerGone(connection, error),
      onDialFailed: (address, error) => {
        this.#lastDialError = `${formatPeerAddress(address)}: ${error.message}`
        this.events.onDialFailed(address, error)
      }
    })
    this.#sources = this.#makeSources()
  }

  /** Bytes that count, since the torrent was opened: blocks that peers took, and blocks that were needed. */
  get figures(): TransferFigures {
    return { uploaded: this.uploaded, downloaded: this.#known?.engine.scheduler.requests.received ?? 0 }
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Leaves all peers, tells trackers, and looks for nobody until `resume`. Resolves when trackers were told, within 5 s. */
  async pause(): Promise<void> {
    if (this.#isPaused || this.#isClosed) return
    this.#isPaused = true
    this.swarm.pause()
    const sources = this.#sources
    this.#sources = this.#makeSources()
    await sources.stop()
  }

  /** Goes on where `pause` stopped. */
  resume(): void {
    if (!this.#isPaused || this.#isClosed) return
    this.#isPaused = false
    this.swarm.resume()
    if (this.#known) void this.#sources.onMetadata(this.#known.metainfo.private)
    if (this.#options.options.discovery) void this.#search()
  }

  /** Dials the given peers, listens and looks for others, as far as the options allow. Resolves when we listen. May be called twice. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /** The torrent's metadata is here: peers that are connected already go on with it. */
  begin(known: KnownTorrent): void {
    const { metainfo, engine, announced } = known
    this.#known = known
    const isSuperSeeding = this.#options.options.superSeeding && announced?.isComplete === true
    const torrent: HostedTorrent = {
      infoHash: metainfo.infoHash,
      offering: isSuperSeeding ? 'oneByOne' : announced ? 'all' : 'whileHere',
      geometry: engine.geometry,
      have: announced ?? engine.have,
      scheduler: engine.scheduler,
      onChange: () => engine.onChange(),
      acceptBlock: (supplier, piece, begin, data) => {
        this.downloaded += data.length
        const acceptance = engine.acceptBlock(supplier, piece, begin, data)
        const limited = this.limits.passDown(data.length)
        return limited ? { ...acceptance, held: limited.then(() => acceptance.held) } : acceptance
      },
      readBlocks: (piece, begin, targets) => engine.readBlocks(piece, begin, targets),
      whenUploadAllowed: (bytes, isWanted) => this.limits.passUp(bytes, isWanted),
      chargeUpload: bytes => this.limits.chargeUp(bytes),
      onPeerHas: (supplier, piece) => this.giving.onPeerHas(supplier, piece)
    }
    this.#host.torrent = torrent
    if (metainfo.private) this.swarm.leavePublic()
    this.extensions.begin(metainfo, known.wantsNothing())
    void this.#sources.onMetadata(metainfo.private)
    this.swarm.begin(torrent)
    const { geometry, scheduler } = engine
    this.giving.begin({ geometry, scheduler, wantsNothing: known.wantsNothing, isSuperSeeding })
  }

  /** A piece more can be had from us. */
  onAnnounced(index: PieceIndex): void {
    for (const peer of this.swarm.peers()) peer.offer?.onHave(index)
  }

  /** A piece can be had from us no longer. */
  onWithdrawn(index: PieceIndex): void {
    for (const peer of this.swarm.peers()) peer.offer?.onLost(index)
  }

  onCompleted(): void {
    this.#sources.onCompleted()
  }

  ban(supplier: Supplier): void {
    this.swarm.ban(supplier, new ProtocolError('ERR_BT_BAD_DATA', 'the peer sent data that is not of this torrent'))
  }

  trackerStatuses(): TrackerStatus[] {
    return this.#sources.trackerStatuses()
  }

  /** How each source of peers stands. */
  sourceStates(): SourceInfo[] {
    return this.#sources.states(source => this.swarm.candidates.foundBy(source))
  }

  /** To be called about once a second: tells how sources stand that are no trackers, when that has changed. */
  tellSources(): void {
    for (const info of this.sourceStates()) {
      if (info.source === 'tracker' || this.#told.get(info.source) === info.state) continue
      this.#told.set(info.source, info.state)
      this.events.onSource(info)
    }
  }

  /** Where peers were looked for, and what came of it. */
  sources(): string {
    const { options, trackers, linkPeers } = this.#options
    const parts = this.sourceStates().map(({ state }) => state)
    const holder = linkPeers === undefined ? 'torrent' : 'link'
    if (trackers.length === 0) parts.push(`the ${holder} names no tracker`)
    const off = this.#waysOff()
    if (off.length > 0) parts.push(`off: ${off.join(', ')}`)
    if (options.peers.length > 0) parts.push(`${options.peers.length} given by hand`)
    if (this.#lastDialError !== undefined) parts.push(`last: ${this.#lastDialError}`)
    return parts.join('; ')
  }

  /** Ways to find peers that are not gone. */
  #waysOff(): string[] {
    const { trackers, discovery, dht, lsd, pex } = this.#options.options
    if (!discovery) return ['all discovery']
    const others = this.#known?.metainfo.private === true ? [] : [!dht && 'DHT', !lsd && 'LSD', !pex && 'PEX']
    return [!trackers && 'trackers', ...others].filter(way => way !== false)
  }

  /** Peers are told goodbye at once, trackers within 5 s. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#leaveReception?.()
    // Nobody is left waiting for its turn.
    this.limits.set({ download: 0, upload: 0 })
    const started = this.#starting?.catch(() => undefined)
    await Promise.all([this.swarm.close(), this.#sources.stop(), started])
    if (this.#options.network === undefined) await this.#network.close()
  }

  async #start(): Promise<void> {
    const { options, linkPeers = [] } = this.#options
    this.swarm.add(options.peers, 'user')
    if (!options.discovery) return
    this.swarm.add(linkPeers, 'magnet')
    await this.#listen()
    if (!this.#isPaused) await this.#search()
  }

  async #search(): Promise<void> {
    if (this.#isClosed) return
    void this.#lookAround(this.#sources)
    await this.#sources.start(this.port)
  }

  #makeSources(): TorrentSources {
    const { infoHash, trackers, options } = this.#options
    // Trackers add up what each session says: it counts from its `started` on.
    const before = this.figures
    return new TorrentSources({
      infoHash,
      peerId: this.#peerId,
      trackers: options.trackers ? trackers : [],
      announcer: () => this.#network.announcer(),
      clock: options.clock,
      random: options.random,
      report: () => ({
        uploaded: this.figures.uploaded - before.uploaded,
        downloaded: this.figures.downloaded - before.downloaded,
        left: this.#known?.left() ?? UNKNOWN_LEFT
      }),
      onPeers: (peers, source) => this.swarm.add(peers, source),
      onTracker: status => this.events.onTracker(status)
    })
  }

  /** The ways to find peers that a private torrent does without. */
  async #lookAround(sources: TorrentSources): Promise<void> {
    const { infoHash, dhtNodes: nodes = [], options } = this.#options
    if (this.#known?.metainfo.private === true) return
    const isSeed = (): boolean => this.#known !== undefined && this.#known.left() === 0
    const side = { infoHash, nodes, isSeed }
    const [dht, lsd] = [
      options.dht && this.#network.dhtSource({ ...side, onPeers: peers => this.swarm.add(peers, 'dht') }),
      options.lsd && this.#network.lsdSource({ ...side, onPeers: peers => this.swarm.add(peers, 'lsd') })
    ]
    for (const opening of [dht, lsd]) {
      try {
        const source = await opening
        if (source) await sources.add(source)
      } catch (error) {
        this.events.onWarning(`a way to find peers cannot be used: ${(error as Error).message}`)
      }
    }
  }

  #onDhtNode(address: PeerAddress): void {
    if (this.#known?.metainfo.private !== true) this.#network.onDhtNode(address)
  }

  async #listen(): Promise<void> {
    const { port, readOnly } = this.#options.options
    this.#leaveReception = this.#network.reception.add({
      host: this.#host,
      adopt: connection => !this.#isClosed && this.swarm.adopt(connection),
      onPeerId: named => this.swarm.onPeerId(named),
      onOpen: opened => this.#onPeer(opened),
      onClose: (closed, error) => this.swarm.onClosed(closed, error)
    })
    try {
      this.port = await this.#network.listen()
    } catch (error) {
      const reason = `cannot listen on port ${port}: ${(error as Error).message}`
      // Who only gives cannot do without; who takes can dial.
      if (readOnly) throw new TorrentError('ERR_BT_OPTION', reason, { cause: error })
      this.events.onWarning(`${reason}; nobody can connect to us`)
    }
  }

  #onPeer(connection: PeerConnection): void {
    this.hadPeer = true
    this.events.onPeer(connection)
    this.giving.onPeer(connection)
    this.#known?.engine.onChange()
  }

  #onPeerGone(connection: PeerConnection, error: Error | undefined): void {
    if (connection.extensions) this.extensions.onGone(connection.extensions)
    this.events.onPeerGone(connection, error)
    this.giving.onGone(connection)
    if (this.swarm.isAlone) this.#sources.lookAgain()
    this.#known?.engine.onChange()
  }
}
