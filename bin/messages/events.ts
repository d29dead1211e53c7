/** Everything the program has to say, as facts. `--json` prints them as they are; people get a sentence (`sentences.ts`). */
import type { PeerInfo, SourceInfo, TorrentStats, TrackerInfo, VerifiedFile } from '../../lib/index.js'

/** Version of the schema in docs/cli.md. Fields are added without a new one; one is never taken away or changed. */
export const SCHEMA_VERSION = 1

export interface FileFacts {
  readonly index: number
  readonly path: string
  readonly length: number
}

/** How far a command is. */
export interface ProgressFacts {
  /** Bytes that are delivered or on disk, of how many. */
  readonly done: number
  readonly total: number
  /** Bytes per second from and to peers. */
  readonly downloadRate: number
  readonly uploadRate: number
  readonly peers: number
  /** Seconds left at this rate; null while nobody can say. */
  readonly eta: number | null
  /** Why nothing comes; null while something does. */
  readonly waiting: string | null
}

/** The .torrent that was made. */
export interface CreatedFacts {
  readonly infoHash: string
  readonly name: string
  /** Bytes, padding included. */
  readonly length: number
  readonly pieceLength: number
  readonly pieces: number
  /** Path of the .torrent, `-` for standard output. */
  readonly output: string
  readonly elapsedMs: number
}

/** The last figures: of the torrent, if one was opened, and of the process, if a command was run. */
export interface EndFacts extends Partial<TorrentStats> {
  readonly exitCode: number
  readonly elapsedMs?: number
  /** How long the event loop was held up; only with `--json`, as measuring has its price. */
  readonly loopDelayP99Ms?: number
  readonly loopDelayMaxMs?: number
  /** Peak resident memory of the process, bytes. */
  readonly peakMemory?: number
}

export type Event =
  | { event: 'start'; command: string; name: string; infoHash: string; length: number; files: readonly FileFacts[] }
  | ({ event: 'progress' } & ProgressFacts)
  | { event: 'checking'; checked: number; total: number }
  | { event: 'hashing'; done: number; total: number | null; rate: number }
  | ({ event: 'file' } & VerifiedFile)
  | ({ event: 'created' } & CreatedFacts)
  | { event: 'listening'; port: number }
  | { event: 'search' }
  | ({ event: 'tracker' } & TrackerInfo)
  | ({ event: 'source' } & SourceInfo)
  | ({ event: 'peer' } & PeerInfo)
  | ({ event: 'peerGone'; code: string | null; message: string | null } & PeerInfo)
  | { event: 'dialFailed'; address: string; code: string | null; message: string }
  | { event: 'waiting'; reason: string }
  | { event: 'warning'; message: string }
  | { event: 'serving'; have: number; length: number }
  | { event: 'seeded'; uploaded: number; ratio: number; elapsedMs: number }
  | { event: 'http'; url: string }
  | { event: 'note'; message: string }
  | { event: 'verified'; bytes: number; total: number }
  | { event: 'kept'; bytes: number; total: number }
  | { event: 'done'; bytes: number; elapsedMs: number; verified: true }
  | { event: 'interrupted'; signal: string }
  | { event: 'error'; code: string; message: string; exitCode: number; files?: readonly FileFacts[] }
  | ({ event: 'end' } & EndFacts)

/** `-q` lets only errors (and with `--json` the end) pass; details need `-v`. */
export function weightOf({ event }: Event): 'always' | 'usual' | 'detail' {
  if (event === 'error' || event === 'end') return 'always'
  return event === 'peer' || event === 'peerGone' || event === 'dialFailed' || event === 'source' ? 'detail' : 'usual'
}
