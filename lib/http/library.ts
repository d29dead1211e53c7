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
  /** First byte in the torrent's byte stream. */
  readonly offset: number
  /** Bytes that would be sent at once. */
  readonly bytesHere: number
  /** Players come back to the start and the end of a film: what holds them is to stay, as far as memory allows. */
  keepEdges(): void
}

export interface ServedTorrent {
  /** 40 hexadecimal digits. */
  readonly infoHash: string
  readonly name: string
  /** Bytes. */
  readonly length: number
  readonly files: readonly ServedFile[]
  /** All files as one archive. */
  readonly tar: ServedBytes
  stats(): ServedFigures
  /** The torrent's pieces in at most `cells` runs. */
  pieceMap(cells: number): readonly ServedCell[]
}

/** Sizes in bytes, rates in bytes per second. */
export interface ServedFigures {
  readonly verified: number
  readonly delivered: number
  readonly downloadRate: number
  readonly uploadRate: number
  readonly peers: number
  readonly readers: number
  readonly memory: number
  readonly maxMemory: number
  /** Why nothing comes. */
  readonly waiting: string | undefined
}

export interface ServedCell {
  /** Share of its pieces that are here, from 0 to 1. */
  readonly here: number
  /** Something of it is on its way. */
  readonly isAsked: boolean
  /** A reader may have something of it fetched now. */
  readonly isInWindow: boolean
  /** It holds the piece a reader waits for, or will next. */
  readonly isHead: boolean
}
