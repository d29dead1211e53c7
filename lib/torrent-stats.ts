/** What a torrent tells about itself: figures and events, enough to build a user interface on. */
import type { BtError } from './errors.js'

export interface PeerInfo {
  /** `ip:port` or `[ip]:port`. */
  readonly address: string
  /** 20 bytes, hexadecimal. */
  readonly peerId: string
  readonly isIncoming: boolean
}

/** One peer's part in the figures. */
export interface PeerStats extends PeerInfo {
  readonly isChoking: boolean
  /** Pieces it has. */
  readonly pieces: number
  /** Payload bytes. */
  readonly downloaded: number
  readonly uploaded: number
  /** Bytes per second, as the request pipeline measures it; 0 until a block came. */
  readonly rate: number
  readonly roundTripMs: number
  /** Requests in flight. */
  readonly requests: number
}

export interface TrackerInfo {
  /** Without passkeys. */
  readonly url: string
  readonly state: 'idle' | 'announcing' | 'working' | 'failed'
  /** Peers in its last answer. */
  readonly peers: number
  readonly message?: string
}

/** One way in which peers are found. */
export interface SourceInfo {
  /** `tracker`, `dht`, `pex`, `lsd`, `magnet` or `incoming`. */
  readonly source: string
  /** Addresses that it brought; of a tracker, in its last answer. */
  readonly peers: number
  /** One line, fit to be shown: `tracker http://t.example/announce: 12 peers`, `PEX: 4 peers`. */
  readonly state: string
}

export interface TorrentStats {
  /** Bytes of the torrent. */
  readonly length: number
  /** Bytes that are wanted: of the files to be downloaded, or of the torrent when only readers decide. */
  readonly wanted: number
  /** Bytes of the wanted that were verified. */
  readonly verified: number
  /** Payload bytes that peers sent us and we sent them, since the torrent was opened. */
  readonly downloaded: number
  readonly uploaded: number
  /** Payload bytes that were needed, and that were sent, in all sessions of which it was kept: the sum of what trackers are told. */
  readonly downloadedEver: number
  readonly uploadedEver: number
  /** Of the downloaded bytes, those that came twice, unasked, or in pieces that failed their hash. */
  readonly wasted: number
  /** Bytes per second, over the last seconds. */
  readonly downloadRate: number
  readonly uploadRate: number
  /** Bytes that readers were given. */
  readonly delivered: number
  readonly peers: number
  /** Peers that let us ask. */
  readonly unchoked: number
  /** Addresses known. */
  readonly candidates: number
  /** How each source of peers stands. */
  readonly sources: readonly SourceInfo[]
  /** Bytes of piece buffers in use, and the budget. */
  readonly memory: number
  readonly maxMemory: number
  /** Open readers. */
  readonly readers: number
  /** Milliseconds from the wish to read until the first verified byte was there. */
  readonly firstByteMs: number | undefined
  /** The longest time between a reader that goes on after a pause of two seconds and the next request to a peer. */
  readonly resumeMs: number | undefined
  /** Why nothing comes, while something is wanted and nothing has come for a while. */
  readonly waiting: string | undefined
}

/** A run of pieces, as a part of a picture of the torrent. */
export interface PieceMapCell {
  /** Share of its pieces that are here now, from 0 to 1. */
  readonly here: number
  /** A piece of it is on its way. */
  readonly isAsked: boolean
  /** A reader may have a piece of it fetched now. */
  readonly isInWindow: boolean
  /** It holds the piece that a reader waits for, or will next. */
  readonly isHead: boolean
}

export interface TorrentEvents {
  /** Port we take connections on. */
  listening: [port: number]
  peer: [peer: PeerInfo]
  peerGone: [peer: PeerInfo, error: Error | undefined]
  /** A dial that came to nothing; for the curious. */
  dialFailed: [address: string, error: Error]
  tracker: [tracker: TrackerInfo]
  /** Another source of peers than a tracker stands differently. */
  source: [source: SourceInfo]
  /** A piece is verified and stored. */
  piece: [index: number]
  /** Pieces checked of those that may be on disk. */
  checking: [checked: number, total: number]
  warning: [message: string]
  /** Nothing came or was taken for 15 s, and why; repeated when the reason changes. */
  waiting: [reason: string]
  /** Everything `download` asked for is verified and on disk. */
  done: []
  /** The torrent stopped: every stream and promise fails with this. */
  failure: [error: BtError]
  close: []
}
