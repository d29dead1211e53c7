/** Blocks that will be late for a reader, and who could bring them sooner. Proposes; the scheduler asks. */
import type { PieceIndex } from '../pieces/geometry.js'
import type { PickedBlock, SwarmView } from './block-picker.js'
import type { PiecesInFlight } from './pieces-in-flight.js'
import type { Reading } from './reading.js'
import type { ActivePiece, Supplier } from './supplier.js'

/** A second request for a block that another peer holds. */
export interface Rescue extends PickedBlock {
  readonly supplier: Supplier
}

/** A block is late when it is expected this much after it is needed. */
const TOLERANCE_MS = 20
/** …or this many of its peer's usual deviations, if that is more. */
const DEVIATIONS = 2
const MOST_TOLERANCE_MS = 100
/** A second peer must be expected to win by this much. */
const GAIN_MS = 20
/** Pieces from the head on that are looked at: what comes after them has time. */
const PIECES_AHEAD = 8
/** Blocks a peer may be given beyond its depth when they are late. */
const OVER_DEPTH = 8
/** How often a silence that grows is looked at again. */
const LOOK_AGAIN_MS = 10

const NOBODY: readonly never[] = []

export class Rescuer {
  readonly #pieces: PiecesInFlight
  /** Of the peers that were looked at in this run. */
  readonly #foreseen = new Set<Supplier>()
  #soonestAt = 0

  constructor(pieces: PiecesInFlight) {
    this.#pieces = pieces
  }

  /**
   * Calls `ask` for each late block and the peer that would bring it soonest, nearest block first, until it returns false.
   * Returns when to look again, or `undefined` when nothing is on its way that could be late.
   */
  rescue(view: SwarmView, ask: (rescue: Rescue) => boolean): number | undefined {
    let lookAgainAt: number | undefined
    if (view.suppliers.size < 2) return undefined
    this.#foreseen.clear()
    for (const reading of view.readings) {
      if (reading.slackMs === Number.POSITIVE_INFINITY) continue
      const at = this.#rescueWindow(reading, view, ask)
      if (at !== undefined) lookAgainAt = Math.min(at, lookAgainAt ?? at)
    }
    return lookAgainAt
  }

  #rescueWindow(
    { head, last, slackMs }: Reading,
    view: SwarmView,
    ask: (rescue: Rescue) => boolean
  ): number | undefined {
    if (head === undefined) return undefined
    let lookAgainAt: number | undefined
    for (let index: number = head; index <= Math.min(last, head + PIECES_AHEAD); index++) {
      const piece = this.#pieces.get(index)
      if (!piece) continue
      const ahead = this.#pieces.geometry.pieceOffset(index as PieceIndex) - this.#pieces.geometry.pieceOffset(head)
      const neededAt = view.now + slackMs + (ahead * 1000) / Math.max(view.rate, 1)
      for (let block = 0; block < piece.blockCount; block++) {
        const holders = piece.isReceived(block) ? NOBODY : piece.holders(block)
        if (holders.length === 0) continue
        const holder = this.#soonestHolder(holders, this.#pieces.key(index, block), view.now)
        const expectedAt = holder ? this.#soonestAt : Number.POSITIVE_INFINITY
        const usualMs = holder ? DEVIATIONS * holder.pipeline.model.deviationMs : 0
        const isLate = expectedAt > neededAt + Math.max(TOLERANCE_MS, Math.min(usualMs, MOST_TOLERANCE_MS))
        const supplier = isLate ? this.#quickest(piece, block, expectedAt - GAIN_MS, view) : undefined
        if (supplier && !ask({ piece, block, supplier })) return view.now + LOOK_AGAIN_MS
        const at = isLate ? view.now + LOOK_AGAIN_MS : Math.max(expectedAt, view.now + LOOK_AGAIN_MS)
        lookAgainAt = Math.min(at, lookAgainAt ?? at)
      }
    }
    return lookAgainAt
  }

  /** Which of those that were asked for a block will bring it first, and (`#soonestAt`) when; `undefined` when nobody can tell. */
  #soonestHolder(holders: readonly Supplier[], key: number, now: number): Supplier | undefined {
    const [only] = holders
    if (holders.length === 1 && only?.pipeline.isUnknownAndLate(now) === true) return undefined
    let soonest: Supplier | undefined
    for (const holder of holders) {
      const at = this.#expectedAt(holder, key, now)
      if (soonest && at >= this.#soonestAt) continue
      soonest = holder
      this.#soonestAt = at
    }
    return soonest
  }

  #expectedAt(holder: Supplier, key: number, now: number): number {
    if (!this.#foreseen.has(holder)) {
      holder.pipeline.foresee(now)
      this.#foreseen.add(holder)
    }
    return holder.pipeline.get(key)?.foreseenAt ?? now
  }

  /** Who would bring this block before `deadline`, soonest first. */
  #quickest(piece: ActivePiece, block: number, deadline: number, view: SwarmView): Supplier | undefined {
    let best: Supplier | undefined
    let bestAt = deadline
    for (const supplier of view.open) {
      if (supplier.pipeline.isSnubbed || !supplier.askable.has(piece.index)) continue
      // A peer of which nothing is known is no rescue.
      if (!supplier.pipeline.model.isMeasured) continue
      const { size, depth, maxDepth } = supplier.pipeline
      if (size >= Math.min(depth + OVER_DEPTH, maxDepth)) continue
      if (piece.isSuspect(block, supplier) || piece.holders(block).includes(supplier)) continue
      const at = view.now + supplier.etaMs(view.now)
      if (at >= bestAt) continue
      best = supplier
      bestAt = at
    }
    return best
  }
}
