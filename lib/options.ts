/** What a caller may ask of a torrent, checked once into a frozen whole. */
import type { EventEmitter } from 'node:events'
import { systemClock, type Clock } from './clock.js'
import { TorrentError } from './errors.js'
import {
  DEFAULT_MAX_MEMORY,
  DEFAULT_PEER_TIMEOUT_MS,
  DEFAULT_PORT,
  DEFAULT_STALL_TIMEOUT_MS,
  PORT_TRIES
} from './limits.js'
import type { Metainfo } from './metainfo/metainfo.js'
import type { FileSystem } from './storage/file-system.js'
import { parsePeerAddress, type PeerAddress } from './wire/peer-address.js'

export interface TorrentOptions {
  /** Folder for the files. Without it pieces live in a bounded memory window and not a byte is written to disk. */
  readonly dir?: string
  /** Only read what is in `dir`, never write: for seeding. Default false. */
  readonly readOnly?: boolean
  /** Files to keep on disk, by index in `torrent.files` or path, or what chooses them once they are known. Default: those that a magnet link names, or all. */
  readonly only?: FileSelection | ((metainfo: Metainfo) => FileSelection | undefined)
  /** Write over files that are there, are not ours and do not verify. Default false: `ERR_BT_FILE_EXISTS`. */
  readonly overwrite?: boolean
  /** Closes the torrent; everything pending fails with `ERR_BT_ABORTED`. */
  readonly signal?: AbortSignal
  /** Peers to dial, `1.2.3.4:6881` or `[::1]:6881`, beside those that are found. */
  readonly peers?: readonly string[]
  /** False: only the given `peers`; no tracker is asked and nobody can connect to us. Default true. */
  readonly discovery?: boolean
  /** Ask the torrent's trackers. Default true. */
  readonly trackers?: boolean
  /** Exchange addresses with peers (BEP 11), unless the torrent is private. Default true. */
  readonly pex?: boolean
  /** First port to listen on, 0 for any; the next ones are tried when it is taken. Default 6881. */
  readonly port?: number
  /** Address to listen on. Default: all. */
  readonly host?: string
  /** Budget of all piece buffers, bytes. Default 64 MiB, raised to two pieces when pieces are larger; when given it is kept, or `ERR_BT_MEMORY`. */
  readonly maxMemory?: number
  /** No peer connected since the start for this long: `ERR_BT_NO_PEERS`. Default 120,000; 0: never. */
  readonly peerTimeoutMs?: number
  /** No verified byte for this long while one is wanted: `ERR_BT_STALLED`. Time in which the reader or the disk holds us does not count. Default 300,000; 0: never. */
  readonly stallTimeoutMs?: number
  /** Emits what happens while the metadata of a magnet link is looked for, before there is a torrent that could. */
  readonly searchEvents?: Pick<EventEmitter, 'emit'>
  /** The disk, for tests. */
  readonly fileSystem?: FileSystem
  /** Time, for tests. */
  readonly clock?: Clock
  /** Numbers from 0 to 1, for tests. */
  readonly random?: () => number
}

/** Files by index or path. */
export type FileSelection = readonly (number | string)[]

/** Options with every default filled in. */
export interface CheckedOptions {
  readonly dir: string | undefined
  readonly readOnly: boolean
  readonly only: TorrentOptions['only']
  readonly overwrite: boolean
  readonly signal: AbortSignal | undefined
  readonly peers: readonly PeerAddress[]
  readonly discovery: boolean
  readonly trackers: boolean
  readonly pex: boolean
  readonly port: number
  readonly portTries: number
  readonly host: string | undefined
  readonly maxMemory: number
  readonly isMemoryGiven: boolean
  readonly peerTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly searchEvents: Pick<EventEmitter, 'emit'> | undefined
  readonly fileSystem: FileSystem | undefined
  readonly clock: Clock
  readonly random: () => number
}

/** Throws `TorrentError` `ERR_BT_OPTION`. */
export function checkOptions(options: TorrentOptions): CheckedOptions {
  const port = whole('port', options.port ?? DEFAULT_PORT, 0, 65_535)
  const discovery = options.discovery ?? true
  return Object.freeze({
    dir: folder(options.dir),
    readOnly: options.readOnly ?? false,
    only: options.only,
    overwrite: options.overwrite ?? false,
    signal: options.signal,
    peers: (options.peers ?? []).map(peerAddress),
    discovery,
    trackers: discovery && (options.trackers ?? true),
    pex: discovery && (options.pex ?? true),
    port,
    portTries: PORT_TRIES,
    host: options.host,
    maxMemory: whole('maxMemory', options.maxMemory ?? DEFAULT_MAX_MEMORY, 1, Number.MAX_SAFE_INTEGER),
    isMemoryGiven: options.maxMemory !== undefined,
    peerTimeoutMs: whole('peerTimeoutMs', options.peerTimeoutMs ?? DEFAULT_PEER_TIMEOUT_MS, 0, Number.MAX_SAFE_INTEGER),
    stallTimeoutMs: whole(
      'stallTimeoutMs',
      options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS,
      0,
      Number.MAX_SAFE_INTEGER
    ),
    searchEvents: options.searchEvents,
    fileSystem: options.fileSystem,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random
  })
}

function peerAddress(text: string): PeerAddress {
  const address = parsePeerAddress(text)
  if (!address) throw new TorrentError('ERR_BT_OPTION', `"${text}" is not the address of a peer: ip:port or [ip]:port`)
  return address
}

/** The empty path would be the current folder: hardly what was meant. */
function folder(dir: string | undefined): string | undefined {
  if (dir === undefined || (typeof dir === 'string' && dir !== '')) return dir
  throw new TorrentError('ERR_BT_OPTION', 'dir must be the path of a folder')
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new TorrentError('ERR_BT_OPTION', `${name} must be a whole number from ${least} to ${most}, not ${value}`)
}
