/** A torrent: read through its files, downloaded to disk, served to others. Wires the parts and owns their life. */
import { EventEmitter } from 'node:events'
import { BtError, TorrentError } from './errors.js'
import type { TorrentServer, TorrentServerOptions } from './http/torrent-server.js'
import type { Metainfo } from './metainfo/metainfo.js'
import type { CheckedOptions } from './options.js'
import { Bitfield } from './pieces/bitfield.js'
import type { PieceIndex } from './pieces/geometry.js'
import type { FileStorage } from './storage/file-storage.js'
import { watchAbort } from './streams/abort-watch.js'
import { HashPool } from './streams/hash-pool.js'
import type { TorrentReader } from './streams/torrent-reader.js'
import { TorrentEngine } from './torrent-engine.js'
import { emitting } from './torrent-events.js'
import { TorrentFile, type ReadStreamOptions } from './torrent-file.js'
import type { TorrentNetwork } from './torrent-network.js'
import { TorrentPeers } from './torrent-peers.js'
import { TorrentProgress } from './torrent-progress.js'
import { payloadFiles } from './torrent-selection.js'
import { openStored, type StoredTorrent } from './torrent-storage.js'
import { throwIfAborted } from './torrent-source.js'
import { TorrentTar } from './torrent-tar.js'
import * as view from './torrent-view.js'
import type { Rates } from './transport/transfer-limits.js'
import type { PeerStats, PieceMapCell, SourceInfo, TorrentEvents, TorrentStats, TrackerInfo } from './torrent-stats.js'

/** What is at work already: peers that brought the metadata, or the network of a client. */
export interface TorrentConnections {
  readonly peers?: TorrentPeers | undefined
  readonly network?: TorrentNetwork | undefined
}

export class Torrent extends EventEmitter<TorrentEvents> {
  readonly metainfo: Metainfo
  /** Files of the torrent in its order, padding left out. */
  readonly files: readonly TorrentFile[]
  /** The files (or those of the option `only`) as one tar archive. */
  readonly tar: TorrentTar
  readonly #options: CheckedOptions
  readonly #engine: TorrentEngine
  readonly #peers: TorrentPeers
  readonly #progress: TorrentProgress
  readonly #hashes: HashPool
  readonly #stored: StoredTorrent
  readonly #storage: FileStorage | undefined
  /** Pieces that others are told of. */
  readonly #announced: Bitfield
  /** Resolves when what is on disk has been checked and we look for peers. */
  readonly #started: Promise<void>
  readonly #stopWatching: () => void
  /** Those of `serve`, which end with the torrent; the ones that were closed before, too. */
  readonly #servers = new Set<TorrentServer>()
  /** An open torrent keeps the process alive, however quiet its network is. */
  readonly #alive = setInterval(() => undefined, 2 ** 30)
  #failure: BtError | undefined
  #closing: Promise<void> | undefined
  #download: Promise<void> | undefined

