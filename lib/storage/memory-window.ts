/** Verified pieces in memory: kept until readers have passed them and the room is needed. Not a byte goes to disk. */
import { copyBytes } from '../pieces/copy-bytes.js'
import type { PieceIndex } from '../pieces/geometry.js'
import type { EvictionNeed } from '../streams/piece-pool.js'
import type { Lease, Storage, VerifiedPiece } from '../streams/storage.js'

export interface MemoryWindowOptions {
  /** A reader is still to take this piece, and soon. */
  readonly isWanted: (index: number) => boolean
  /** Readers come back to this piece: it stays while there is any other that nobody is about to take. */
  readonly isKept: (index: number) => boolean
  /** Bytes from the nearest reader to this piece; `undefined` for one that must stay (a reader waits for it). */
  readonly distance: (index: number) => number | undefined
  /** The piece is gone: it may have to be fetched again. */
  readonly onEvicted: (index: PieceIndex) => void
}

interface Kept {
  readonly piece: VerifiedPiece
  leases: number
  isEvicted: boolean
}

export class MemoryWindow implements Storage {
  readonly #options: MemoryWindowOptions
  /** Oldest first. */
  readonly #kept = new Map<number, Kept>()
  #isClosed = false

  constructor(options: MemoryWindowOptions) {
    this.#options = options
  }

  /** Pieces held. */
  get size(): number {
    return this.#kept.size
  }

  write(pieces: readonly VerifiedPiece[]): Promise<void> {
    for (const piece of pieces) {
      if (this.#isClosed || this.#kept.has(piece.index)) piece.release()
      else this.#kept.set(piece.index, { piece, leases: 0, isEvicted: false })
    }
    return Promise.resolve()
  }

  read(index: PieceIndex, begin: number, length: number): Promise<Lease | undefined> {
    const kept = this.#kept.get(index)
    if (!kept) return Promise.resolve(undefined)
    kept.leases++
    let isReleased = false
    const release = (): void => {
      if (isReleased) return
      isReleased = true
      kept.leases--
      if (kept.isEvicted && kept.leases === 0) kept.piece.release()
    }
    return Promise.resolve({ bytes: kept.piece.bytes.subarray(begin, begin + length), release })
  }

  async fill(index: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean> {
    const length = targets.reduce((sum, target) => sum + target.length, 0)
    const lease = await this.read(index, begin, length)
    if (!lease) return false
    let at = 0
    for (const target of targets) copyBytes(lease.bytes.subarray(at, (at += target.length)), target, 0)
    lease.release()
    return true
  }

  /**
   * Frees one piece: the oldest that no reader is about to take. If there is none: for room the oldest that was to be kept; when it is
   * urgent also the one furthest from its reader. False when nothing can be freed now.
   */
  evict(need: EvictionNeed): boolean {
    let furthest: number | undefined
    let most = 0
    let kept: number | undefined
    for (const [index, { leases }] of this.#kept) {
      if (leases > 0) continue
      if (!this.#options.isWanted(index)) {
        if (!this.#options.isKept(index)) return this.#drop(index)
        kept ??= index
        continue
      }
      const distance = this.#options.distance(index)
      if (distance === undefined || distance <= most) continue
      most = distance
      furthest = index
    }
    if (kept !== undefined && need !== 'thrift') return this.#drop(kept)
    return need === 'urgent' && furthest !== undefined && this.#drop(furthest)
  }

  close(): Promise<void> {
    this.#isClosed = true
    for (const index of [...this.#kept.keys()]) this.#drop(index)
    return Promise.resolve()
  }

  #drop(index: number): boolean {
    const kept = this.#kept.get(index)
    if (!kept) return false
    this.#kept.delete(index)
    kept.isEvicted = true
    if (kept.leases === 0) kept.piece.release()
    this.#options.onEvicted(kept.piece.index)
    return kept.leases === 0
  }
}
