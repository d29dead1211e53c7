/** Where everything lies in a tar archive of a torrent's files: known before a byte is fetched. Reads nothing. */
import {
  TAR_BLOCK_BYTES,
  TAR_END,
  tarHeader,
  tarHeaderLength,
  tarPadding,
  type TarEntry
} from '../metainfo/tar-header.js'

/** A file to be archived. */
export interface TarFile {
  readonly path: string
  readonly length: number
  /** First byte in the torrent's byte stream. */
  readonly offset: number
}

/** The next run of bytes: made here, or `length` bytes of the torrent from `offset` on. */
export type TarRun = { readonly made: Buffer } | { readonly offset: number; readonly length: number }

export class TarLayout {
  /** Bytes of the archive. */
  readonly length: number
  readonly #files: readonly TarFile[]
  readonly #modified: number
  /** Where each file's header begins, and the closing blocks. */
  readonly #starts: Float64Array

  /** `files`: in the order of the archive. `modified`: seconds since 1970. */
  constructor(files: readonly TarFile[], modified: number) {
    this.#files = files
    this.#modified = modified
    this.#starts = new Float64Array(files.length + 1)
    let at = 0
    for (const [i, file] of files.entries()) {
      this.#starts[i] = at
      at += tarHeaderLength(this.#entry(file)) + file.length + tarPadding(file.length)
    }
    this.#starts[files.length] = at
    this.length = at + TAR_END.length
  }

  /** What lies at `position` of the archive, as far as it is of one kind. `position` is below `length`. */
  runAt(position: number): TarRun {
    const index = this.#fileAt(position)
    const file = this.#files[index]
    const within = position - (this.#starts[index] ?? 0)
    if (!file) return { made: TAR_END.subarray(within) }
    const entry = this.#entry(file)
    const headerLength = tarHeaderLength(entry)
    if (within < headerLength) return { made: tarHeader(entry).subarray(within) }
    const at = within - headerLength
    if (at < file.length) return { offset: file.offset + at, length: file.length - at }
    return { made: Buffer.alloc(TAR_BLOCK_BYTES).subarray(0, file.length + tarPadding(file.length) - at) }
  }

  /** The torrent's bytes that an archive's bytes `[start, end)` need: from the first to the last, or `undefined` for none. */
  payloadOf(start: number, end: number): { readonly start: number; readonly end: number } | undefined {
    let first: number | undefined
    let last = 0
    for (let i = this.#fileAt(start); i < this.#files.length && (this.#starts[i] ?? 0) < end; i++) {
      const file = this.#files[i]
      if (!file || file.length === 0) continue
      const dataAt = (this.#starts[i] ?? 0) + tarHeaderLength(this.#entry(file))
      const from = Math.max(start - dataAt, 0)
      const to = Math.min(end - dataAt, file.length)
      if (from >= to) continue
      first ??= file.offset + from
      last = file.offset + to
    }
    return first === undefined ? undefined : { start: first, end: last }
  }

  #entry({ path, length }: TarFile): TarEntry {
    return { path, length, modified: this.#modified }
  }

  /** Binary search: the last file that starts at or before `position`, or the closing blocks. */
  #fileAt(position: number): number {
    let low = 0
    let high = this.#files.length
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#starts[middle] ?? Infinity) <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}
