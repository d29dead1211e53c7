/**
 * Who is asked for which block, and when. Told of every event by name, it answers with requests and cancels through each
 * supplier's port. Pure: time is an argument, waiting is the caller's (`run` says when to call again).
 */
import { BLOCK_LENGTH } from '../limits.js'
import type { Bitfield } from '../pieces/bitfield.js'
import type { Geometry } from '../pieces/geometry.js'
import { Rarity } from '../pieces/rarity.js'
import type { ReadWindow } from '../pieces/read-window.js'
import type { BlockData, BlockSpan } from '../wire/message.js'
import { BlockPicker, type PickedBlock, type SwarmView } from './block-picker.js'
import { Interest } from './interest.js'
import { PiecesInFlight, type CreditSource } from './pieces-in-flight.js'
import { readingsOf } from './reading.js'
import { Repeats } from './repeats.js'
import { RequestBook, type BlockOutcome } from './request-book.js'
import { Rescuer } from './rescue.js'
import { soonestFirst, Supplier, type ActivePiece, type RejectOutcome, type SupplierPort } from './supplier.js'

export interface SchedulerOptions {
  readonly geometry: Geometry
  /** Verified and stored pieces; kept by the owner, read here. */
  readonly have: Bitfield
  readonly credits: CreditSource
  readonly random: () => number
  /** All blocks of a piece are here: it goes to the verifier with its credit. */
  readonly onComplete: (piece: ActivePiece) => void
}

/** Blocks asked for before anything is known, shared by the whole swarm; and the bounds of one peer's part. */
const FIRST_BLOCKS = 64
const FIRST_BLOCKS_LEAST = 2
/** …and of the only peer there is, however far: nobody else could bring them sooner. */
const FIRST_BLOCKS_ALONE = 128
/** A peer that chokes us this soon after connecting is expected to unchoke. */
const FRESH_MS = 2000

