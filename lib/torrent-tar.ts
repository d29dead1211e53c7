/** All files of a torrent as one tar archive: its size is known beforehand, any range of it can be read, the same torrent gives the same bytes. */
import type { Writable } from 'node:stream'
import { inclusiveRange, type ReadStreamOptions } from './torrent-file.js'
import { TarLayout, type TarFile } from './pieces/tar-layout.js'
import type { PieceLibrary } from './streams/read-cursor.js'
import { TarCursor } from './streams/tar-cursor.js'
import { pour, TorrentReader } from './streams/torrent-reader.js'

export class TorrentTar {
  /** `<torrent's name>.tar` */
  readonly name: string
  readonly #library: PieceLibrary
  readonly #files: readonly TarFile[]
  readonly #modified: number
  #layout: TarLayout | undefined

  /** `modified`: every file's time, seconds since 1970. */
  constructor(library: PieceLibrary, torrentName: string, files: readonly TarFile[], modified = 0) {
    this.#library = library
    this.#files = files
    this.#modified = modified
    this.name = `${torrentName}.tar`
  }

  /** Bytes of the archive. */
  get length(): number {
    return this.#laidOut.length
  }

  /** The archive's bytes, or those from `start` to `end` inclusive; else as a file's `createReadStream`. */
  createReadStream(options: ReadStreamOptions = {}): TorrentReader {
    return new TorrentReader(this.#open(options), options)
  }

  /** Writes the archive's bytes to `sink`, lent as a file's `writeTo` lends them. Resolves to the bytes written. */
  writeTo(sink: Writable, options: ReadStreamOptions = {}): Promise<number> {
    return pour(this.#open(options), sink, options)
  }

  #open(options: ReadStreamOptions): TarCursor {
    const { start, end } = inclusiveRange(options, this.length, 'a tar archive')
    return new TarCursor(this.#library, this.#laidOut, start, end)
  }

  /** Not before it is asked for: a torrent may have a hundred thousand files. */
  get #laidOut(): TarLayout {
    this.#layout ??= new TarLayout(this.#files, this.#modified)
    return this.#layout
  }
}
