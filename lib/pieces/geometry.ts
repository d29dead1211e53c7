/** The arithmetic of pieces, blocks and bytes, and the only maker of a `PieceIndex`. */
import { BLOCK_LENGTH } from '../limits.js'
import type { Bitfield } from './bitfield.js'

declare const pieceIndexBrand: unique symbol

/** The number of a piece that exists in this torrent: a number from a peer is one only after `Geometry.pieceIndex` said so. */
export type PieceIndex = number & { readonly [pieceIndexBrand]: true }

export class Geometry {
  /** Bytes of the torrent. */
  readonly length: number
  /** Bytes of every piece but the last. */
  readonly pieceLength: number
  readonly pieceCount: number
  /** Blocks of every piece but the last. */
  readonly blocksPerPiece: number

  constructor(length: number, pieceLength: number) {
    this.length = length
    this.pieceLength = pieceLength
    this.pieceCount = Math.ceil(length / pieceLength)
    this.blocksPerPiece = Math.ceil(pieceLength / BLOCK_LENGTH)
  }

  /** `n` as a piece of this torrent, or `undefined` when there is no such piece. */
  pieceIndex(n: number): PieceIndex | undefined {
    return Number.isInteger(n) && n >= 0 && n < this.pieceCount ? (n as PieceIndex) : undefined
  }

  /** The piece that holds byte `offset` of the torrent; throws a RangeError outside it. */
  pieceAt(offset: number): PieceIndex {
    const index = this.pieceIndex(Math.floor(offset / this.pieceLength))
    if (index === undefined || offset >= this.length)
      throw new RangeError(`no byte ${offset} in a torrent of ${this.length} bytes`)
    return index
  }

  /** First byte of a piece in the torrent. */
  pieceOffset(index: PieceIndex): number {
    return index * this.pieceLength
  }

  /** Bytes of this piece: the last one may be shorter. */
  lengthOf(index: PieceIndex): number {
    return index === this.pieceCount - 1 ? this.length - index * this.pieceLength : this.pieceLength
  }

  /** Blocks of this piece. */
  blocksOf(index: PieceIndex): number {
    return Math.ceil(this.lengthOf(index) / BLOCK_LENGTH)
  }

  /** Bytes of block `block` of this piece: the last one may be shorter. */
  blockLength(index: PieceIndex, block: number): number {
    return Math.min(BLOCK_LENGTH, this.lengthOf(index) - block * BLOCK_LENGTH)
  }

  /** True when piece `index` has a block number `block` of just this length. */
  isBlock(index: number, block: number, length: number): boolean {
    const piece = this.pieceIndex(index)
    return (
      piece !== undefined &&
      Number.isInteger(block) &&
      block >= 0 &&
      block < this.blocksOf(piece) &&
      length === this.blockLength(piece, block)
    )
  }

  /** Bytes of `[start, end)` that lie in the pieces set in `pieces`. */
  bytesWithin(pieces: Bitfield, start: number, end: number): number {
    if (start >= end) return 0
    const first = Math.floor(start / this.pieceLength)
    const last = Math.floor((end - 1) / this.pieceLength)
    // Whole pieces, less what sticks out at both ends.
    const before = pieces.has(first) ? start - first * this.pieceLength : 0
    const after = pieces.has(last) ? (last + 1) * this.pieceLength - end : 0
    return pieces.countIn(first, last + 1) * this.pieceLength - before - after
  }
}
