/** Where verified pieces rest: the one interface that disk and memory window both keep. */
import type { PieceIndex } from '../pieces/geometry.js'

/**
 * A piece whose SHA-1 matched. Only the verifier makes one. The bytes lie in pool memory: whoever holds the piece calls `release`
 * exactly once when it needs them no longer, and keeps no view after that.
 */
export interface VerifiedPiece {
  readonly index: PieceIndex
  readonly bytes: Buffer
  release(): void
}

/** Bytes lent to a reader until it calls `release`, once. */
export interface Lease {
  readonly bytes: Buffer
  release(): void
}

export interface Storage {
  /**
   * Takes over pieces that follow each other (`pieces[i + 1].index === pieces[i].index + 1`), at most 4 MiB or one piece, and
   * calls `release` of each when it needs its bytes no longer (at once after a disk write; in the memory window on eviction).
   * Resolves when they can be read back. Rejects with `StorageError`; then it has released them.
   */
  write(pieces: readonly VerifiedPiece[]): Promise<void>
  /**
   * Lends bytes of one stored piece. `begin + length` is within the piece. Resolves to `undefined` when the piece is not there any
   * more (evicted). Rejects with `StorageError`.
   */
  read(index: PieceIndex, begin: number, length: number): Promise<Lease | undefined>
  /**
   * Copies bytes of one stored piece into `targets`, one after the other. `begin` and all their lengths are within the piece. Resolves to
   * false when the piece is not there any more; what is in the targets is then anything. Rejects with `StorageError`.
   */
  fill(index: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean>
  /** Ends all writes, syncs what has to be synced, closes every descriptor. Safe to call twice. */
  close(): Promise<void>
}
