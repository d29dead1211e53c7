/** What one reader wants next: a run of pieces from its position on, as far as the read-ahead goes. Knows nothing of peers. */
import type { Bitfield } from './bitfield.js'
import type { Geometry, PieceIndex } from './geometry.js'

export class ReadWindow {
  /** The next byte the reader takes, in the torrent. */
  position: number
  /** The byte after the last one it will ever take, in the torrent. */
  readonly end: number
  /** When the reader last took something, and how fast it takes, bytes per second (0: not known). */
  tookAt: number
  takeRate = 0
  /** How long it had taken nothing when it took something last, ms; 0 when it had to wait. */
  pausedMs = 0
  /** True while the reader waits for the byte at `position`. */
  isWaiting = false
  #frontier = 0
  #readAhead = 0
  readonly #geometry: Geometry

  constructor(geometry: Geometry, start: number, end: number, now: number) {
    this.#geometry = geometry
    this.position = start
    this.end = end
    this.tookAt = now
  }

  /** Pieces before this one are here, fully asked for, or behind the reader; a hint that only shortens scans. */
  get frontier(): number {
    // What was evicted behind the reader is not fetched again for it.
    return Math.max(this.#frontier, this.first)
  }

  set frontier(index: number) {
    this.#frontier = index
  }

  /** Bytes from the position on that may be asked for; the piece at the position always may. */
  set readAhead(bytes: number) {
    this.#readAhead = bytes
  }

  get readAhead(): number {
    return this.#readAhead
  }

  /** The piece that holds the position. */
  get first(): PieceIndex {
    return this.#geometry.pieceAt(Math.min(this.position, this.#geometry.length - 1))
  }

  /** The piece that holds the last byte the reader will ever take. */
  get finalPiece(): PieceIndex {
    return this.#geometry.pieceAt(Math.max(0, this.end - 1))
  }

  /** The byte up to which may be asked for: the read-ahead, but at least the piece at the position. */
  get limit(): number {
    return Math.max(this.position + this.#readAhead, (this.first + 1) * this.#geometry.pieceLength)
  }

  /** The last piece of which anything may be asked for. */
  get last(): PieceIndex {
    const reach = Math.ceil(this.limit / this.#geometry.pieceLength) - 1
    return Math.min(this.finalPiece, reach) as PieceIndex
  }

  get isDone(): boolean {
    return this.position >= this.end
  }

  includes(index: number): boolean {
    return !this.isDone && index >= this.first && index <= this.last
  }

  /** The first piece from the position on that is not here, or `undefined` when the window is full. */
  head(have: Bitfield): PieceIndex | undefined {
    if (this.isDone) return undefined
    const head = have.nextClear(this.first, this.last)
    return head < 0 ? undefined : (head as PieceIndex)
  }

  /** A piece of the window is to be asked for (again). */
  reopen(index: number): void {
    if (index >= this.first && index < this.frontier) this.frontier = index
  }

  /** Moves on after the reader took `bytes`. */
  take(bytes: number, now: number): void {
    this.position += bytes
    const elapsedMs = Math.max(now - this.tookAt, 0.1)
    this.pausedMs = this.isWaiting ? 0 : elapsedMs
    const rate = (bytes * 1000) / elapsedMs
    const weight = Math.min(1, elapsedMs / 1000)
    this.takeRate = this.takeRate === 0 ? rate : this.takeRate + (rate - this.takeRate) * weight
    this.tookAt = now
  }
}
