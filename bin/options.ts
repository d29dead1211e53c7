/** What the user asked for, from the command line's words to the library's options. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ENCRYPTIONS, type DhtOptions, type Encryption, type TorrentOptions } from '../lib/index.js'

/** What is said on standard error. */
export interface MessageOptions {
  readonly quiet?: boolean
  readonly json?: boolean
  readonly verbose?: boolean
}

/** Understood by every command that has to do with a torrent's peers. */
export interface SharedOptions extends MessageOptions {
  readonly peer?: readonly string[]
  readonly discovery?: boolean
  readonly tracker?: boolean
  readonly pex?: boolean
  readonly dht?: boolean
  readonly lsd?: boolean
  readonly encryption?: Encryption
  readonly dhtBootstrap?: readonly string[]
  readonly dhtNodes?: string
  /** Of a command that goes on until it is stopped. */
  readonly staysOnline?: boolean
  readonly port?: number
  readonly host?: string
  /** Bytes. */
  readonly maxMemory?: number
  /** Bytes a second. */
  readonly downloadLimit?: number
  readonly uploadLimit?: number
  readonly peerTimeout?: number
  readonly stallTimeout?: number
}

export interface StreamOptions extends SharedOptions {
  readonly file?: readonly string[]
  readonly tar?: boolean
  readonly force?: boolean
}

export interface InfoOptions extends SharedOptions {
  readonly save?: string
  readonly count?: boolean
}

/** Of commands that keep count of what they give. */
export interface CountingOptions extends SharedOptions {
  readonly totals?: string
}

export interface GetOptions extends CountingOptions {
  readonly output: string
  readonly file?: readonly string[]
  readonly overwrite?: boolean
}

export interface SeedOptions extends CountingOptions {
  readonly dir: string
  readonly superSeed?: boolean
  /** Ends when so many times the torrent's length was given away… */
  readonly ratio?: number
  /** …or after so many milliseconds. */
  readonly time?: number
}

export interface CreateCommandOptions extends MessageOptions {
  readonly output?: string
  readonly overwrite?: boolean
  readonly announce?: readonly string[]
  readonly webSeed?: readonly string[]
  readonly name?: string
  readonly private?: boolean
  readonly comment?: string
  readonly source?: string
  /** Bytes. */
  readonly pieceLength?: number
  readonly padding?: boolean
  readonly exclude?: readonly string[]
  readonly date?: Date
}

export interface VerifyOptions extends SharedOptions {
  readonly dir: string
  readonly file?: readonly string[]
}

export interface PlayOptions extends SharedOptions {
  readonly file?: readonly string[]
  readonly player?: string
}

export interface ServeOptions extends SharedOptions {
  readonly httpPort?: number
  readonly allowHost?: readonly string[]
  readonly output?: string
}

/** Adds the options that every command understands. */
export function withSharedOptions(command: Command): Command {
  command
    .option('--peer <ip:port>', 'a peer to connect to; may be repeated', collect)
    .option('--no-discovery', 'only the peers given: ask no tracker, take no connections')
    .option('--no-tracker', 'ask no tracker')
    .option('--no-dht', 'do not look in the DHT')
    .option('--no-pex', 'exchange no addresses with peers')
    .option('--no-lsd', 'neither tell the local network nor hear of peers there')
    .option('--dht-bootstrap <host:port>', 'enter the DHT here, not at the well-known nodes; none: nowhere', collect)
    .option('--dht-nodes <file>', 'where nodes of the DHT are kept for the next start; none: nowhere')
    .addOption(
      new Option('--encryption <how>', 'speak to peers encrypted: allow is when they want it (default: allow)').choices(
        ENCRYPTIONS
      )
    )
    .option('--port <n>', 'port for connections of others; the next ones if taken (default: 6881)', portNumber)
    .option('--host <ip>', 'address for connections of others (default: all of this machine)', ipAddress)
    .option('--max-memory <MiB>', 'memory for pieces (default: 64)', mebibytes)
    .option('--download-limit <KiB/s>', 'take no more than this; 0: no limit (default: 0)', kibibytes)
    .option('--upload-limit <KiB/s>', 'give no more than this; 0: no limit (default: 0)', kibibytes)
    .option('--peer-timeout <s>', 'give up when no peer connects for this long; 0: never (default: 120)', milliseconds)
    .option('--stall-timeout <s>', 'give up when no data comes for this long; 0: never (default: 300)', milliseconds)
  return withMessageOptions(command)
}

/** Adds the option of where is kept what was given. */
export function withTotalsOption(command: Command): Command {
  return command.option('--totals <folder>', 'where is kept how much was given in all; none: nowhere')
}

/** Adds the options of what is said on standard error. */
export function withMessageOptions(command: Command): Command {
  return command
    .option('-q, --quiet', 'print errors only')
    .option('--json', 'every line on standard error is a JSON object')
    .option('-v, --verbose', 'tell about peers and trackers')
}

export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}

/** Options that stood before the command's name, as in `bt-stream --json get`, unless they were repeated after it. */
export function optionsBefore(command: Command): SharedOptions {
  const before: Record<string, unknown> = {}
  for (const [name, value] of Object.entries<unknown>(command.parent?.opts() ?? {})) {
    const isGiven = command.parent?.getOptionValueSource(name) === 'cli'
    if (isGiven && command.getOptionValueSource(name) !== 'cli') before[name] = value
  }
  return before
}