  private constructor(
    metainfo: Metainfo,
    options: CheckedOptions,
    stored: StoredTorrent,
    { peers, network }: TorrentConnections
  ) {
    super()
    const { storage, kept, totals } = stored
    this.metainfo = metainfo
    this.#options = options
    this.#stored = stored
    this.#storage = storage
    this.#hashes = new HashPool()
    this.#engine = this.#makeEngine(Math.max(options.maxMemory, 2 * Math.min(metainfo.pieceLength, metainfo.length)))
    this.#announced = new Bitfield(this.#engine.geometry.pieceCount)
    const { infoHash, trackers, dhtNodes } = metainfo
    this.#peers = peers ?? new TorrentPeers({ infoHash, trackers, dhtNodes, options, network, events: emitting(this) })
    this.#peers.events = emitting(this)
    totals.begin(this.#peers)
    this.#progress = this.#makeProgress()
    const isKept = (position: number): boolean => storage === undefined || kept.has(position)
    const payload = payloadFiles(metainfo)
    this.files = payload.map(({ file, position }, at) => new TorrentFile(this.#engine, file, at, isKept(position)))
    const archived = this.files.filter((_, at) => isKept(payload[at]?.position ?? -1))
    this.tar = new TorrentTar(this.#engine, metainfo.name, archived, metainfo.creationDate)
    this.#stopWatching = watchAbort(options.signal, () => void this.#abort(options.signal))
    this.#started = this.#start()
    this.#started.catch((error: unknown) => this.#fail(error))
  }

  /** See `openTorrent`. */
  static async open(
    metainfo: Metainfo,
    options: CheckedOptions,
    connections: TorrentConnections = {}
  ): Promise<Torrent> {
    const stored = await openStored(metainfo, options)
    try {
      throwIfAborted(options.signal)
      return new Torrent(metainfo, options, stored, connections)
    } catch (error) {
      // Nobody else knows of it: its lock would stay as long as the process.
      await stored.storage?.close().catch(() => undefined)
      throw error
    }
  }

  /** 40 hexadecimal digits. */
  get infoHash(): string {
    return this.metainfo.infoHash.toString('hex')
  }

  get name(): string {
    return this.metainfo.name
  }

  /** Bytes of the torrent, padding included. */
  get length(): number {
    return this.metainfo.length
  }

  /** Every byte of every file is verified and on disk. */
  get isComplete(): boolean {
    return this.#storage !== undefined && this.#engine.have.isComplete
  }

  /** The file with this index or path. Throws `ERR_BT_NO_FILE`. */
  file(which: number | string): TorrentFile {
    const file = typeof which === 'number' ? this.files[which] : this.files.find(({ path }) => path === which)
    if (!file) throw new TorrentError('ERR_BT_NO_FILE', `no file ${JSON.stringify(which)} in this torrent`)
    return file
  }

  /**
   * Fetches all files (or those of the option `only`) to `dir`; what is there already and verifies is not fetched again. Resolves when
   * every byte is verified and on disk. Rejects with `ERR_BT_OPTION` without `dir`, or with what stopped the torrent.
   */
  download(): Promise<void> {
    this.#download ??= this.#downloadAll()
    return this.#download
  }

  /** A tar archive of the files, as its bytes come: `tar.createReadStream`. */
  createTarStream(options?: ReadStreamOptions): TorrentReader {
    return this.tar.createReadStream(options)
  }

  /** Serves the files over HTTP until the torrent is closed, or the server. Rejects with `ERR_BT_OPTION` when it cannot listen. */
  async serve(options?: TorrentServerOptions): Promise<TorrentServer> {
    const { createServer } = await import('./torrent-serving.js')
    const server = await createServer([this], options)
    this.#servers.add(server)
    if (!this.#closing) return server
    await server.close()
    throw this.#failure ?? new TorrentError('ERR_BT_ABORTED', 'the torrent was closed')
  }

  /** Resolves when what was on disk has been checked and peers are looked for; rejects with what went wrong. */
  async ready(): Promise<void> {
    await this.#started
    if (this.#failure) throw this.#failure
  }

  stats(): TorrentStats {
    return view.torrentStats(this.#engine, this.#peers, this.#progress, this.#stored)
  }

  /** The torrent's pieces in at most `cells` runs, for a picture of it. */
  pieceMap(cells = 512): PieceMapCell[] {
    return view.pieceMap(this.#engine, cells)
  }

  /** The connected peers. */
  peers(): PeerStats[] {
    return [...this.#peers.swarm.peers()].map(view.peerStats)
  }

  /** The torrent's trackers as they stand. */
  trackers(): TrackerInfo[] {
    return this.#peers.trackerStatuses().map(view.trackerInfo)
  }

  /** How each source of peers stands. */
  sources(): SourceInfo[] {
    return this.#peers.sourceStates()
  }

  /** Leaves all peers and asks for nothing until `resume`; readers wait meanwhile. Resolves when trackers were told, within 5 s. */
  pause(): Promise<void> {
    return this.#peers.pause()
  }

  /** Goes on where `pause` stopped. */
  resume(): void {
    this.#peers.resume()
  }

  /** Limits of this torrent's payload, bytes a second, 0 for none; what is not named stays. Throws `ERR_BT_OPTION`. */
  setLimits(rates: Rates): void {
    this.#peers.limits.set(rates)
  }

  /** The limits as they are now. */
  get limits(): Required<Rates> {
    return this.#peers.limits.rates
  }

  get isPaused(): boolean {
    return this.#peers.isPaused
  }

  /** Budget of all piece buffers, bytes: at least two pieces. May be changed at any time; what is over it is given up soon. */
  get maxMemory(): number {
    return this.#engine.pool.budget
  }

  set maxMemory(bytes: number) {
    this.#engine.pool.budget = bytes
    this.#engine.onChange()
  }

  /**
   * Ends all: readers fail with `ERR_BT_ABORTED`, peers are closed, trackers told (within 5 s), data synced. Afterwards no socket, timer,
   * thread or descriptor is left. Never rejects; safe to call twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close(this.#failure ?? new TorrentError('ERR_BT_ABORTED', 'the torrent was closed'))
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // --- the parts

  #makeEngine(maxMemory: number): TorrentEngine {
    const { clock, random } = this.#options
    return new TorrentEngine({
      metainfo: this.metainfo,
      clock,
      random,
      hashes: this.#hashes,
      maxMemory,
      storage: this.#storage,
      dialling: () => this.#peers.swarm.diallingCount,
      onStored: index => this.#onStored(index),
      onEvicted: index => this.#peers.onWithdrawn(index),
      onGuilty: supplier => this.#peers.ban(supplier),
      onFailure: error => this.#fail(error)
    })
  }

  #makeProgress(): TorrentProgress {
    const engine = this.#engine
    const { clock, peerTimeoutMs, stallTimeoutMs } = this.#options
    return new TorrentProgress({
      clock,
      peerTimeoutMs,
      stallTimeoutMs,
      downloaded: () => this.#peers.downloaded,
      uploaded: () => this.#peers.uploaded,
      delivered: () => engine.delivered,
      storedAt: () => engine.storedAt,
      isWanting: () => this.#failure === undefined && !this.isPaused && view.isAwaiting(engine) && !this.#isDiskBusy,
      isReaderWaiting: () => view.isReaderWaiting(engine),
      hadPeer: () => this.#peers.hadPeer,
      reason: () => (this.isPaused ? undefined : view.slowReason(engine, this.#peers, this.#isDiskBusy)),
      sources: () => this.#peers.sources(),
      onBeat: () => {
        engine.onChange()
        this.#peers.tellSources()
        this.#peers.giving.beat()
        this.#stored.totals.beat()
      },
      onWaiting: reason => this.emit('waiting', reason),
      onTimeout: error => this.#fail(error)
    })
  }

  /** Pieces are being written, or wait for that. */
  get #isDiskBusy(): boolean {
    return this.#engine.isDiskSlow || this.#storage?.isWriting === true
  }

  /** Others are told of a piece all bytes of which are kept where they can be read. */
  #announce(index: PieceIndex): void {
    const isServable = this.#options.only === undefined || this.#storage?.keeps(index)
    if (!this.#storage || (isServable && this.#announced.set(index))) this.#peers.onAnnounced(index)
  }

  #onStored(index: PieceIndex): void {
    this.#announce(index)
    this.emit('piece', index)
  }

  // --- its life

  async #start(): Promise<void> {
    for (const warning of this.metainfo.warnings) this.#warn(warning)
    if (this.#storage) await this.#check(this.#storage)
    if (this.#closing) return
    const engine = this.#engine
    const left = (): number => this.length - view.bytesOf(engine.verified, engine.geometry)
    const announced = this.#storage && this.#announced
    const sought = this.#options.readOnly ? undefined : this.#stored.selected
    const wantsNothing = (): boolean => announced !== undefined && view.wantsNothing(engine, sought)
    this.#peers.begin({ metainfo: this.metainfo, engine, announced, left, wantsNothing })
    await this.#peers.start()
    const { port } = this.#peers
    // Of a magnet link we listen already: the caller gets the time to hear of it.
    if (port !== undefined) setImmediate(() => this.emit('listening', port))
  }

  #warn(warning: string): void {
    this.#peers.events.onWarning(warning)
  }

  /** The pieces that are on disk and right, of `candidates` or of those that may be there. */
  async #hashStored(storage: FileStorage, candidates?: readonly PieceIndex[]): Promise<Bitfield> {
    const { checkStored } = await import('./torrent-check.js')
    return await checkStored({
      storage,
      geometry: this.#engine.geometry,
      hashes: this.#hashes,
      pool: this.#engine.pool,
      expected: this.metainfo.pieceHashes,
      ...(candidates && { candidates }),
      isStopped: () => this.#closing !== undefined,
      onChecked: (checked, total) => this.emit('checking', checked, total)
    })
  }

  async #check(storage: FileStorage): Promise<void> {
    for (const warning of storage.warnings) this.#warn(warning)
    const good = await this.#hashStored(storage)
    if (this.#closing) return
    await storage.adopt(good)
    for (const piece of view.indexesOf(good, this.#engine.geometry)) {
      this.#engine.markStored(piece)
      this.#announce(piece)
    }
  }

  async #downloadAll(): Promise<void> {
    const storage = this.#storage
    if (!storage || this.#options.readOnly) {
      throw new TorrentError('ERR_BT_OPTION', 'download needs the option `dir`, and to be allowed to write there')
    }
    await this.ready()
    const engine = this.#engine
    const wanted = view.indexesOf(this.#stored.selected, engine.geometry)
    const isFresh = wanted.some(index => !engine.have.has(index))
    engine.want(wanted)
    const { finishDownload } = await import('./torrent-finish.js')
    await finishDownload({
      storage,
      engine,
      wanted,
      check: indexes => this.#hashStored(storage, indexes),
      isStopped: () => this.#failure !== undefined,
      onWarning: warning => this.#warn(warning)
    }).catch((error: unknown) => {
      this.#fail(error)
      throw error
    })
    if (isFresh && this.isComplete) this.#peers.onCompleted()
    this.emit('done')
  }

  async #abort(signal: AbortSignal | undefined): Promise<void> {
    this.#failure ??= new TorrentError('ERR_BT_ABORTED', 'aborted', { cause: signal?.reason })
    await this.close()
  }

  #fail(error: unknown): void {
    if (this.#failure || this.#closing) return
    const failure =
      error instanceof BtError ? error : new TorrentError('ERR_BT_INTERNAL', (error as Error).message, { cause: error })
    this.#failure = failure
    this.emit('failure', failure)
    this.#progress.stop()
    void this.#peers.swarm.close()
    void this.#engine.close(failure).catch(() => undefined)
  }

  async #close(reason: BtError): Promise<void> {
    this.#stopWatching()
    this.#failure ??= reason
    this.#progress.stop()
    await Promise.allSettled([
      ...[...this.#servers].map(server => server.close()),
      this.#engine.close(reason),
      this.#peers.close(),
      this.#started.catch(() => undefined),
      this.#download
    ])
    await Promise.all([this.#hashes.close(), this.#stored.totals.close()])
    clearInterval(this.#alive)
    this.emit('close')
  }
}
