/** A place in a tar archive of a torrent's files: lends its bytes in order, through one window over all the files that are left. */
import type { TarLayout } from '../pieces/tar-layout.js'
import { ReadCursor, type ByteSource, type PieceLibrary } from './read-cursor.js'
import type { Lease } from './storage.js'

const nothing = (): void => undefined

export class TarCursor implements ByteSource {
  readonly #layout: TarLayout
  readonly #end: number
  readonly #cursor: ReadCursor | undefined
  #position: number
  #isClosed = false

  /** Reads `[start, end)` of the archive's bytes. */
  constructor(library: PieceLibrary, layout: TarLayout, start: number, end: number) {
    this.#layout = layout
    this.#position = start
    this.#end = end
    const payload = layout.payloadOf(start, end)
    this.#cursor = payload && new ReadCursor(library, payload.start, payload.end)
  }

  /** The next bytes, at most `most`; `undefined` at the end. Rejects when they will never come. */
  async next(most: number): Promise<Lease | undefined> {
    const left = this.#end - this.#position
    if (this.#isClosed || left <= 0) return undefined
    const run = this.#layout.runAt(this.#position)
    if ('made' in run) {
      const bytes = run.made.subarray(0, Math.min(most, left))
      this.#position += bytes.length
      return { bytes, release: nothing }
    }
    // Files may lie apart, with padding between them (BEP 47).
    this.#cursor?.skipTo(run.offset)
    const lease = await this.#cursor?.next(Math.min(most, left, run.length))
    this.#position += lease?.bytes.length ?? 0
    return lease
  }

  /** Gives the window up at once. Safe to call twice. */
  close(): void {
    this.#isClosed = true
    this.#cursor?.close()
  }
}