/** The shared options as the library takes them. */
export function torrentOptions(options: SharedOptions): TorrentOptions {
  return {
    ...(options.peer && { peers: options.peer }),
    ...(options.discovery === false && { discovery: false }),
    ...(options.tracker === false && { trackers: false }),
    ...(options.pex === false && { pex: false }),
    ...(options.lsd === false && { lsd: false }),
    ...(options.encryption !== undefined && { encryption: options.encryption }),
    dht: dhtOptions(options),
    ...(options.port !== undefined && { port: options.port }),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.maxMemory !== undefined && { maxMemory: options.maxMemory }),
    ...(options.downloadLimit !== undefined && { downloadLimit: options.downloadLimit }),
    ...(options.uploadLimit !== undefined && { uploadLimit: options.uploadLimit }),
    ...(options.peerTimeout !== undefined && { peerTimeoutMs: options.peerTimeout }),
    ...(options.stallTimeout !== undefined && { stallTimeoutMs: options.stallTimeout })
  }
}

/** One-shot commands ask and answer nobody (BEP 43); those that stay are nodes like any other. */
function dhtOptions({ dht, dhtBootstrap, dhtNodes, host, staysOnline }: SharedOptions): boolean | DhtOptions {
  if (dht === false) return false
  const nodesFile =
    dhtNodes ?? (isLocalHost(host) || dhtBootstrap ? NONE : join(cacheFolder(), 'bt-stream', 'dht-nodes'))
  return {
    ...(dhtBootstrap && { bootstrap: dhtBootstrap.filter(node => node !== NONE) }),
    ...(nodesFile !== NONE && { nodesFile }),
    ...(staysOnline === true && { readOnly: false })
  }
}

const NONE = 'none'

/** As the library takes it. Who stays on this machine, or among peers given by hand, leaves nothing behind unless told where. */
export function totalsOption({ totals, host, discovery }: CountingOptions): Pick<TorrentOptions, 'totalsDir'> {
  const isAmongOurselves = isLocalHost(host) || discovery === false
  const folder = totals ?? (isAmongOurselves ? NONE : join(stateFolder(), 'bt-stream', 'totals'))
  return folder === NONE ? {} : { totalsDir: folder }
}

function isLocalHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:127\.|::1$)/.test(host)
}

/** Where the system wants what a program found out and would miss. */
function stateFolder(): string {
  const { XDG_STATE_HOME, LOCALAPPDATA } = process.env
  if (process.platform === 'win32' && LOCALAPPDATA) return LOCALAPPDATA
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support')
  return XDG_STATE_HOME ?? join(homedir(), '.local', 'state')
}

/** Where the system wants what can be had again. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (process.platform === 'win32' && LOCALAPPDATA) return LOCALAPPDATA
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches')
  return XDG_CACHE_HOME ?? join(homedir(), '.cache')
}

export function portNumber(text: string): number {
  const port = wholeNumber(text)
  if (port > 65_535) throw new InvalidArgumentError('It is a number from 0 to 65535.')
  return port
}

function ipAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('It is an IP address of this machine.')
  return text
}

function mebibytes(text: string): number {
  const count = wholeNumber(text)
  if (count < 1 || count > MAX_MEBIBYTES)
    throw new InvalidArgumentError(`It is a number of MiB from 1 to ${MAX_MEBIBYTES}.`)
  return count * 2 ** 20
}

function kibibytes(text: string): number {
  const [, digits = '', unit = 'KiB'] = /^(\d{1,15}) ?(KiB|MiB)?$/.exec(text) ?? []
  const rate = Number(digits) * (UNITS[unit] ?? 1)
  if (digits === '' || rate > MAX_RATE)
    throw new InvalidArgumentError(`It is a number of KiB a second, or of MiB with its unit, such as 500 or 2MiB.`)
  return rate
}

export function ratio(text: string): number {
  const times = decimal(text)
  if (!(times > 0 && times <= MAX_RATIO)) throw new InvalidArgumentError(`It is a number above 0, as in 1.5.`)
  return times
}

/** Minutes, decimals too, to milliseconds. */
export function minutes(text: string): number {
  const count = decimal(text)
  if (!(count > 0 && count * 60 <= MAX_SECONDS)) throw new InvalidArgumentError('It is a number of minutes above 0.')
  return count * 60_000
}

/** NaN for what is none. */
function decimal(text: string): number {
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN
}

/** 1 TiB a second. */
const MAX_RATE = 2 ** 40
const MAX_RATIO = 1e6
/** 1 TiB: more is a slip of the finger. */
const MAX_MEBIBYTES = 2 ** 20
/** The longest that a timer of Node can wait is 24 days. */
const MAX_SECONDS = 2_000_000

/** Seconds, decimals too, to whole milliseconds. */
function milliseconds(text: string): number {
  const seconds = decimal(text)
  if (!(seconds <= MAX_SECONDS)) throw new InvalidArgumentError(`It is a number of seconds from 0 to ${MAX_SECONDS}.`)
  return seconds === 0 ? 0 : Math.max(1, Math.round(seconds * 1000))
}

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20 }

/** `1MiB`, `256KiB`, `16384`: the library says which are allowed. `auto` is as if it were not given. */
export function lengthOfPieces(text: string): number | undefined {
  if (text === 'auto') return undefined
  const [, digits = '', unit = ''] = /^(\d{1,15}) ?(KiB|MiB|)$/.exec(text) ?? []
  if (digits === '') throw new InvalidArgumentError('It is a number of bytes, KiB or MiB, such as 1MiB; or auto.')
  return Number(digits) * (UNITS[unit] ?? 1)
}

/** `now`, a day or a moment as ISO 8601 has them, or seconds since 1970. */
export function moment(text: string): Date {
  const date = text === 'now' ? new Date() : new Date(/^\d{1,11}$/.test(text) ? Number(text) * 1000 : text)
  if (Number.isNaN(date.getTime()) || date.getTime() < 0)
    throw new InvalidArgumentError('It is a date such as 2026-01-31, seconds since 1970, or now.')
  return date
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}
