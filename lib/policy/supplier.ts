/** A peer as the scheduler sees it: what it has, whether it lets us ask, what is on its way from it. */
import { MAX_ALLOWED_FAST, REFUSED_MS } from '../limits.js'
import { Bitfield } from '../pieces/bitfield.js'
import type { PieceBuffer } from '../pieces/piece-buffer.js'
import type { BlockSpan } from '../wire/message.js'
import { DeliveryModel } from '../wire/delivery-model.js'
import { RequestPipeline } from '../wire/request-pipeline.js'

/** How the scheduler's decisions leave: messages to this peer. */
export interface SupplierPort {
  request(spans: readonly BlockSpan[]): void
  cancel(spans: readonly BlockSpan[]): void
  setInterested(amInterested: boolean): void
}

/** What a peer refused: what we wait for, what we no longer wait for, or what nobody asked for. */
export type RejectOutcome = 'refused' | 'forgotten' | 'unrequested'

/** A piece in flight, with the suppliers as its peers. */
export type ActivePiece = PieceBuffer<Supplier>

/** Late answers to requests we took back are expected for this many blocks. */
const FORGOTTEN_KEPT = 512

/** What a snubbed peer's next block is assumed to take, milliseconds. */
const SNUBBED_ETA_MS = 10_000

export class Supplier {
  readonly port: SupplierPort
  readonly pieces: Bitfield
  readonly pipeline: RequestPipeline<ActivePiece>
  readonly connectedAt: number
  amInterested = false
  #isChoking = true
  /** Bytes of blocks that came twice or that nobody asked for. */
  wasted = 0
  /** Bytes of this peer's blocks in pieces that verified. */
  verified = 0
  /** Requests taken back (cancelled, choked): their late answers are no fault. */
  readonly #forgotten = new Set<number>()
  /** BEP 6: pieces that it named as those we may ask for while it chokes us. */
  readonly #allowed = new Set<number>()
  /** Pieces that it refused to send, and until when it is not asked for them. */
  readonly #refused = new Map<number, number>()
  /** What of `pieces` may be asked for while that is not all; undefined when it has to be found out anew. */
  #askable: Bitfield | undefined

  constructor(port: SupplierPort, pieces: Bitfield, now: number, connectMs: number, initialDepth: number) {
    this.port = port
    this.pieces = pieces
    this.connectedAt = now
    this.pipeline = new RequestPipeline(new DeliveryModel(now, connectMs), initialDepth)
  }

  get isChoking(): boolean {
    return this.#isChoking
  }

  set isChoking(isChoking: boolean) {
    this.#isChoking = isChoking
    this.onChange()
  }

  /** May be asked now. */
  get isOpen(): boolean {
    return this.amInterested && (!this.isChoking || (this.#allowed.size > 0 && this.askable.count > 0))
  }

  /** Pieces that it has and may be asked for now. */
  get askable(): Bitfield {
    if (!this.isChoking && this.#refused.size === 0) return this.pieces
    this.#askable ??= this.#findAskable()
    return this.#askable
  }

  /** What it has or may be asked for has changed. */
  onChange(): void {
    this.#askable = undefined
    this.hasNoneSince = -1
  }

  /** BEP 6: it answers requests for this piece even while it chokes us. False when it has named it before, or many others. */
  allow(index: number): boolean {
    if (this.#allowed.has(index) || this.#allowed.size >= MAX_ALLOWED_FAST) return false
    this.#allowed.add(index)
    this.onChange()
    return true
  }

  isAllowed(index: number): boolean {
    return this.#allowed.has(index)
  }

  /** It will not send this piece: for a while it is not asked for it. */
  refuse(index: number, now: number): void {
    this.#refused.set(index, now + REFUSED_MS)
    this.onChange()
  }

  /** It may be asked for these again: a while is over, or (`now` is undefined) it said something new. */
  forgive(now?: number): void {
    if (this.#refused.size === 0) return
    for (const [index, until] of this.#refused) if (now === undefined || until <= now) this.#refused.delete(index)
    this.onChange()
  }

  /** `Rarity.additions` when it had none of the pieces to be picked; -1 when that is to be found out. */
  hasNoneSince = -1

  /** `etaMs` as it was when the swarm was last looked at, see `soonestFirst`; requests made since make it longer. */
  soonMs = 0

  /** Milliseconds until a block asked for now would be here. */
  etaMs(now: number): number {
    return this.pipeline.isSnubbed ? SNUBBED_ETA_MS : this.pipeline.etaMs(now)
  }

  forget(key: number): void {
    this.#forgotten.delete(key)
    this.#forgotten.add(key)
    if (this.#forgotten.size <= FORGOTTEN_KEPT) return
    for (const oldest of this.#forgotten) {
      this.#forgotten.delete(oldest)
      return
    }
  }

  /** True, once, when this block was asked for and taken back. */
  recall(key: number): boolean {
    return this.#forgotten.delete(key)
  }

  #findAskable(): Bitfield {
    const askable = new Bitfield(this.pieces.length)
    if (this.isChoking) {
      for (const index of this.#allowed) if (this.pieces.has(index)) askable.set(index)
    } else {
      askable.fill()
      askable.keep(this.pieces)
    }
    for (const index of this.#refused.keys()) askable.clear(index)
    return askable
  }
}

/** Sorts `suppliers` where they stand: those that may be asked come first, the soonest before others. Returns them. From one look at the swarm to the next little changes, so they are nearly sorted. */
export function soonestFirst(suppliers: Supplier[], now: number): Supplier[] {
  let openCount = 0
  for (const supplier of suppliers) {
    supplier.soonMs = supplier.isOpen ? supplier.etaMs(now) : Number.MAX_VALUE
    if (supplier.isOpen) openCount++
  }
  suppliers.sort(bySoonMs)
  return suppliers.slice(0, openCount)
}

function bySoonMs(a: Supplier, b: Supplier): number {
  return a.soonMs - b.soonMs
}
