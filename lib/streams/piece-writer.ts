/** Verified pieces go to the storage: neighbours in one write, a few writes at once. The end of the pipeline. */
import { Writable } from 'node:stream'
import type { PieceIndex } from '../pieces/geometry.js'
import type { Storage, VerifiedPiece } from './storage.js'

/** Writes in flight. */
const WRITES_AT_ONCE = 4
/** Pieces that may wait, so that neighbours meet. */
const WAITING = 8
/** Bytes of one merged write. */
const MERGED_BYTES = 4 * 2 ** 20

export class PieceWriter extends Writable {
  readonly #storage: Storage
  readonly #onStored: (index: PieceIndex) => void
  #writing = 0
  #next: (() => void) | undefined

  /** `onStored`: the piece can be read back now. */
  constructor(storage: Storage, onStored: (index: PieceIndex) => void) {
    super({ objectMode: true, highWaterMark: WAITING })
    this.#storage = storage
    this.#onStored = onStored
  }

  override _write(piece: VerifiedPiece, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#start([piece])
    this.#whenRoom(callback)
  }

  override _writev(chunks: { chunk: VerifiedPiece }[], callback: (error?: Error | null) => void): void {
    for (const run of runsOf(chunks.map(({ chunk }) => chunk))) this.#start(run)
    this.#whenRoom(callback)
  }

  override _final(callback: () => void): void {
    if (this.#writing === 0) callback()
    else this.#next = () => this._final(callback)
  }

  #start(run: readonly VerifiedPiece[]): void {
    this.#writing++
    void this.#storage.write(run).then(
      () => {
        this.#writing--
        if (!this.destroyed) for (const { index } of run) this.#onStored(index)
        this.#advance()
      },
      (error: unknown) => {
        this.#writing--
        this.destroy(error as Error)
      }
    )
  }

  #whenRoom(callback: () => void): void {
    if (this.#writing < WRITES_AT_ONCE) callback()
    else this.#next = callback
  }

  #advance(): void {
    const next = this.#next
    this.#next = undefined
    next?.()
  }
}

/** Groups of pieces that follow each other, by index, none longer than a merged write (or one piece). */
function runsOf(pieces: VerifiedPiece[]): VerifiedPiece[][] {
  const sorted = pieces.sort((a, b) => a.index - b.index)
  const runs: VerifiedPiece[][] = []
  let bytes = 0
  for (const piece of sorted) {
    const run = runs.at(-1)
    if (run && run.at(-1)?.index === piece.index - 1 && bytes + piece.bytes.length <= MERGED_BYTES) {
      run.push(piece)
      bytes += piece.bytes.length
    } else {
      runs.push([piece])
      bytes = piece.bytes.length
    }
  }
  return runs
}
