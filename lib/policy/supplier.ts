/** A peer as the scheduler sees it: what it has, whether it lets us ask, what is on its way from it. */
import type { Bitfield } from '../pieces/bitfield.js'
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
  isChoking = true
  amInterested = false
  /** Bytes of blocks that came twice or that nobody asked for. */
  wasted = 0
  /** Bytes of this peer's blocks in pieces that verified. */
  verified = 0
  /** Requests taken back (cancelled, choked): their late answers are no fault. */
  readonly #forgotten = new Set<number>()

  constructor(port: SupplierPort, pieces: Bitfield, now: number, connectMs: number, initialDepth: number) {
    this.port = port
    this.pieces = pieces
    this.connectedAt = now
    this.pipeline = new RequestPipeline(new DeliveryModel(now, connectMs), initialDepth)
  }

  /** May be asked now. */
  get isOpen(): boolean {
    return !this.isChoking && this.amInterested
  }

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
}
