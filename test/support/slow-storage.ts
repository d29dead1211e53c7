/** A storage whose writes end when a test says so, well or badly. What was written can be read. */
import { EventEmitter, once } from 'node:events'
import type { PieceIndex } from '../../lib/pieces/geometry.js'
import type { Lease, Storage, VerifiedPiece } from '../../lib/streams/storage.js'

export interface PendingWrite {
  readonly indexes: readonly number[]
  /** Keeps the bytes, gives the memory back, and lets the writer know. */
  finish(): void
  fail(error: Error): void
}

export class SlowStorage implements Storage {
  /** Writes that have begun and not ended. */
  readonly pending: PendingWrite[] = []
  /** Indexes of every write so far. */
  readonly written: (readonly number[])[] = []
  readonly #kept = new Map<number, Buffer>()
  readonly #events = new EventEmitter()
  #isQuick = false

  write(pieces: readonly VerifiedPiece[]): Promise<void> {
    const indexes = pieces.map(({ index }) => index)
    this.written.push(indexes)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.pending.splice(this.pending.indexOf(write), 1)
        for (const piece of pieces) piece.release()
      }
      const write: PendingWrite = {
        indexes,
        finish: () => {
          for (const { index, bytes } of pieces) this.#kept.set(index, Buffer.from(bytes))
          end()
          resolve()
        },
        fail: error => {
          end()
          reject(error)
        }
      }
      this.pending.push(write)
      this.#events.emit('write')
      if (this.#isQuick) write.finish()
    })
  }

  /** The next write that begins, or one that has begun. */
  async nextWrite(): Promise<PendingWrite> {
    for (;;) {
      const [first] = this.pending
      if (first) return first
      await once(this.#events, 'write')
    }
  }

  /** From now on every write ends at once, those that wait too. */
  hurry(): void {
    this.#isQuick = true
    for (const write of [...this.pending]) write.finish()
  }

  read(index: PieceIndex, begin: number, length: number): Promise<Lease | undefined> {
    const bytes = this.#kept.get(index)?.subarray(begin, begin + length)
    return Promise.resolve(bytes && { bytes, release: () => undefined })
  }

  fill(index: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean> {
    let at = begin
    for (const target of targets) at += this.#kept.get(index)?.copy(target, 0, at, at + target.length) ?? 0
    return Promise.resolve(this.#kept.has(index))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
