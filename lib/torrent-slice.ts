/** A part of a file, or all of it, in the manner of a Blob: fetched when it is read, each time anew. */
import { constants } from 'node:buffer'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { arrayBuffer, text } from 'node:stream/consumers'
import { TorrentError } from './errors.js'

/** Opens the bytes from `start` to `end` inclusive. */
type OpenRange = (range: { readonly start: number; readonly end: number }) => Readable

export class TorrentSlice {
  /** Bytes. */
  readonly size: number
  readonly #open: OpenRange
  readonly #start: number

  /** The `size` bytes from `start` on of what `open` opens. */
  constructor(open: OpenRange, start: number, size: number) {
    this.#open = open
    this.#start = start
    this.size = size
  }

  /** The bytes from `start` up to, not including, `end`; negative numbers count from the end, and what is outside is cut off: as `Blob.slice`. */
  slice(start = 0, end = this.size): TorrentSlice {
    const from = clamp(start, this.size)
    return new TorrentSlice(this.#open, this.#start + from, Math.max(0, clamp(end, this.size) - from))
  }

  /** A web stream of the bytes. Cancelling it gives its window up. */
  stream(): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.#readable()) as ReadableStream<Uint8Array>
  }

  /** All the bytes. Rejects with `ERR_BT_OPTION` when they are more than an ArrayBuffer holds. */
  async arrayBuffer(): Promise<ArrayBuffer> {
    this.#mustFit(constants.MAX_LENGTH, 'an ArrayBuffer')
    return await arrayBuffer(this.#readable())
  }

  /** All the bytes as UTF-8. Rejects with `ERR_BT_OPTION` when they are more than a string holds. */
  async text(): Promise<string> {
    this.#mustFit(constants.MAX_STRING_LENGTH, 'a string')
    return await text(this.#readable())
  }

  #readable(): Readable {
    return this.#open({ start: this.#start, end: this.#start + this.size - 1 })
  }

  #mustFit(most: number, into: string): void {
    if (this.size > most)
      throw new TorrentError('ERR_BT_OPTION', `${this.size} bytes do not fit into ${into}: stream them`)
  }
}

function clamp(position: number, size: number): number {
  const whole = Math.trunc(position) || 0
  return whole < 0 ? Math.max(0, size + whole) : Math.min(whole, size)
}
