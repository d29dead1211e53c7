/** Which files a range of the torrent's bytes falls into. Padding (BEP 47) and empty files hold none of it. */
import type { MetainfoFile } from '../metainfo/metainfo.js'

/** A run of bytes inside one file. */
export interface FileSpan {
  /** Position in `metainfo.files`. */
  readonly file: number
  /** First byte, within the file. */
  readonly fileOffset: number
  /** First byte, within the range that was asked for. */
  readonly rangeOffset: number
  readonly length: number
}

export class FileMap {
  readonly #files: readonly MetainfoFile[]

  constructor(files: readonly MetainfoFile[]) {
    this.#files = files
  }

  /** The spans of `[offset, offset + length)` in torrent order; bytes of padding files are in none. */
  spans(offset: number, length: number): FileSpan[] {
    const found: FileSpan[] = []
    const end = offset + length
    for (let i = this.#firstEndingAfter(offset); i < this.#files.length; i++) {
      const file = this.#files[i]
      if (!file || file.offset >= end) break
      const from = Math.max(offset, file.offset)
      const to = Math.min(end, file.offset + file.length)
      if (to > from && !file.padding) {
        found.push({ file: i, fileOffset: from - file.offset, rangeOffset: from - offset, length: to - from })
      }
    }
    return found
  }

  /** Binary search: torrents of many thousand files are common. */
  #firstEndingAfter(offset: number): number {
    let low = 0
    let high = this.#files.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const file = this.#files[middle]
      if (file && file.offset + file.length <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
