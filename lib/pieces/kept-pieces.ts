/** Pieces that are to stay in memory: those at the start and the end of files whose readers come back to them. As many as its budget holds. */
import { KEPT_END_BYTES, KEPT_START_BYTES } from '../limits.js'
import type { Geometry } from './geometry.js'

export class KeptPieces {
  readonly #geometry: Geometry
  readonly #most: number
  /** The pieces of each file, in the order in which they matter; the file that was named last comes first. */
  #files: { readonly start: number; readonly pieces: readonly number[] }[] = []
  #pieces: ReadonlySet<number> = new Set()

  /** `budget`: bytes of whole pieces. */
  constructor(geometry: Geometry, budget: number) {
    this.#geometry = geometry
    this.#most = Math.floor(budget / geometry.pieceLength)
  }

  has(index: number): boolean {
    return this.#pieces.has(index)
  }

  /** From now on for the file that is `[start, end)` of the torrent; others have to make room for it. */
  keep(start: number, end: number): void {
    if (start >= end || this.#files[0]?.start === start) return
    this.#files = [{ start, pieces: this.#edges(start, end) }, ...this.#files.filter(file => file.start !== start)]
    const pieces = new Set<number>()
    let fitting = 0
    for (const file of this.#files) {
      if (pieces.size >= this.#most) break
      fitting++
      for (const index of file.pieces) if (pieces.size < this.#most) pieces.add(index)
    }
    this.#files.length = fitting
    this.#pieces = pieces
  }

  /** The first and the last piece before all others: the index of a film is at one of the two. */
  #edges(start: number, end: number): number[] {
    const { pieceLength } = this.#geometry
    const first = Math.floor(start / pieceLength)
    const last = Math.floor((end - 1) / pieceLength)
    const pieces = new Set([first, last])
    const startEnd = Math.min(last, Math.floor((start + KEPT_START_BYTES - 1) / pieceLength))
    const endStart = Math.max(first, Math.floor((end - KEPT_END_BYTES) / pieceLength))
    for (let index = first; index <= startEnd && pieces.size < this.#most; index++) pieces.add(index)
    for (let index = last; index >= endStart && pieces.size < this.#most; index--) pieces.add(index)
    return [...pieces]
  }
}
