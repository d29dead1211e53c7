/**
 * The pipeline of one torrent: scheduler → peers → assembler → verifier → writer → storage → readers. Wires the pure deciders to the
 * streams and wakes whoever waits. Knows no trackers, no sockets and no options.
 */
import { pipeline } from 'node:stream'
import type { Clock, Timer } from './clock.js'
import { StorageError, TorrentError } from './errors.js'
import { KEPT_SHARE, MAX_PIECE_FAILURES, READ_AHEAD_SHARE, READER_PAUSED_MS } from './limits.js'
import type { Metainfo } from './metainfo/metainfo.js'
import { Bitfield } from './pieces/bitfield.js'
import { Geometry, type PieceIndex } from './pieces/geometry.js'
import { KeptPieces } from './pieces/kept-pieces.js'
import type { ReadWindow } from './pieces/read-window.js'
import { SmartBan } from './pieces/smart-ban.js'
import { Scheduler } from './policy/scheduler.js'
import type { ActivePiece, Supplier } from './policy/supplier.js'
import { MemoryWindow } from './storage/memory-window.js'
import type { HashPool } from './streams/hash-pool.js'
import { PieceAssembler, type Acceptance } from './streams/piece-assembler.js'
import { PiecePool } from './streams/piece-pool.js'
import { PieceVerifier } from './streams/piece-verifier.js'
import { PieceWriter } from './streams/piece-writer.js'
import type { PieceLibrary, WindowChange } from './streams/read-cursor.js'
import type { Lease, Storage } from './streams/storage.js'
import type { BlockData } from './wire/message.js'

export interface EngineOptions {
  readonly metainfo: Metainfo
  readonly clock: Clock
  readonly random: () => number
  readonly hashes: HashPool
  /** Bytes of all piece buffers. */
  readonly maxMemory: number
  /** Files on disk; without it a memory window. */
  readonly storage?: Storage | undefined
  /** Peers that are being dialled and will soon share the work. */
  readonly dialling: () => number
  readonly onStored: (index: PieceIndex) => void
  /** The memory window gave the piece up. */
  readonly onEvicted?: (index: PieceIndex) => void
  /** These peers sent bad data. */
  readonly onGuilty: (supplier: Supplier) => void
  /** The storage failed, or something of ours: the torrent cannot go on. */
  readonly onFailure: (error: Error) => void
}

interface Waiting {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class TorrentEngine implements PieceLibrary {
  readonly geometry: Geometry
  /** Pieces that are verified and stored now. */
  readonly have: Bitfield
  /** Pieces that were ever verified: in the memory window, also those that have been evicted since. */
  readonly verified: Bitfield
  readonly scheduler: Scheduler
  readonly pool: PiecePool
  readonly windows = new Set<ReadWindow>()
  /** When a piece was last stored. */
  storedAt: number
  /** Bytes that readers took. */
  delivered = 0
  /** From the first wish to read until the first verified byte was there. */
  firstByteMs: number | undefined
  /** The longest time between a reader that goes on after a pause and the next request to a peer. */
  resumeMs: number | undefined
  #wishedAt: number | undefined
  #resumedAt: number | undefined
  readonly #options: EngineOptions
  readonly #storage: Storage
  readonly #keptPieces: KeptPieces
  readonly #assembler: PieceAssembler
  readonly #waiting = new Map<PieceIndex, Waiting>()
  readonly #smartBan = new SmartBan<Supplier>()
  #isRunPlanned = false
  #wake: Timer
  #isWakeSet = false
  #failure: Error | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    const { metainfo, clock, random, maxMemory } = options
    this.geometry = new Geometry(metainfo.length, metainfo.pieceLength)
    this.have = new Bitfield(this.geometry.pieceCount)
    this.verified = new Bitfield(this.geometry.pieceCount)
    this.storedAt = clock.now()
    const memory = new MemoryWindow({
      isWanted: index => this.#isInWindow(index),
      isKept: index => this.#keptPieces.has(index),
      distance: index => this.#distance(index),
      onEvicted: index => this.#onEvicted(index)
    })
    this.#storage = options.storage ?? memory
    this.pool = new PiecePool({
      slotLength: Math.min(metainfo.pieceLength, metainfo.length),
      budget: maxMemory,
      evict: need => options.storage === undefined && memory.evict(need),
      extra: () => this.windows.size
    })
    this.pool.onFree = () => this.onChange()
    this.#keptPieces = new KeptPieces(this.geometry, this.pool.budget * KEPT_SHARE)
    const { geometry, have, pool } = this
    const onComplete = (piece: ActivePiece): void => this.#assembler.add(piece)
    this.scheduler = new Scheduler(
      { geometry, have, credits: pool, random, onComplete },
      new Bitfield(geometry.pieceCount)
    )
    this.#assembler = this.#startPipeline()
  }

