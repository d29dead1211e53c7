/** A reader's place in a torrent: lends its bytes in order, piece by piece, and moves the window that decides what is fetched. */
import type { Geometry, PieceIndex } from '../pieces/geometry.js'
import { ReadWindow } from '../pieces/read-window.js'
import type { Lease } from './storage.js'

/** `moved`: the reader took bytes or began to wait. */
export type WindowChange = 'opened' | 'moved' | 'closed'

/** What a cursor needs of the torrent it reads. */
export interface PieceLibrary {
  readonly geometry: Geometry
  now(): number
  /** What is fetched may change. `bytes`: how many the reader took. */
  onWindow(window: ReadWindow, change: WindowChange, bytes?: number): void
  /** Resolves when the piece is verified and stored; rejects when it never will be (closed, failed, stalled). */
  whenHere(index: PieceIndex): Promise<void> | undefined
  read(index: PieceIndex, begin: number, length: number): Promise<Lease | undefined>
  /** How many of the bytes `[start, end)` could be lent at once. */
  bytesHere(start: number, end: number): number
  /** Readers of the file that is `[start, end)` of the torrent come back to its start and end: what is there stays, as far as memory allows. */
  keepEdges(start: number, end: number): void
}

/** Bytes that come in order, as many as were promised. */
export interface ByteSource {
  /** The next bytes, at most `most`; `undefined` at the end, or once it is closed. Rejects when they will never come. */
  next(most: number): Promise<Lease | undefined>
  /** Safe to call twice. */
  close(): void
}

export class ReadCursor implements ByteSource {
  readonly #library: PieceLibrary
  readonly #window: ReadWindow
  #isClosed = false

  /** Reads `[start, end)` of the torrent's bytes. */
  constructor(library: PieceLibrary, start: number, end: number) {
    this.#library = library
    this.#window = new ReadWindow(library.geometry, start, end, library.now())
    library.onWindow(this.#window, 'opened')
  }

  /** Bytes still to be lent. */
  get remaining(): number {
    return this.#window.end - this.#window.position
  }

  /** The next bytes, at most `most` and never across a piece; `undefined` at the end. Rejects when they will never come. */
  async next(most: number): Promise<Lease | undefined> {
    for (;;) {
      if (this.#isClosed || this.remaining <= 0) return undefined
      const { geometry } = this.#library
      const index = geometry.pieceAt(this.#window.position)
      const absent = this.#library.whenHere(index)
      if (absent) await this.#wait(absent)
      if (this.#isDone()) return undefined
      const begin = this.#window.position - geometry.pieceOffset(index)
      const length = Math.min(most, this.remaining, geometry.lengthOf(index) - begin)
      const lease = await this.#library.read(index, begin, length)
      // Evicted between its arrival and now: wait for it again.
      if (!lease) continue
      if (this.#isDone()) {
        lease.release()
        return undefined
      }
      this.#window.take(length, this.#library.now())
      this.#library.onWindow(this.#window, 'moved', length)
      return lease
    }
  }

  /** Moves on to byte `position` of the torrent, if that is further; what lies between is not waited for. */
  skipTo(position: number): void {
    if (position <= this.#window.position) return
    this.#window.position = position
    this.#library.onWindow(this.#window, 'moved')
  }

  /** Gives the window up at once. Safe to call twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#library.onWindow(this.#window, 'closed')
  }

  async #wait(absent: Promise<void>): Promise<void> {
    this.#window.isWaiting = true
    this.#library.onWindow(this.#window, 'moved')
    try {
      await absent
    } finally {
      this.#window.isWaiting = false
    }
  }

  /** `close` may be called while `next` waits. */
  #isDone(): boolean {
    return this.#isClosed
  }
}
