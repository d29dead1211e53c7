/** What a .torrent says, complete and checked: bytes → `Metainfo`, or a `MetainfoError`. */
import type { InfoHash } from './info-hash.js'
import { MetainfoError } from '../errors.js'

/** A file of the torrent, in the order of the torrent. */
export interface MetainfoFile {
  /** Safe relative path with `/` between elements, the torrent's name first when it has many files. Ready to be joined to a folder. */
  readonly path: string
  /** Bytes. */
  readonly length: number
  /** First byte of the file in the torrent's byte stream. */
  readonly offset: number
  /** BEP 47 padding: zeros that are hashed but never written, listed or delivered. */
  readonly padding: boolean
}

export interface Metainfo {
  readonly infoHash: InfoHash
  /** The raw `info` dictionary as it stood in the file. */
  readonly infoBytes: Buffer
  /** Safe name; of the file or of the folder. */
  readonly name: string
  /** True when `info` has `length` rather than `files`. */
  readonly singleFile: boolean
  /** Bytes of every piece but the last. */
  readonly pieceLength: number
  /** SHA-1 of each piece, 20 bytes apiece, one after the other. */
  readonly pieceHashes: Buffer
  /** Bytes of all files with padding: the length of the torrent's byte stream. */
  readonly length: number
  readonly files: readonly MetainfoFile[]
  /** BEP 27: peers only from its own trackers. */
  readonly private: boolean
  /** Tiers of tracker URLs (BEP 12); `announce` alone is one tier of one. */
  readonly trackers: readonly (readonly string[])[]
  /** Web seeds (BEP 19). */
  readonly webSeeds: readonly string[]
  readonly comment: string | undefined
  readonly createdBy: string | undefined
  /** Seconds since 1970. */
  readonly creationDate: number | undefined
  /** What was repaired or ignored, a sentence each, fit for a terminal. */
  readonly warnings: readonly string[]
}

/** Reads a .torrent file's bytes. Throws `MetainfoError`. */
export function parseMetainfo(bytes: Uint8Array): Metainfo {
  throw new MetainfoError('ERR_BT_METAINFO', `not built yet (${bytes.length})`)
}
