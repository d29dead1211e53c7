/** What is asked of whom, taken back, and what came in vain. Decides nothing: it keeps supplier, piece and counts of one mind. */
import { BLOCK_LENGTH } from '../limits.js'
import type { ReadWindow } from '../pieces/read-window.js'
import type { BlockSpan } from '../wire/message.js'
import type { PickedBlock } from './block-picker.js'
import type { PiecesInFlight } from './pieces-in-flight.js'
import type { ActivePiece, Supplier } from './supplier.js'

/** What became of a block that a peer sent. */
export type BlockOutcome = 'taken' | 'duplicate' | 'unrequested'

/** Second requests are made while what came twice is under this share of what came, plus a first allowance for a swarm that is not known yet. */
const WASTE_SHARE = 0.025
const WASTE_ALLOWANCE = 512 * 1024

export class RequestBook {
  /** Bytes of blocks that came twice, unasked or in pieces that failed. */
  wasted = 0
  /** Bytes of blocks that were taken. */
  received = 0
  /** Blocks asked for. */
  asked = 0
  /** Bytes of blocks that came twice. */
  #repeated = 0
  /** Bytes of second requests that are on their way. */
  #doubled = 0
  readonly #pieces: PiecesInFlight
  readonly #windows: ReadonlySet<ReadWindow>

  /** `windows` are kept by the owner: what is taken back is to be asked for again in them. */
  constructor(pieces: PiecesInFlight, windows: ReadonlySet<ReadWindow>) {
    this.#pieces = pieces
    this.#windows = windows
  }

  /** Notes a request; the caller sends it. */
  ask(supplier: Supplier, { piece, block }: PickedBlock, now: number): BlockSpan {
    const length = piece.lengthOf(block)
    this.asked++
    if (piece.holders(block).length > 0) this.#doubled += length
    this.#pieces.ask(piece, block, supplier)
    supplier.pipeline.add(this.#pieces.key(piece.index, block), piece, block, length, now)
    return { piece: piece.index, begin: block * BLOCK_LENGTH, length }
  }

  /** A second request for a block of this length may be made. */
  mayDouble(length: number): boolean {
    return this.#repeated + this.#doubled + length <= this.received * WASTE_SHARE + WASTE_ALLOWANCE
  }

  /** Notes that a request is not waited for any more; the caller says so to the peer, if it is to know. */
  takeBack(supplier: Supplier, piece: ActivePiece, block: number, now: number): BlockSpan {
    const key = this.#pieces.key(piece.index, block)
    supplier.pipeline.remove(key, now)
    supplier.forget(key)
    this.#release(supplier, piece, block)
    if (!piece.isReceived(block)) for (const window of this.#windows) window.reopen(piece.index)
    return { piece: piece.index, begin: block * BLOCK_LENGTH, length: piece.lengthOf(block) }
  }

  /** Takes back all that is asked of a peer in these pieces. */
  takeBackAll(supplier: Supplier, now: number, isTaken: (piece: ActivePiece) => boolean = () => true): BlockSpan[] {
    return [...supplier.pipeline.requests()]
      .filter(({ piece }) => isTaken(piece))
      .map(({ piece, block }) => this.takeBack(supplier, piece, block, now))
  }

  /** The newest requests beyond `kept` go back. */
  takeBackNewest(supplier: Supplier, kept: number, now: number): BlockSpan[] {
    return [...supplier.pipeline.requests()]
      .slice(kept)
      .map(({ piece, block }) => this.takeBack(supplier, piece, block, now))
  }

  /** Nobody is waited for any more with this block: it is here, or nobody wants it. */
  cancelHolders(piece: ActivePiece, block: number, now: number): void {
    for (const holder of [...piece.holders(block)]) holder.port.cancel([this.takeBack(holder, piece, block, now)])
  }

  cancelPiece(piece: ActivePiece, now: number): void {
    for (let block = 0; block < piece.blockCount; block++) this.cancelHolders(piece, block, now)
  }

  /** This peer's request for a block has its answer. */
  answered(supplier: Supplier, piece: ActivePiece, block: number): void {
    if (piece.holders(block).includes(supplier)) this.#release(supplier, piece, block)
  }

  /** Counts bytes that a peer sent in vain; `isExpected` when they had been asked for. */
  waste(supplier: Supplier, length: number, isExpected: boolean): BlockOutcome {
    this.wasted += length
    supplier.wasted += length
    if (isExpected) this.#repeated += length
    return isExpected ? 'duplicate' : 'unrequested'
  }

  #release(supplier: Supplier, piece: ActivePiece, block: number): void {
    if (piece.holders(block).length > 1) this.#doubled -= piece.lengthOf(block)
    this.#pieces.giveBack(piece, block, supplier)
  }
}
