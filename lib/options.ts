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
import { parseHostPort } from './discovery/host-port.js'
import type { DhtSettings, LsdSettings } from './discovery/settings.js'
import { BOOTSTRAP_NODES } from './discovery/dht/bootstrap-nodes.js'
import type { Metainfo } from './metainfo/metainfo.js'
import { addressScope } from './policy/address-rules.js'
import { ENCRYPTIONS, type Encryption } from './policy/encryption.js'
import type { FileSystem } from './storage/file-system.js'
import type { TransferLimits } from './transport/transfer-limits.js'
import { parsePeerAddress, type PeerAddress } from './wire/peer-address.js'

export interface TorrentOptions {
  /** Folder for the files. Without it pieces live in a bounded memory window and not a byte is written to disk. */
  readonly dir?: string
  /** Only read what is in `dir`, never write: for seeding. Default false. */
  readonly readOnly?: boolean
  /** Files to keep on disk, by index in `torrent.files`, path or pattern, or what chooses them once they are known. Default: those that a magnet link names, or all. */
  readonly only?: FileSelection | ((metainfo: Metainfo, named?: readonly number[]) => FileSelection | undefined)
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
  /** Look in the DHT (BEP 5), unless the torrent is private; how, if not as usual. Default true. */
  readonly dht?: boolean | DhtOptions
  /** Tell peers in the same network of us, and hear of them (BEP 14), unless the torrent is private; how, if not as usual. Default true, but for a `host` of loopback. */
  readonly lsd?: boolean | LsdOptions
  /**
   * Whether peers are spoken to encrypted (MSE): `allow` begins plainly and goes over to it where that fails, `prefer` the reverse, `require`
   * takes and makes no plain connection, `off` no encrypted one. Default `allow`.
   */
  readonly encryption?: Encryption
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
  /** Bytes of payload a second that this torrent takes, and gives, at the most; 0: no limit. Default 0. `torrent.setLimits` changes them. */
  readonly downloadLimit?: number
  readonly uploadLimit?: number
  /** Limits beside those, shared by all torrents that are given the same object. */
  readonly sharedLimits?: TransferLimits
  /** Folder in which is kept, by info-hash, how much was taken and given in all sessions, for `stats()`. Default: none; the resume record in `dir` has it as long as there is one. */
  readonly totalsDir?: string
  /** Tell each peer of one piece after the other, so that each is given away about once (BEP 16). Only of a torrent that is complete. Default false. */
  readonly superSeeding?: boolean
  /** Emits what happens while the metadata of a magnet link is looked for, before there is a torrent that could. */
  readonly searchEvents?: Pick<EventEmitter, 'emit'>
  /** The disk, for tests. */
  readonly fileSystem?: FileSystem
  /** Time, for tests. */
  readonly clock?: Clock
  /** Numbers from 0 to 1, for tests. */
  readonly random?: () => number
}

export interface DhtOptions {
  /** Nodes to begin with, `host:port`, instead of the well-known ones; none for a `host` of loopback. */
  readonly bootstrap?: readonly string[]
  /** Ask, but answer nobody (BEP 43): for programs that end soon. Default: unless the torrent is only seeded. */
  readonly readOnly?: boolean
  /** File in which nodes are kept for a faster next start. Default: none. */
  readonly nodesFile?: string
  /** Take more than one node of an IPv4 /24 or IPv6 /64: for tests on one machine. Default false. */
  readonly sharesNetworks?: boolean
}

export interface LsdOptions {
  /** Multicast groups, `ip:port`, instead of those of BEP 14. */
  readonly groups?: readonly string[]
  /** Addresses of this machine on whose networks it is done. Default: all but loopback. */
  readonly interfaces?: readonly string[]
}

/** Files by index, path or pattern. */
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
  readonly encryption: Encryption
  readonly dht: DhtSettings | undefined
  readonly lsd: LsdSettings | undefined
  readonly port: number
  readonly portTries: number
  readonly host: string | undefined
  readonly maxMemory: number
  readonly isMemoryGiven: boolean
  readonly peerTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly downloadLimit: number
  readonly uploadLimit: number
  readonly sharedLimits: TransferLimits | undefined
  readonly totalsDir: string | undefined
  readonly superSeeding: boolean
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
    dir: folder('dir', options.dir),
    readOnly: options.readOnly ?? false,
    only: options.only,
    overwrite: options.overwrite ?? false,
    signal: options.signal,
    peers: (options.peers ?? []).map(peerAddress),
    discovery,
    trackers: discovery && (options.trackers ?? true),
    pex: discovery && (options.pex ?? true),
    encryption: encryption(options.encryption ?? 'allow'),
    dht: discovery ? dhtSettings(options) : undefined,
    lsd: discovery ? lsdSettings(options) : undefined,
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
    downloadLimit: whole('downloadLimit', options.downloadLimit ?? 0, 0, Number.MAX_SAFE_INTEGER),
    uploadLimit: whole('uploadLimit', options.uploadLimit ?? 0, 0, Number.MAX_SAFE_INTEGER),
    sharedLimits: options.sharedLimits,
    totalsDir: folder('totalsDir', options.totalsDir),
    superSeeding: options.superSeeding ?? false,
    searchEvents: options.searchEvents,
    fileSystem: options.fileSystem,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random
  })
}

/** Who listens on this machine alone wants nothing to leave it, unless it says where to. */
function isLocalOnly(host: string | undefined): boolean {
  return host !== undefined && addressScope(host) === 'loopback'
}

function dhtSettings({ dht = true, host, readOnly = false }: TorrentOptions): DhtSettings | undefined {
  if (dht === false) return undefined
  const given = dht === true ? {} : dht
  const isLocal = isLocalOnly(host)
  if (given.nodesFile !== undefined && given.nodesFile === '')
    throw new TorrentError('ERR_BT_OPTION', 'dht.nodesFile must be the path of a file')
  return Object.freeze({
    bootstrap: (given.bootstrap ?? (isLocal ? [] : BOOTSTRAP_NODES)).map(hostPort),
    readOnly: given.readOnly ?? !readOnly,
    nodesFile: given.nodesFile,
    sharesNetworks: given.sharesNetworks ?? false
  })
}

function lsdSettings({ lsd, host }: TorrentOptions): LsdSettings | undefined {
  if (lsd === false || (lsd === undefined && isLocalOnly(host))) return undefined
  const given = lsd === undefined || lsd === true ? {} : lsd
  return Object.freeze({ groups: given.groups?.map(peerAddress), interfaces: given.interfaces })
}

function encryption(given: Encryption): Encryption {
  if (ENCRYPTIONS.includes(given)) return given
  throw new TorrentError('ERR_BT_OPTION', `encryption must be ${ENCRYPTIONS.join(', ')}, not "${given as string}"`)
}

function hostPort(text: string): string {
  if (!parseHostPort(text)) throw new TorrentError('ERR_BT_OPTION', `"${text}" names no DHT node: host:port`)
  return text
}

function peerAddress(text: string): PeerAddress {
  const address = parsePeerAddress(text)
  if (!address) throw new TorrentError('ERR_BT_OPTION', `"${text}" is not the address of a peer: ip:port or [ip]:port`)
  return address
}

/** The empty path would be the current folder: hardly what was meant. */
function folder(name: string, path: string | undefined): string | undefined {
  if (path === undefined || (typeof path === 'string' && path !== '')) return path
  throw new TorrentError('ERR_BT_OPTION', `${name} must be the path of a folder`)
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new TorrentError('ERR_BT_OPTION', `${name} must be a whole number from ${least} to ${most}, not ${value}`)
}