export class Scheduler {
  /** Counts what was asked, taken and wasted. */
  readonly requests: RequestBook
  readonly pieces: PiecesInFlight
  readonly rarity: Rarity
  readonly suppliers = new Set<Supplier>()
  /** The same, as they were sorted last. */
  readonly #ranked: Supplier[] = []
  readonly wanted: Bitfield
  /** Peers that are being dialled: they will share the first requests. */
  dialling = 0
  readonly #windows = new Set<ReadWindow>()
  readonly #picker: BlockPicker
  readonly #rescuer: Rescuer
  readonly #repeats: Repeats
  readonly #interest: Interest
  readonly #onComplete: (piece: ActivePiece) => void
  /** Peers that may have nothing any more that we seek. */
  readonly #doubtful = new Set<Supplier>()
  constructor({ geometry, have, credits, random, onComplete }: SchedulerOptions, wanted: Bitfield) {
    this.pieces = new PiecesInFlight(geometry, have, credits)
    this.rarity = new Rarity(geometry.pieceCount)
    this.requests = new RequestBook(this.pieces, this.#windows)
    this.wanted = wanted
    this.#picker = new BlockPicker(this.pieces, this.rarity, wanted, random)
    this.#rescuer = new Rescuer(this.pieces)
    this.#repeats = new Repeats(this.pieces)
    this.#interest = new Interest(have, wanted, this.#windows)
    this.#onComplete = onComplete
  }

  // --- what is wanted

  /** Pieces to fetch whether or not a reader comes by, rarest first. */
  want(indexes: Iterable<number>): void {
    for (const index of indexes) {
      if (!this.wanted.set(index) || this.pieces.have.has(index)) continue
      if (!this.pieces.isUnderWay(index)) this.rarity.include(index)
    }
  }

  addWindow(window: ReadWindow): void {
    this.#windows.add(window)
  }

  /** The reader left or went elsewhere: what only it wanted is cancelled and its memory freed. */
  removeWindow(window: ReadWindow, now: number): void {
    this.#windows.delete(window)
    for (const piece of [...this.pieces.all()]) {
      if (this.isWanted(piece.index)) continue
      this.requests.cancelPiece(piece, now)
      this.#drop(piece)
    }
  }

  isWanted(index: number): boolean {
    if (this.wanted.has(index)) return true
    for (const window of this.#windows) if (window.includes(index)) return true
    return false
  }

  // --- what peers do

  addSupplier(port: SupplierPort, pieces: Bitfield, now: number, connectMs: number): Supplier {
    const supplier = new Supplier(port, pieces, now, connectMs, FIRST_BLOCKS)
    this.suppliers.add(supplier)
    this.#ranked.push(supplier)
    this.rarity.addPeer(pieces)
    return supplier
  }

  removeSupplier(supplier: Supplier, now: number): void {
    if (!this.suppliers.delete(supplier)) return
    this.#ranked.splice(this.#ranked.indexOf(supplier), 1)
    this.rarity.removePeer(supplier.pieces)
    this.#doubtful.delete(supplier)
    this.requests.takeBackAll(supplier, now)
  }

  /** What the peer has, at once; pieces it named before stay. */
  onBitfield(supplier: Supplier, pieces: Bitfield): void {
    if (supplier.pieces.count > 0) {
      for (let i = pieces.nextSet(0); i !== -1; i = pieces.nextSet(i + 1)) this.onHave(supplier, i)
      return
    }
    supplier.pieces.add(pieces)
    supplier.onChange()
    this.rarity.addPeer(supplier.pieces)
    this.updateInterest(supplier)
  }

  onHave(supplier: Supplier, index: number): void {
    if (!supplier.pieces.set(index)) return
    this.rarity.onHave(index)
    supplier.onChange()
    if (supplier.pieces.isComplete) this.rarity.becameSeed()
    if (!this.pieces.have.has(index) && this.#interest.isSought(index)) this.#becomeInterested(supplier)
  }

  /** BEP 54: what was asked of it and is on its way may still come. */
  onDontHave(supplier: Supplier, index: number, now: number): void {
    if (!supplier.pieces.has(index)) return
    if (supplier.pieces.isComplete) this.rarity.noSeedAnyMore()
    supplier.pieces.clear(index)
    this.rarity.onGone(index)
    supplier.onChange()
    this.requests.takeBackAll(supplier, now, piece => piece.index === index)
    this.#doubtful.add(supplier)
  }

  /** BEP 3: a choke answers no request that is still open; BEP 6 lets those stand that it answers even so. */
  onChoke(supplier: Supplier, now: number): void {
    supplier.isChoking = true
    this.requests.takeBackAll(supplier, now, piece => !supplier.isAllowed(piece.index))
  }

  onUnchoke(supplier: Supplier): void {
    supplier.isChoking = false
    supplier.forgive()
  }

  /** BEP 6: this request will not be answered. Says what became of it here. */
  onReject(supplier: Supplier, { piece: index, begin, length }: BlockSpan, now: number): RejectOutcome {
    const block = begin / BLOCK_LENGTH
    if (!this.pieces.geometry.isBlock(index, block, length)) return 'unrequested'
    const key = this.pieces.key(index, block)
    if (supplier.recall(key)) return 'forgotten' // of a block asked for twice, the first answer is that to what was taken back
    const request = supplier.pipeline.get(key)
    if (!request) return 'unrequested'
    this.requests.takeBack(supplier, request.piece, block, now)
    supplier.recall(key)
    supplier.refuse(index, now)
    return 'refused'
  }

  onBlock(supplier: Supplier, index: number, begin: number, data: BlockData, now: number): BlockOutcome {
    const block = begin / BLOCK_LENGTH
    if (!this.pieces.geometry.isBlock(index, block, data.length))
      return this.requests.waste(supplier, data.length, false)
    const key = this.pieces.key(index, block)
    const request = supplier.pipeline.onBlock(key, data.length, now)
    const piece = request?.piece ?? this.pieces.get(index)
    const isExpected = request !== undefined || supplier.recall(key)
    if (!isExpected || !piece) return this.requests.waste(supplier, data.length, isExpected)
    const isNew = this.pieces.get(index) === piece && piece.receive(block, supplier, data)
    this.requests.answered(supplier, piece, block)
    if (!isNew) return this.requests.waste(supplier, data.length, true)
    this.requests.received += data.length
    if (piece.unrequested === 0) this.pieces.settle(piece)
    this.requests.cancelHolders(piece, block, now)
    if (piece.isComplete) {
      this.pieces.complete(piece)
      this.#onComplete(piece)
    }
    return 'taken'
  }

  /** The piece is verified and stored, and `have` says so. */
  onStored(index: number): void {
    this.pieces.judged(index)
    this.rarity.exclude(index)
    this.pieces.clear(index)
  }

  /** The hash was wrong: the piece is to be fetched again, from others where there are others. */
  onFailed(piece: ActivePiece): void {
    this.requests.wasted += piece.length
    this.pieces.judged(piece.index)
    this.pieces.suspect(piece)
    this.onLost(piece.index)
  }

  /** A piece is not there (any more): evicted, failed, or it could not be stored. */
  onLost(index: number): void {
    if (this.wanted.has(index)) this.rarity.include(index)
    for (const window of this.#windows) window.reopen(index)
    if (!this.#interest.isSought(index)) return
    for (const supplier of this.suppliers) if (supplier.pieces.has(index)) this.#becomeInterested(supplier)
  }

  /** Says to the peer whether it has anything that we want and lack. */
  updateInterest(supplier: Supplier): void {
    const amInterested = this.#interest.isIn(supplier)
    if (amInterested === supplier.amInterested) return
    supplier.amInterested = amInterested
    supplier.port.setInterested(amInterested)
  }

  // --- decisions

  /** Sends every request and cancel that is due. Returns when to call again at the latest, or `undefined` when only an event can change things. */
  run(now: number): number | undefined {
    this.pieces.retryCredits()
    this.#repeats.forget()
    for (const supplier of this.#doubtful) this.updateInterest(supplier)
    this.#doubtful.clear()
    for (const supplier of this.suppliers) supplier.forgive(now)
    const silentAt = this.#snubSilent(now)
    const open = soonestFirst(this.#ranked, now)
    const view = this.#view(open, now)
    // A reader waits, and nobody is known of very many: each is asked for one block before any is asked for another.
    const isCold = this.requests.received === 0 && view.readings.length > 0 && this.#firstDepth === FIRST_BLOCKS_LEAST
    if (isCold) for (const supplier of open) if (supplier.pipeline.size === 0) this.#fill(supplier, view, 1)
    for (const supplier of open) this.#fill(supplier, view)
    if (this.pieces.isDry && this.#abandonOrphan(open)) for (const supplier of open) this.#fill(supplier, view)
    const lookAt = this.#rescuer.rescue(view, ({ piece, block, supplier }) => {
      if (!this.requests.mayDouble(piece.lengthOf(block))) return false
      supplier.port.request([this.requests.ask(supplier, { piece, block }, now)])
      return true
    })
    return lookAt === undefined ? silentAt : Math.min(lookAt, silentAt ?? lookAt)
  }

  /** All memory is held by pieces whose owners left, and nothing is on its way: one of them gives its memory up. */
  #abandonOrphan(open: readonly Supplier[]): boolean {
    if (open.some(supplier => supplier.pipeline.size > 0)) return false
    for (const piece of this.pieces.all()) {
      if (open.some(supplier => supplier.askable.has(piece.index))) continue
      this.#drop(piece)
      if (this.wanted.has(piece.index)) this.rarity.include(piece.index)
      this.pieces.retryCredits()
      return true
    }
    return false
  }

  #drop(piece: ActivePiece): void {
    this.pieces.close(piece)
    this.requests.wasted += (piece.blockCount - piece.missing) * BLOCK_LENGTH
    piece.credit.release()
  }

  #view(open: readonly Supplier[], now: number): SwarmView {
    let rate = 0
    for (const supplier of this.suppliers) {
      const isFresh = now - supplier.connectedAt < FRESH_MS
      if (!supplier.pipeline.isSnubbed && (isFresh || supplier.isOpen)) rate += supplier.pipeline.model.rate
    }
    const bestEtaMs = open.find(({ pipeline }) => !pipeline.isSnubbed)?.soonMs ?? Number.POSITIVE_INFINITY
    const readings = readingsOf(this.#windows, this.pieces, now)
    return { now, rate, bestEtaMs, suppliers: this.suppliers, open, readings }
  }

  #fill(supplier: Supplier, view: SwarmView, most = Infinity): void {
    const { pipeline } = supplier
    if (!pipeline.model.isMeasured) pipeline.firstDepth = this.#firstDepth
    const { depth } = pipeline
    if (pipeline.size > 2 * depth) this.#trim(supplier, view.now)
    let room = depth - pipeline.size
    // A batch leaves in one packet: small rooms wait until they are worth one.
    if (pipeline.size > 0 && room < Math.max(1, Math.min(depth / 4, 16))) return
    const twice = this.#repeats.atTheStart(supplier, view)
    const spans = twice ? [this.requests.ask(supplier, twice, view.now)] : []
    if (twice) room--
    for (; room > 0 && spans.length < most; room--) {
      const picked = this.#picker.pick(supplier, view) ?? this.#pickRepeat(supplier, view)
      if (!picked) break
      spans.push(this.requests.ask(supplier, picked, view.now))
    }
    if (spans.length > 0) supplier.port.request(spans)
  }

  /** The endgame of a whole download: nothing is left to ask for. */
  #pickRepeat(supplier: Supplier, view: SwarmView): PickedBlock | undefined {
    const isEndgame = this.rarity.size === 0 && this.wanted.count > 0 && this.suppliers.size > 1
    return isEndgame ? this.#repeats.atTheEnd(supplier, view) : undefined
  }

  /** A peer that turned out slow holds more than it can bring soon: the newest requests go back to all. */
  #trim(supplier: Supplier, now: number): void {
    const { pipeline } = supplier
    if (!pipeline.model.isMeasured || this.suppliers.size < 2) return
    supplier.port.cancel(this.requests.takeBackNewest(supplier, pipeline.depth, now))
  }

  /** Peers that owe us a block for too long: what they hold goes to others, and they get one chance at a time. */
  #snubSilent(now: number): number | undefined {
    let wakeAt: number | undefined
    for (const supplier of this.suppliers) {
      const { pipeline } = supplier
      if (pipeline.size === 0) continue
      const lost = pipeline.lost(now)
      if (lost) supplier.port.cancel([this.requests.takeBack(supplier, lost.piece, lost.block, now)])
      if (pipeline.isSilent(now)) {
        pipeline.isSnubbed = true
        supplier.port.cancel(this.requests.takeBackAll(supplier, now))
      } else wakeAt = Math.min(pipeline.silentAt(now), wakeAt ?? Number.POSITIVE_INFINITY)
    }
    return wakeAt
  }

  /** A first few blocks for the whole swarm: one peer alone is asked for many, each of many for a few. */
  get #firstDepth(): number {
    const peers = this.suppliers.size + this.dialling
    return peers < 2 ? FIRST_BLOCKS_ALONE : Math.max(FIRST_BLOCKS_LEAST, Math.ceil(FIRST_BLOCKS / peers))
  }

  #becomeInterested(supplier: Supplier): void {
    if (supplier.amInterested) return
    supplier.amInterested = true
    supplier.port.setInterested(true)
  }
}
