/** One file of a torrent: its place in the byte stream, and the streams that read it. */
import type { Writable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { TorrentError } from './errors.js'
import type { MetainfoFile } from './metainfo/metainfo.js'
import { ReadCursor, type PieceLibrary } from './streams/read-cursor.js'
import { pour, TorrentReader } from './streams/torrent-reader.js'
import { TorrentSlice } from './torrent-slice.js'

export interface ReadStreamOptions {
  /** First byte, within the file. Default 0. */
  readonly start?: number
  /** Last byte, itself included, as in `fs.createReadStream`. Default: the last of the file. */
  readonly end?: number
  /** Bytes the stream holds ready. Default 64 KiB. */
  readonly highWaterMark?: number
  /** Destroys the stream with `ERR_BT_ABORTED`. */
  readonly signal?: AbortSignal
}

export class TorrentFile {
  /** Position in `torrent.files`. */
  readonly index: number
  /** Safe relative path, `/` between elements. */
  readonly path: string
  /** Last element of the path. */
  readonly name: string
  /** Bytes. */
  readonly length: number
  /** First byte in the torrent's byte stream. */
  readonly offset: number
  readonly #library: PieceLibrary

  readonly #isKept: boolean

  /** `isKept`: false for a file that the option `only` left out, whose bytes are kept nowhere. */
  constructor(library: PieceLibrary, file: MetainfoFile, index: number, isKept = true) {
    this.#library = library
    this.#isKept = isKept
    this.index = index
    this.path = file.path
    this.name = file.path.slice(file.path.lastIndexOf('/') + 1)
    this.length = file.length
    this.offset = file.offset
  }

  /**
   * The file's bytes, or those from `start` to `end` inclusive, in order and verified. While nobody reads, no more than the read-ahead is fetched. Ends after
   * exactly the promised bytes; anything else is an `error` with `code` and `bytesDelivered`. Destroying it frees its window at once.
   * Throws `ERR_BT_OPTION` for bytes outside the file, and `ERR_BT_NO_FILE` for a file that `only` leaves out of `dir`.
   */
  createReadStream(options: ReadStreamOptions = {}): TorrentReader {
    return new TorrentReader(this.#open(options), options)
  }

  /**
   * Writes the file's bytes to `sink` without copying them and without ending it: each chunk is lent only until the sink's write
   * callback, which suits pipes, sockets and files, not Transforms that keep what they get. Resolves to the bytes written.
   */
  writeTo(sink: Writable, options: ReadStreamOptions = {}): Promise<number> {
    return pour(this.#open(options), sink, options)
  }

  /** The bytes from `start` up to, not including, `end`, in the manner of `Blob.slice`. Nothing is fetched before it is read. */
  slice(start = 0, end = this.length): TorrentSlice {
    const whole = new TorrentSlice(range => this.createReadStream(range), 0, this.length)
    return whole.slice(start, end)
  }

  /** The file as a web stream; else as `createReadStream`. */
  stream(): ReadableStream<Uint8Array> {
    return this.slice().stream()
  }

  /** All of the file in memory. Rejects with `ERR_BT_OPTION` when it does not fit. */
  arrayBuffer(): Promise<ArrayBuffer> {
    return this.slice().arrayBuffer()
  }

  /** All of the file as UTF-8. Rejects with `ERR_BT_OPTION` when it does not fit. */
  text(): Promise<string> {
    return this.slice().text()
  }

  /** `for await (const chunk of file)`: as `createReadStream()`. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.createReadStream()[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** Bytes of it that are verified and here now: on disk, or still in memory. */
  get bytesHere(): number {
    return this.#library.bytesHere(this.offset, this.offset + this.length)
  }

  /**
   * Players come back to the start and the end of a film: from now on, what holds the first 4 MiB and the last 2 MiB stays in memory once it
   * was fetched, up to a quarter of the budget. The files that were named last come first. Fetches nothing.
   */
  keepEdges(): void {
    this.#library.keepEdges(this.offset, this.offset + this.length)
  }

  #open(options: ReadStreamOptions): ReadCursor {
    if (!this.#isKept) throw new TorrentError('ERR_BT_NO_FILE', `${this.path} is not among the files to keep`)
    const { start, end } = inclusiveRange(options, this.length, 'a file')
    return new ReadCursor(this.#library, this.offset + start, this.offset + end)
  }
}

/**
 * The inclusive range that the caller names as a half-open one. Throws `ERR_BT_OPTION` when it is not within `length` bytes, or when another option
 * makes no sense: not later, when a window is open that nobody would close.
 */
export function inclusiveRange(
  { start = 0, end, highWaterMark = 0, signal }: ReadStreamOptions,
  length: number,
  what: string
): { start: number; end: number } {
  if (!Number.isInteger(highWaterMark) || highWaterMark < 0) {
    throw new TorrentError('ERR_BT_OPTION', `highWaterMark is a number of bytes, not ${String(highWaterMark)}`)
  }
  // Other realms have an AbortSignal of their own.
  if (signal !== undefined && !('aborted' in (Object(signal) as object))) {
    throw new TorrentError('ERR_BT_OPTION', 'signal is not an AbortSignal')
  }
  const last = end ?? length - 1
  const isWhole = Number.isInteger(start) && Number.isInteger(last)
  if (!isWhole || start < 0 || last >= length || start > last + 1) {
    throw new TorrentError('ERR_BT_OPTION', `no bytes ${start}-${last} in ${what} of ${length} bytes`)
  }
  return { start, end: last + 1 }
}
