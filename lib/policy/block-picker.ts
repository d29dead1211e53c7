/** Which block to ask this peer for next: windows by distance, then the rarest. Pure choice; it sends nothing. */
import { BLOCK_LENGTH } from '../limits.js'
import type { Bitfield } from '../pieces/bitfield.js'
import type { PieceIndex } from '../pieces/geometry.js'
import type { Rarity } from '../pieces/rarity.js'
import type { PiecesInFlight } from './pieces-in-flight.js'
import type { Reading } from './reading.js'
import type { ActivePiece, Supplier } from './supplier.js'

export interface PickedBlock {
  readonly piece: ActivePiece
  readonly block: number
}

/** The swarm at one moment, so that a peer can be compared with the others. */
export interface SwarmView {
  readonly now: number
  /** Bytes per second of all peers that can be asked. */
  readonly rate: number
  /** The shortest time in which any of them would deliver a block asked for now, milliseconds. */
  readonly bestEtaMs: number
  readonly suppliers: ReadonlySet<Supplier>
  /** Those that may be asked, the soonest first: see `soonestFirst`. */
  readonly open: readonly Supplier[]
  /** What readers want, the most urgent first. */
  readonly readings: readonly Reading[]
}

export class BlockPicker {
  readonly #pieces: PiecesInFlight
  readonly #rarity: Rarity
  readonly #random: () => number
  /** Pieces that are wanted whether or not a reader comes by. */
  readonly #wanted: Bitfield

  constructor(pieces: PiecesInFlight, rarity: Rarity, wanted: Bitfield, random: () => number) {
    this.#pieces = pieces
    this.#rarity = rarity
    this.#wanted = wanted
    this.#random = random
  }

  pick(supplier: Supplier, view: SwarmView): PickedBlock | undefined {
    for (const reading of view.readings) {
      const found = this.#fromWindow(supplier, reading, view)
      if (found) return found
    }
    return this.#fromRarest(supplier, view)
  }

  /**
   * A peer that delivers later than the others is asked for what will be needed later: it skips what the others will have
   * brought by then. Only when nobody quicker has an earlier piece does it go back for it.
   */
  #fromWindow(supplier: Supplier, reading: Reading, view: SwarmView): PickedBlock | undefined {
    const { window, head: urgent, last } = reading
    let { frontier } = window
    while (frontier <= last && this.#pieces.isCovered(frontier)) frontier++
    window.frontier = frontier
    if (frontier > last) return undefined
    const start = Math.min(last, Math.max(frontier, this.#skipTo(supplier, reading, view)))
    const pieces = supplier.askable
    const { have } = this.#pieces
    const next = (from: number, to: number): number => pieces.nextMissingIn(have, from, to)
    for (let index = next(start, last); index !== -1; index = next(index + 1, last)) {
      const found = this.#fromPiece(supplier, index as PieceIndex, index === urgent, view, window.limit)
      if (found) return found
    }
    for (let index = next(frontier, start - 1); index !== -1; index = next(index + 1, start - 1)) {
      if (this.#pieces.isCovered(index) || this.#hasQuickerOwner(supplier, index, view)) continue
      const found = this.#fromPiece(supplier, index as PieceIndex, index === urgent, view, window.limit)
      if (found) return found
    }
    return undefined
  }

  /** The piece that the rest of the swarm will have reached by the time this peer delivers. */
  #skipTo(supplier: Supplier, { window, head, slackMs }: Reading, view: SwarmView): number {
    const lateMs = supplier.etaMs(view.now) - view.bestEtaMs - slackMs
    if (lateMs <= 0) return window.first
    const others = Math.max(0, view.rate - supplier.pipeline.model.rate)
    const from = Math.max(window.position, this.#pieces.geometry.pieceOffset(head ?? window.first))
    return Math.floor((from + (others * lateMs) / 1000) / this.#pieces.geometry.pieceLength)
  }

  #hasQuickerOwner(supplier: Supplier, index: number, { now, open }: SwarmView): boolean {
    const own = supplier.etaMs(now)
    for (const other of open) {
      if (other.soonMs >= own) return false // and so are all after it
      if (other !== supplier && other.askable.has(index) && other.etaMs(now) < own) return true
    }
    return false
  }

  /** `limit`: the byte of the torrent before which the block must begin. */
  #fromPiece(
    supplier: Supplier,
    index: PieceIndex,
    isUrgent: boolean,
    view: SwarmView,
    limit = Infinity
  ): PickedBlock | undefined {
    if (this.#pieces.isCovered(index) || !supplier.askable.has(index)) return undefined
    const within = (limit - this.#pieces.geometry.pieceOffset(index)) / BLOCK_LENGTH
    const known = this.#pieces.get(index)
    if (known && known.nextUnrequested() >= within) return undefined
    const piece = this.#pieces.start(index, isUrgent)
    if (!piece) return undefined
    this.#rarity.exclude(index)
    const found = this.#openBlock(supplier, piece, view)
    return found && found.block < within ? found : undefined
  }

  /** The first block to ask for; one that this peer may have spoilt before goes to another, if another can be asked. */
  #openBlock(supplier: Supplier, piece: ActivePiece, { open }: SwarmView): PickedBlock | undefined {
    let block = piece.nextUnrequested()
    if (block >= 0 && piece.isSuspect(block, supplier) && hasOtherOwner(supplier, piece.index, open)) {
      do block = piece.nextUnrequested(block + 1)
      while (block >= 0 && piece.isSuspect(block, supplier))
    }
    return block < 0 ? undefined : { piece, block }
  }

  /** Outside the windows: pieces that were begun, then the rarest. */
  #fromRarest(supplier: Supplier, view: SwarmView): PickedBlock | undefined {
    if (this.#wanted.count === 0) return undefined
    const { askable } = supplier
    for (const piece of this.#pieces.open()) {
      if (!askable.has(piece.index) || !this.#wanted.has(piece.index)) continue
      const found = this.#openBlock(supplier, piece, view)
      if (found) return found
    }
    // No other can be begun; or it has none, and none has been added since that was found out.
    if (this.#pieces.isDry || supplier.hasNoneSince === this.#rarity.additions) return undefined
    const index = this.#rarity.pick(askable, this.#random)
    if (index !== undefined) return this.#fromPiece(supplier, index, false, view)
    supplier.hasNoneSince = this.#rarity.additions
    return undefined
  }
}

function hasOtherOwner(supplier: Supplier, index: number, open: readonly Supplier[]): boolean {
  return open.some(other => other !== supplier && other.askable.has(index))
}
