/** Metadata of one announced size while it comes, piece by piece. Nothing is set aside before it is here: the size is only a stranger's word. */
import { METADATA_COPIES } from '../limits.js'
import { METADATA_PIECE_LENGTH } from './metadata-message.js'

export class MetadataAssembly<Peer> {
  readonly size: number
  readonly pieceCount: number
  /** Who sent what is here. */
  readonly senders = new Set<Peer>()
  /** Pieces of several peers did not fit together: from now on one peer at a time sends all of them. */
  isSolo = false
  /** The peer whose turn it is then. */
  solo: Peer | undefined
  readonly #pieces = new Map<number, Uint8Array>()
  /** How many peers each piece is asked of now. */
  readonly #holders = new Map<number, number>()

  constructor(size: number) {
    this.size = size
    this.pieceCount = Math.ceil(size / METADATA_PIECE_LENGTH)
  }

  get isComplete(): boolean {
    return this.#pieces.size === this.pieceCount
  }

  /** BEP 9: > All blocks are 16KiB except the last block which may be smaller. 0 for a piece that is not there. */
  lengthOf(piece: number): number {
    return Math.max(0, Math.min(METADATA_PIECE_LENGTH, this.size - piece * METADATA_PIECE_LENGTH))
  }

  /** The piece that is missing and asked of the fewest; none of those that `isExcluded`. */
  next(isExcluded: (piece: number) => boolean): number | undefined {
    let best: number | undefined
    let fewest = this.isSolo ? 1 : METADATA_COPIES
    for (let piece = 0; piece < this.pieceCount && fewest > 0; piece++) {
      const holders = this.#holders.get(piece) ?? 0
      if (this.#pieces.has(piece) || holders >= fewest || isExcluded(piece)) continue
      best = piece
      fewest = holders
    }
    return best
  }

  onAsked(piece: number): void {
    this.#holders.set(piece, (this.#holders.get(piece) ?? 0) + 1)
  }

  /** One who was asked for it has answered, or will not. */
  onAnswered(piece: number): void {
    const holders = (this.#holders.get(piece) ?? 0) - 1
    if (holders > 0) this.#holders.set(piece, holders)
    else this.#holders.delete(piece)
  }

  add(piece: number, bytes: Uint8Array, sender: Peer): void {
    if (this.#pieces.has(piece)) return
    this.#pieces.set(piece, bytes)
    this.senders.add(sender)
  }

  /** Of a complete one: all its bytes. */
  join(): Buffer {
    return Buffer.concat(
      Array.from({ length: this.pieceCount }, (_, piece) => this.#pieces.get(piece) ?? Buffer.alloc(0))
    )
  }

  /** Forgets what is here; what is asked for stays asked for. */
  reset(): void {
    this.#pieces.clear()
    this.senders.clear()
    this.solo = undefined
  }
}
