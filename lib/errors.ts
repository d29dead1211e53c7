/**
 * Every fault this library reports, in two kinds. *Their* fault is a `ProtocolError`: it ends one peer (or one answer of a
 * tracker) and the torrent goes on. *Ours or the user's* is any other family: the torrent stops and says why.
 * Match on `code`: it is stable and documented in docs/errors.md; messages may change.
 */

/** A .torrent file or bencoded value that is not what it must be. */
export type MetainfoErrorCode =
  | 'ERR_BT_BENCODE' // not bencode, or over one of its limits; the message holds the byte offset
  | 'ERR_BT_METAINFO' // bencode, but not a valid .torrent
  | 'ERR_BT_METAINFO_TOO_LARGE' // over MAX_TORRENT_BYTES
  | 'ERR_BT_METAINFO_V2_ONLY' // a v2-only torrent (BEP 52), which this version does not read
  | 'ERR_BT_MAGNET' // a magnet link that names no torrent we can look for
  | 'ERR_BT_SOURCE' // the source could not be read: no such file, HTTP status, not a kind of source we know

/** A peer broke the wire protocol. */
export type ProtocolErrorCode =
  | 'ERR_BT_HANDSHAKE'
  | 'ERR_BT_MESSAGE_LENGTH'
  | 'ERR_BT_MESSAGE_ORDER'
  | 'ERR_BT_MESSAGE_CONTENT'
  | 'ERR_BT_FLOOD'
  | 'ERR_BT_BAD_DATA'
  | 'ERR_BT_PEER_SILENT'

/** A tracker could not be asked, or what it said makes no sense. */
export type TrackerErrorCode =
  | 'ERR_BT_TRACKER_URL' // unusable or refused URL
  | 'ERR_BT_TRACKER_NETWORK' // no connection, name not found, timed out
  | 'ERR_BT_TRACKER_HTTP' // an HTTP status that is not an answer
  | 'ERR_BT_TRACKER_RESPONSE' // an answer that cannot be read
  | 'ERR_BT_TRACKER_FAILURE' // the tracker's own `failure reason`

/** Disk or memory for pieces. */
export type StorageErrorCode =
  | 'ERR_BT_DISK_FULL' // ENOSPC, EDQUOT
  | 'ERR_BT_DISK' // any other error of the file system
  | 'ERR_BT_FILE_EXISTS' // another file stands where ours must go
  | 'ERR_BT_FILE_TYPE' // a directory, device, FIFO or symbolic link stands there
  | 'ERR_BT_PATH' // a path that leaves the target folder
  | 'ERR_BT_LOCKED' // another instance works on the same target
  | 'ERR_BT_INPUT' // what a torrent is to be made of cannot be used
  | 'ERR_BT_MEMORY' // the explicit memory budget is too small for this torrent

/** The download itself. */
export type TorrentErrorCode =
  | 'ERR_BT_NO_PEERS' // no peer connected within the peer timeout
  | 'ERR_BT_STALLED' // no verified byte within the stall timeout
  | 'ERR_BT_ABORTED' // the caller's signal, or close() while the stream was open
  | 'ERR_BT_OPTION' // an option that makes no sense
  | 'ERR_BT_DUPLICATE' // the client has this torrent already
  | 'ERR_BT_NO_FILE' // no such file in the torrent
  | 'ERR_BT_INTERNAL' // a fault of ours

export type ErrorCode = MetainfoErrorCode | ProtocolErrorCode | TrackerErrorCode | StorageErrorCode | TorrentErrorCode

/** Base of all errors of this library; `code` is stable. */
export class BtError extends Error {
  readonly code: ErrorCode
  /** Bytes a stream had delivered when it failed; set on the errors of file streams only. */
  bytesDelivered?: number

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

export class MetainfoError extends BtError {
  declare readonly code: MetainfoErrorCode
  constructor(code: MetainfoErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

export class ProtocolError extends BtError {
  declare readonly code: ProtocolErrorCode
  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

export class TrackerError extends BtError {
  declare readonly code: TrackerErrorCode
  constructor(code: TrackerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

export class StorageError extends BtError {
  declare readonly code: StorageErrorCode
  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

export class TorrentError extends BtError {
  declare readonly code: TorrentErrorCode
  constructor(code: TorrentErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** The same failure once more, of the same class: what ends many streams gives each an error of its own. */
export function anew(error: BtError): BtError {
  const Family = error.constructor as new (code: ErrorCode, message: string, options: ErrorOptions) => BtError
  return new Family(error.code, error.message, { cause: error.cause ?? error })
}

/** Closes a `switch` over a union: a case that was forgotten does not compile. */
export function assertNever(value: never): never {
  throw new TorrentError('ERR_BT_INTERNAL', `unexpected value ${JSON.stringify(value)}`)
}