  get #now(): number {
    return this.#options.clock.now()
  }

  now(): number {
    return this.#now
  }

  /** How often this piece's hash was wrong. */
  failures(index: number): number {
    return this.#smartBan.failures(index)
  }

  // --- for peers

  acceptBlock(supplier: Supplier, piece: number, begin: number, data: BlockData): Acceptance {
    return this.#assembler.accept(supplier, piece, begin, data, this.#now)
  }

  /** A copy: a slow peer must not keep a piece in memory that readers need the room of. See `Storage.fill`. */
  async readBlocks(index: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean> {
    return this.have.has(index) && (await this.#storage.fill(index, begin, targets))
  }

  /** Something changed what can be asked for: decide once this turn of the loop is over. */
  onChange(): void {
    if (this.#isRunPlanned || this.#failure) return
    this.#isRunPlanned = true
    setImmediate(() => {
      this.#isRunPlanned = false
      this.#run()
    })
  }

  // --- for readers

  onWindow(window: ReadWindow, change: WindowChange, bytes = 0): void {
    this.delivered += bytes
    if (bytes > 0 && window.pausedMs > READER_PAUSED_MS) this.#resumedAt ??= this.#now
    if (bytes > 0 && this.#wishedAt !== undefined) this.firstByteMs ??= this.#now - this.#wishedAt
    if (change === 'opened') {
      this.#wishedAt ??= this.#now
      this.windows.add(window)
      this.scheduler.addWindow(window)
    } else if (change === 'closed') {
      this.windows.delete(window)
      this.scheduler.removeWindow(window, this.#now)
    }
    if (change !== 'moved') this.#updateInterest()
    this.onChange()
  }

  whenHere(index: PieceIndex): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.have.has(index)) return undefined
    const known = this.#waiting.get(index)
    if (known) return known.promise
    let resolve = (): void => undefined
    let reject: (error: Error) => void = () => undefined
    const promise = new Promise<void>((yes, no) => {
      resolve = yes
      reject = no
    })
    // Nobody may be left to hear of it by the time it fails.
    promise.catch(() => undefined)
    this.#waiting.set(index, { promise, resolve, reject })
    return promise
  }

  async read(index: PieceIndex, begin: number, length: number): Promise<Lease | undefined> {
    const lease = await this.#storage.read(index, begin, length)
    // Only memory forgets a piece; on disk it was never kept, and waiting for it again would be for ever.
    if (!lease && this.have.has(index)) throw new StorageError('ERR_BT_DISK', `piece ${index} is not kept here`)
    return lease
  }

  bytesHere(start: number, end: number): number {
    return this.geometry.bytesWithin(this.have, start, end)
  }

  keepEdges(start: number, end: number): void {
    this.#keptPieces.keep(start, end)
  }

  // --- for the torrent

  /** Fetches these pieces whether or not a reader comes by. */
  want(indexes: Iterable<number>): void {
    this.scheduler.want(indexes)
    this.#updateInterest()
    this.onChange()
  }

  /** Resolves when all these pieces are verified and stored. */
  async allHere(indexes: Iterable<PieceIndex>): Promise<void> {
    for (const index of indexes) await this.whenHere(index)
  }

  /** The piece was found on disk and its hash is right. */
  markStored(index: PieceIndex): void {
    this.have.set(index)
    this.verified.set(index)
    this.scheduler.onStored(index)
  }

  /** The piece is not on disk any more, or not right: it is fetched again when it is wanted. */
  markLost(index: PieceIndex): void {
    this.have.clear(index)
    this.verified.clear(index)
    this.scheduler.onLost(index)
    this.onChange()
  }

  /** The first piece that a reader waits for, or that `want` named and nobody has brought. */
  firstMissing(): PieceIndex | undefined {
    let first: PieceIndex | undefined
    for (const window of this.windows) {
      const head = window.head(this.have)
      if (head !== undefined && (first === undefined || window.isWaiting)) first = head
    }
    if (first !== undefined) return first
    const { wanted } = this.scheduler
    return this.geometry.pieceIndex(wanted.nextMissingIn(this.have, 0))
  }

  /** Ends everything: what waits fails with `error`. The storage is closed by its owner, unless it is the memory window. */
  async close(error: Error): Promise<void> {
    this.#failure ??= error
    this.#options.clock.clearTimer(this.#wake)
    this.#assembler.destroy()
    for (const { reject } of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
    await this.#storage.close()
  }

  /** Complete pieces wait for the hash or the disk, and peers are held. */
  get isDiskSlow(): boolean {
    return this.#assembler.isHolding
  }

  // --- inside

  #startPipeline(): PieceAssembler {
    const { metainfo, hashes, onGuilty, onFailure } = this.#options
    const assembler = new PieceAssembler(this.scheduler, index => this.#isHead(index))
    const verifier = new PieceVerifier({
      sha1: bytes => hashes.sha1(bytes),
      expected: index => metainfo.pieceHashes.subarray(index * 20, index * 20 + 20),
      onGood: piece => {
        for (const supplier of this.#smartBan.onPassed(piece.index, piece.bytes)) onGuilty(supplier)
        piece.senders.forEach((sender, block) => {
          if (sender) sender.verified += piece.lengthOf(block)
        })
      },
      onBad: piece => this.#onBad(piece)
    })
    const writer = new PieceWriter(this.#storage, index => this.#onStored(index))
    pipeline(assembler, verifier, writer, error => {
      if (error && !this.#failure) onFailure(error)
    })
    return assembler
  }

  #onBad(piece: ActivePiece): void {
    const liar = this.#smartBan.onFailed(piece)
    this.scheduler.onFailed(piece)
    if (liar) this.#options.onGuilty(liar)
    const failures = this.failures(piece.index)
    if (failures >= MAX_PIECE_FAILURES) {
      const reason = `piece ${piece.index} failed its hash ${failures} times: the torrent's data in the swarm is broken`
      this.#options.onFailure(new TorrentError('ERR_BT_STALLED', reason))
    }
    this.onChange()
  }

  #onStored(index: PieceIndex): void {
    this.storedAt = this.#now
    this.markStored(index)
    this.#options.onStored(index)
    this.#waiting.get(index)?.resolve()
    this.#waiting.delete(index)
    this.onChange()
  }

  #onEvicted(index: PieceIndex): void {
    this.have.clear(index)
    this.scheduler.onLost(index)
    this.#options.onEvicted?.(index)
  }

  #run(): void {
    if (this.#failure) return
    const now = this.#now
    this.#shareReadAhead(now)
    this.scheduler.dialling = this.#options.dialling()
    const { asked } = this.scheduler.requests
    const wakeAt = this.scheduler.run(now)
    if (this.scheduler.requests.asked > asked && this.#resumedAt !== undefined) {
      this.resumeMs = Math.max(this.resumeMs ?? 0, this.#now - this.#resumedAt)
      this.#resumedAt = undefined
    }
    if (this.#isWakeSet) this.#options.clock.clearTimer(this.#wake)
    this.#isWakeSet = wakeAt !== undefined
    if (wakeAt !== undefined) this.#wake = this.#options.clock.setTimer(() => this.#run(), Math.max(1, wakeAt - now))
  }

  /** Readers share the read-ahead; one that pauses keeps only its head while another could use the room. */
  #shareReadAhead(now: number): void {
    const active = [...this.windows].filter(window => window.isWaiting || now - window.tookAt < READER_PAUSED_MS)
    const sharers = active.length > 0 ? active : [...this.windows]
    // The piece being read is part of the window, and one more is fetched meanwhile however long pieces are.
    const all = Math.max(this.pool.budget * READ_AHEAD_SHARE, 2 * this.geometry.pieceLength)
    for (const window of this.windows) window.readAhead = sharers.includes(window) ? all / sharers.length : 0
  }

  #updateInterest(): void {
    for (const supplier of this.scheduler.suppliers) this.scheduler.updateInterest(supplier)
  }

  #isInWindow(index: number): boolean {
    for (const window of this.windows) if (window.includes(index)) return true
    return false
  }

  #isHead(index: number): boolean {
    for (const window of this.windows) if (window.head(this.have) === index) return true
    return false
  }

  /** Bytes from the nearest reader; `undefined` for the piece a reader is at. */
  #distance(index: number): number | undefined {
    let nearest = Number.POSITIVE_INFINITY
    for (const { first } of this.windows) {
      if (first === index) return undefined
      if (index > first) nearest = Math.min(nearest, (index - first) * this.geometry.pieceLength)
    }
    return nearest
  }
}
