/** What the HTTP server needs of the torrents it serves. */
import type { Writable } from 'node:stream'

/** A run of bytes that can be read from any place, any number of times. */
export interface ServedBytes {
  /** Last element of its path. */
  readonly name: string
  /** Bytes. */
  readonly length: number
  /** Writes the bytes from `start` to `end` inclusive, without ending the sink; ends early, by rejecting, when the sink closes. */
  writeTo(sink: Writable, range?: { readonly start: number; readonly end: number }): Promise<number>
}

export interface ServedFile extends ServedBytes {
  /** Relative, `/` between elements. */
  readonly path: string
}

export interface ServedTorrent {
  /** 40 hexadecimal digits. */
  readonly infoHash: string
  readonly name: string
  readonly files: readonly ServedFile[]
  /** All files as one archive. */
  readonly tar: ServedBytes
}
