/** The pieces that are being fetched: opened with a credit, asked for block by block, closed when verified or failed. Chooses nothing. */
import type { Bitfield } from '../pieces/bitfield.js'
import type { Geometry, PieceIndex } from '../pieces/geometry.js'
import { PieceBuffer, type Credit } from '../pieces/piece-buffer.js'
import type { ActivePiece, Supplier } from './supplier.js'

/** Where memory for a piece comes from; `isUrgent` may take the reserve that is kept for the piece a reader waits for. */
export interface CreditSource {
  take(isUrgent: boolean): Credit | undefined
}

export class PiecesInFlight {
  readonly geometry: Geometry
  /** Pieces that are verified and stored. */
  readonly have: Bitfield
  readonly #credits: CreditSource
  /** A credit was refused: no other is asked for in this run. */
  #isDry = false
  readonly #active = new Map<number, ActivePiece>()
  /** Complete pieces that are being hashed or written. */
  readonly #judged = new Set<number>()
  /** Active pieces with a block nobody was asked for, oldest first. */
  readonly #open: ActivePiece[] = []
  /** Senders of the blocks of pieces whose hash failed. */
  readonly #suspects = new Map<number, readonly (Supplier | undefined)[]>()

  constructor(geometry: Geometry, have: Bitfield, credits: CreditSource) {
    this.geometry = geometry
    this.have = have
    this.#credits = credits
  }

  get size(): number {
    return this.#active.size
  }

  get(index: number): ActivePiece | undefined {
    return this.#active.get(index)
  }

  all(): IterableIterator<ActivePiece> {
    return this.#active.values()
  }

  /** Pieces with blocks to ask for, oldest first. */
  open(): readonly ActivePiece[] {
    return this.#open
  }

  /** Nothing more can be asked for in this piece: it is here, or every block is on its way. */
  isCovered(index: number): boolean {
    return this.have.has(index) || this.#judged.has(index) || this.#active.get(index)?.unrequested === 0
  }

  /** It is being fetched, hashed or written. */
  isUnderWay(index: number): boolean {
    return this.#active.has(index) || this.#judged.has(index)
  }

  /** A piece could not be started since the last `retryCredits` for want of memory. */
  get isDry(): boolean {
    return this.#isDry
  }

  /** The active piece, or a new one if a credit can be had. */
  start(index: PieceIndex, isUrgent: boolean): ActivePiece | undefined {
    const known = this.#active.get(index)
    if (known) return known
    if (this.#judged.has(index) || (this.#isDry && !isUrgent)) return undefined
    const credit = this.#credits.take(isUrgent)
    if (!credit) {
      this.#isDry = true
      return undefined
    }
    const piece: ActivePiece = new PieceBuffer(index, this.geometry.lengthOf(index), credit, this.#suspects.get(index))
    this.#active.set(index, piece)
    this.#open.push(piece)
    return piece
  }

  /** Memory may have become free: `start` asks for it again. */
  retryCredits(): void {
    this.#isDry = false
  }

  /** A key for one block of the torrent. */
  key(index: number, block: number): number {
    return index * this.geometry.blocksPerPiece + block
  }

  ask(piece: ActivePiece, block: number, supplier: Supplier): void {
    piece.ask(block, supplier)
    if (piece.unrequested === 0) this.settle(piece)
  }

  /** The last open block of a piece came without having been asked for (a late answer). */
  settle(piece: ActivePiece): void {
    const at = this.#open.indexOf(piece)
    if (at >= 0) this.#open.splice(at, 1)
  }

  giveBack(piece: ActivePiece, block: number, supplier: Supplier): void {
    const wasClosed = piece.unrequested === 0
    piece.giveBack(block, supplier)
    if (wasClosed && piece.unrequested > 0 && this.#active.get(piece.index) === piece) this.#open.push(piece)
  }

  /** Takes the piece out; its credit goes on with its bytes. */
  close(piece: ActivePiece): void {
    this.#active.delete(piece.index)
    this.settle(piece)
  }

  /** All blocks are here: until the hash is known and the bytes are stored the piece is nobody's to ask for. */
  complete(piece: ActivePiece): void {
    this.close(piece)
    this.#judged.add(piece.index)
  }

  /** The piece is stored, or its hash was wrong. */
  judged(index: number): void {
    this.#judged.delete(index)
  }

  /** The hash failed: the next attempt asks others first. */
  suspect(piece: ActivePiece): void {
    this.#suspects.set(piece.index, piece.senders)
  }

  clear(index: number): void {
    this.#suspects.delete(index)
  }
}
