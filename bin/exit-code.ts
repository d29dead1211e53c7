/** How the program ends: one number for every reason, as docs/cli.md lists them. */
import type { ErrorCode } from '../lib/index.js'

export const EXIT = {
  DONE: 0,
  INTERNAL: 1,
  USAGE: 2,
  BAD_TORRENT: 3,
  NO_PEERS: 4,
  STALLED: 5,
  OUTPUT: 6,
  UNVERIFIED: 7,
  PIPE_CLOSED: 141
} as const

/** The signals that end us in an orderly way, and 128 + their number. */
export const SIGNAL_EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** A command line that cannot be obeyed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'ERR_BT_OPTION'
}

/** Standard output, or a file that was to be written, failed. `isClosed`: its reader went away, which is no fault of anybody. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
  readonly code = 'ERR_BT_DISK'
  readonly isClosed: boolean

  constructor(cause: NodeJS.ErrnoException, target = 'standard output') {
    super(`cannot write to ${target}: ${reasonOf(cause)}`, { cause })
    this.isClosed = cause.code === 'EPIPE' || cause.code === 'ECONNRESET' || cause.code === 'ERR_STREAM_DESTROYED'
  }
}

/** The player that was started did not end well. */
export class PlayerError extends Error {
  override readonly name = 'PlayerError'
  readonly code = 'ERR_PLAYER'
}

/** What is on disk is not, or not all, what the torrent holds. */
export class UnverifiedError extends Error {
  override readonly name = 'UnverifiedError'
  readonly code = 'ERR_UNVERIFIED'

  constructor(bad: number, all: number, hint = '') {
    super((all === 1 ? 'the file is not whole' : `${bad} of ${all} files are not whole`) + hint)
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOSPC') return 'no space left (ENOSPC)'
  if (code === 'ENOENT') return 'there is no such folder (ENOENT)'
  if (code === 'EACCES') return 'it is not permitted (EACCES)'
  if (code === 'EIO') return 'input/output error (EIO)'
  return message
}

/** The exit code for what ended a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof OutputError) return error.isClosed ? EXIT.PIPE_CLOSED : EXIT.OUTPUT
  if (error instanceof PlayerError) return EXIT.OUTPUT
  if (error instanceof UnverifiedError) return EXIT.UNVERIFIED
  const code = (error as { code?: unknown } | undefined)?.code
  if (typeof code !== 'string' || !Object.hasOwn(EXIT_OF_CODE, code)) return EXIT.INTERNAL
  return EXIT_OF_CODE[code as ErrorCode]
}

/** Errors about one peer or one tracker never end a command by themselves: 1 if one of them does. */
const EXIT_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  ERR_BT_BENCODE: EXIT.BAD_TORRENT,
  ERR_BT_METAINFO: EXIT.BAD_TORRENT,
  ERR_BT_METAINFO_TOO_LARGE: EXIT.BAD_TORRENT,
  ERR_BT_METAINFO_V2_ONLY: EXIT.BAD_TORRENT,
  ERR_BT_MAGNET: EXIT.BAD_TORRENT,
  ERR_BT_SOURCE: EXIT.BAD_TORRENT,
  ERR_BT_HANDSHAKE: EXIT.INTERNAL,
  ERR_BT_MESSAGE_LENGTH: EXIT.INTERNAL,
  ERR_BT_MESSAGE_ORDER: EXIT.INTERNAL,
  ERR_BT_MESSAGE_CONTENT: EXIT.INTERNAL,
  ERR_BT_FLOOD: EXIT.INTERNAL,
  ERR_BT_BAD_DATA: EXIT.INTERNAL,
  ERR_BT_PEER_SILENT: EXIT.INTERNAL,
  ERR_BT_TRACKER_URL: EXIT.INTERNAL,
  ERR_BT_TRACKER_NETWORK: EXIT.INTERNAL,
  ERR_BT_TRACKER_HTTP: EXIT.INTERNAL,
  ERR_BT_TRACKER_RESPONSE: EXIT.INTERNAL,
  ERR_BT_TRACKER_FAILURE: EXIT.INTERNAL,
  ERR_BT_DISK_FULL: EXIT.OUTPUT,
  ERR_BT_DISK: EXIT.OUTPUT,
  ERR_BT_FILE_EXISTS: EXIT.OUTPUT,
  ERR_BT_FILE_TYPE: EXIT.OUTPUT,
  ERR_BT_PATH: EXIT.OUTPUT,
  ERR_BT_LOCKED: EXIT.OUTPUT,
  ERR_BT_INPUT: EXIT.OUTPUT,
  ERR_BT_MEMORY: EXIT.USAGE,
  ERR_BT_NO_PEERS: EXIT.NO_PEERS,
  ERR_BT_STALLED: EXIT.STALLED,
  // Reached only when nobody sent a signal.
  ERR_BT_ABORTED: EXIT.INTERNAL,
  ERR_BT_OPTION: EXIT.USAGE,
  ERR_BT_DUPLICATE: EXIT.USAGE,
  ERR_BT_NO_FILE: EXIT.USAGE,
  ERR_BT_INTERNAL: EXIT.INTERNAL
}
