/** Blocks worth asking of a second peer when no reader is late yet: the first piece of all, and the last of a whole download. Proposes; the scheduler asks. */
import type { PickedBlock, SwarmView } from './block-picker.js'
import type { PiecesInFlight } from './pieces-in-flight.js'
import type { ActivePiece, Supplier } from './supplier.js'

/** An idle peer repeats a block in the endgame when it is expected to win by this much. */
const ENDGAME_GAIN_MS = 50

/** Share of the first piece's blocks. */
const FEW = 1 / 4

interface BlockOnTheWay extends PickedBlock {
  readonly expectedAt: number
}

export class Repeats {
  readonly #pieces: PiecesInFlight
  /** Looked up once a run, if at all. */
  #onTheWay: readonly BlockOnTheWay[] | undefined

  constructor(pieces: PiecesInFlight) {
    this.#pieces = pieces
  }

  /** A new run begins: what is on its way has changed. */
  forget(): void {
    this.#onTheWay = undefined
  }

  /**
   * Before anything is known of anybody, the piece that the first reader waits for is asked of two peers a block: one of them is
   * likely to be quick.
   */
  atTheStart(supplier: Supplier, { readings: [first] }: SwarmView): PickedBlock | undefined {
    const head = first?.head
    const piece = head === undefined || this.#pieces.have.count > 0 ? undefined : this.#pieces.get(head)
    const { model, size } = supplier.pipeline
    if (!piece || model.isMeasured || size > 1 || piece.unrequested > 0) return undefined
    if (!supplier.askable.has(piece.index)) return undefined
    const single = singleBlocks(piece)
    // A peer's second place is for reading ahead, unless hardly anything is left to ask twice.
    if (size > 0 && single.length > piece.blockCount * FEW) return undefined
    const block = single.find(index => piece.holders(index)[0] !== supplier)
    return block === undefined ? undefined : { piece, block }
  }

  /** Nothing is left to ask for: the block that is furthest off, if this idle peer would bring it much sooner. */
  atTheEnd(supplier: Supplier, view: SwarmView): PickedBlock | undefined {
    if (supplier.pipeline.isSnubbed || supplier.pipeline.size > 0) return undefined
    const soonEnough = view.now + supplier.etaMs(view.now) + ENDGAME_GAIN_MS
    for (const late of this.#expected(view)) {
      const { piece, block, expectedAt } = late
      if (expectedAt <= soonEnough) return undefined // and so are all after it
      if (piece.isReceived(block) || !supplier.askable.has(piece.index)) continue
      const [holder, second] = piece.holders(block)
      if (holder && !second && holder !== supplier) return late
    }
    return undefined
  }

  /** The latest first. */
  #expected({ suppliers, now }: SwarmView): readonly BlockOnTheWay[] {
    this.#onTheWay ??= [...suppliers]
      .flatMap(({ pipeline }) => {
        pipeline.foresee(now)
        return [...pipeline.requests()].map(({ piece, block, foreseenAt }) => ({
          piece,
          block,
          expectedAt: foreseenAt
        }))
      })
      .sort((a, b) => b.expectedAt - a.expectedAt)
    return this.#onTheWay
  }
}

/** Blocks that one peer alone was asked for, and that are not here. */
function singleBlocks(piece: ActivePiece): number[] {
  const single: number[] = []
  for (let block = 0; block < piece.blockCount; block++) {
    if (!piece.isReceived(block) && piece.holders(block).length === 1) single.push(block)
  }
  return single
}
