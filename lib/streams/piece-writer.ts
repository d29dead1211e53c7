/** Verified pieces go to the storage: neighbours in one write, a few writes at once. The end of the pipeline. */
import { Writable } from 'node:stream'
import type { PieceIndex } from '../pieces/geometry.js'
import type { Storage, VerifiedPiece } from './storage.js'

/** Writes in flight: one for the disk, one that is ready when it is done. More are no faster, and hold memory. */
const WRITES_AT_ONCE = 2
/** Bytes of one merged write, and of the pieces that may wait so that neighbours meet (one piece always may). */
const MERGED_BYTES = 4 * 2 ** 20
/** While a write is under way, the next one waits for this much: each costs a wake-up of a thread and one of ours. */
const WORTH_A_WRITE = 2 * 2 ** 20

export class PieceWriter extends Writable {
  readonly #storage: Storage
  readonly #onStored: (index: PieceIndex) => void
  /** In the order in which they came. Kept here rather than in the stream's own buffer, which cannot give memory back. */
  readonly #waiting: VerifiedPiece[] = []
  #waitingBytes = 0
  #writing = 0
  #next: (() => void) | undefined
  #finish: (() => void) | undefined

  /** `onStored`: the piece can be read back now. */
  constructor(storage: Storage, onStored: (index: PieceIndex) => void) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#storage = storage
    this.#onStored = onStored
  }

  override _write(piece: VerifiedPiece, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#waiting.push(piece)
    this.#waitingBytes += piece.bytes.length
    this.#next = callback
    this.#advance()
  }

  override _final(callback: () => void): void {
    this.#finish = callback
    this.#advance()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // What is verified is not thrown away: the storage waits for its writes when it closes, or releases what it cannot write.
    while (this.#waiting.length > 0) this.#storage.write(takeRun(this.#waiting)).catch(() => undefined)
    callback(error)
  }

  /** Starts what may start, takes the next piece once there is room, and ends once all are stored. */
  #advance(): void {
    while (this.#mayStart()) {
      const run = takeRun(this.#waiting)
      for (const piece of run) this.#waitingBytes -= piece.bytes.length
      void this.#store(run)
    }
    if (this.#waitingBytes < MERGED_BYTES) {
      const next = this.#next
      this.#next = undefined
      next?.()
    }
    if (this.#writing > 0 || this.#waiting.length > 0) return
    const finish = this.#finish
    this.#finish = undefined
    finish?.()
  }

  #mayStart(): boolean {
    if (this.#waiting.length === 0 || this.#writing >= WRITES_AT_ONCE) return false
    return this.#writing === 0 || this.#waitingBytes >= WORTH_A_WRITE
  }

  async #store(run: readonly VerifiedPiece[]): Promise<void> {
    this.#writing++
    try {
      await this.#storage.write(run)
      if (!this.destroyed) for (const { index } of run) this.#onStored(index)
    } catch (error) {
      this.destroy(error as Error)
    }
    this.#writing--
    if (!this.destroyed) this.#advance()
  }
}

/** Takes out the piece that came first and its neighbours on both sides, by index, no more than a merged write (or one piece). */
function takeRun(waiting: VerifiedPiece[]): VerifiedPiece[] {
  const run = waiting.splice(0, 1)
  let bytes = run[0]?.bytes.length ?? 0
  const takeAt = (index: number): VerifiedPiece | undefined => {
    const at = waiting.findIndex(piece => piece.index === index && bytes + piece.bytes.length <= MERGED_BYTES)
    const [piece] = at < 0 ? [] : waiting.splice(at, 1)
    bytes += piece?.bytes.length ?? 0
    return piece
  }
  for (let next = takeAt((run.at(-1)?.index ?? 0) + 1); next; next = takeAt(next.index + 1)) run.push(next)
  for (let previous = takeAt((run[0]?.index ?? 0) - 1); previous; previous = takeAt(previous.index - 1))
    run.unshift(previous)
  return run
}
