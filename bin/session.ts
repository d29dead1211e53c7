/**
 * One run of a command: its torrents, its words, its signals and its end. The exit code is set and the process left to end by itself,
 * so that nothing that was written is cut off.
 */
import { EventEmitter } from 'node:events'
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'
import { isatty } from 'node:tty'
import {
  BtError,
  Client,
  isMagnet,
  openTorrent,
  countPeers,
  readMetainfo,
  type Metainfo,
  type PeerCount,
  type Torrent,
  type TorrentEvents,
  type TorrentOptions
} from '../lib/index.js'
import { EXIT, OutputError, SIGNAL_EXITS, exitCodeOf } from './exit-code.js'
import type { EndFacts } from './messages/events.js'
import { messagesFor, type Messages } from './messages/messages.js'
import { torrentOptions, type SharedOptions } from './options.js'
import { sourceOf } from './source.js'
import { tellEvents } from './watch.js'
import { UnchosenFileError } from './file-choice.js'

/** How long something that was forgotten may keep a process that has nothing more to do. */
const LINGER_MS = 2000
/** How long an orderly end may take after something went wrong that nobody caught. */
const FAULT_MS = 10_000

type Signal = keyof typeof SIGNAL_EXITS

/**
 * Runs a command to its end. Never rejects: what goes wrong is said and becomes the exit code. `usesOutput`: standard output is written to
 * meanwhile, which may be the terminal that the words go to: a moving line would disturb it.
 */
export async function runCommand(
  options: SharedOptions,
  work: (session: Session) => Promise<void>,
  { usesOutput = false } = {}
): Promise<void> {
  const session = new Session(options, usesOutput && isatty(1))
  await session.run(work)
}

export class Session {
  readonly messages: Messages
  readonly options: SharedOptions
  readonly #abort = new AbortController()
  readonly #startedAt = performance.now()
  readonly #loopDelay: IntervalHistogram | undefined
  readonly #cleanups: (() => unknown)[] = []
  readonly #torrents: Torrent[] = []
  #client: Client | undefined
  #signalExit: number | undefined
  /** What nobody caught. */
  #fault: Error | undefined

  constructor(options: SharedOptions, isTerminalShared: boolean) {
    this.options = options
    this.messages = messagesFor(options, isTerminalShared)
    this.#loopDelay = options.json === true ? monitorEventLoopDelay({ resolution: 1 }) : undefined
    this.#loopDelay?.enable()
  }

  /** Aborted when the command has to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Milliseconds since the command began. */
  get elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAt)
  }

  /** What the source says, without opening it; of a magnet link, what peers say. */
  async readSource(source: string): Promise<Metainfo> {
    return await readMetainfo(await sourceOf(source, this.signal), this.#withSearch(source, {}))
  }

  /** About how many have it and want it; undefined when nobody may be asked. */
  async countPeers(metainfo: Metainfo): Promise<PeerCount | undefined> {
    return await countPeers(metainfo, { ...torrentOptions(this.options), signal: this.signal })
  }

  /** Opens a torrent with the user's options; it is closed when the command ends. */
  async open(source: string, options: TorrentOptions = {}): Promise<Torrent> {
    const torrent = await openTorrent(await sourceOf(source, this.signal), this.#withSearch(source, options))
    this.#torrents.push(torrent)
    return torrent
  }

  /** As `open`, of one of several that share port, DHT and memory. */
  async openAmongMany(source: string, options: TorrentOptions = {}): Promise<Torrent> {
    this.#client ??= new Client(torrentOptions(this.options))
    const all = this.#withSearch(source, options)
    const own = { ...all, dht: all.dht !== false, lsd: all.lsd !== false }
    const torrent = await this.#client.add(await sourceOf(source, this.signal), own)
    this.#torrents.push(torrent)
    return torrent
  }

  /** What happens before there is a torrent is told as well. */
  #withSearch(source: string, options: TorrentOptions): TorrentOptions {
    const all = { ...torrentOptions(this.options), ...options, signal: this.signal }
    if (!isMagnet(source)) return all
    const searchEvents = new EventEmitter()
    tellEvents(searchEvents as EventEmitter<TorrentEvents>, this.messages)
    // The torrent says so again.
    searchEvents.removeAllListeners('listening')
    searchEvents.once('search', () => this.messages.say({ event: 'search' }))
    return { ...all, searchEvents }
  }

  /** Has `cleanup` called when the command ends, however it does; the last one first. */
  atEnd(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup)
  }

  async run(work: (session: Session) => Promise<void>): Promise<void> {
    const unlisten = this.#listen()
    let exitCode: number
    try {
      await work(this)
      this.#throwFault()
      exitCode = this.#signalExit ?? 0
    } catch (error) {
      exitCode = this.#tell(error)
    }
    const stats = this.#torrents.length === 1 ? this.#torrents[0]?.stats() : undefined
    try {
      await Promise.all(this.#torrents.map(torrent => torrent.close()))
      await this.#client?.close()
      for (const cleanup of this.#cleanups.reverse()) await cleanup()
      if (exitCode !== EXIT.INTERNAL) this.#throwFault()
    } catch (error) {
      exitCode = this.#tell(error)
    }
    exitCode = this.#signalExit ?? exitCode
    this.messages.say({ event: 'end', ...stats, ...this.#lastFigures(exitCode) })
    this.messages.end()
    unlisten()
    process.exitCode = exitCode
    setInterval(() => {
      if (process.stderr.writableLength === 0) process.exit()
    }, LINGER_MS).unref()
  }

  #throwFault(): void {
    if (this.#fault) throw this.#fault
  }

  /** What the user has to be told of the error, and its exit code. */
  #tell(error: unknown): number {
    const fault = this.#fault ?? error
    const exitCode = exitCodeOf(fault)
    if (!this.#fault && this.#signalExit !== undefined) return this.#signalExit
    if (fault instanceof OutputError && fault.isClosed) return exitCode
    const { message, stack } = fault as Error
    const code = fault instanceof BtError ? fault.code : ((fault as { code?: string }).code ?? 'ERR_BT_INTERNAL')
    const files = fault instanceof UnchosenFileError ? { files: fault.files } : {}
    const text = exitCode === EXIT.INTERNAL && this.messages.isVerbose && stack !== undefined ? stack : message
    this.messages.say({ event: 'error', code, message: text, exitCode, ...files })
    return exitCode
  }

  #lastFigures(exitCode: number): EndFacts {
    const histogram = this.#loopDelay
    histogram?.disable()
    return {
      exitCode,
      elapsedMs: this.elapsedMs,
      ...(histogram && {
        loopDelayP99Ms: milliseconds(histogram.percentile(99)),
        loopDelayMaxMs: milliseconds(histogram.max)
      }),
      peakMemory: process.resourceUsage().maxRSS * 1024
    }
  }

  /** Signals stop the command in order, once; a second one stops it as it is. */
  #listen(): () => void {
    const onSignal = (signal: Signal): void => {
      if (this.#signalExit !== undefined) process.exit(SIGNAL_EXITS[signal])
      this.#signalExit = SIGNAL_EXITS[signal]
      this.messages.say({ event: 'interrupted', signal })
      this.#abort.abort()
    }
    const onFault = (error: unknown): void => {
      if (this.#fault) process.exit(EXIT.INTERNAL)
      this.#fault = error instanceof Error ? error : new Error(String(error))
      setTimeout(() => process.exit(EXIT.INTERNAL), FAULT_MS).unref()
      this.#abort.abort()
    }
    // Node would print it on its own, across our lines.
    const onWarning = ({ message }: Error): void => this.messages.say({ event: 'warning', message })
    const signals = Object.keys(SIGNAL_EXITS) as Signal[]
    for (const signal of signals) process.on(signal, onSignal)
    process.on('uncaughtException', onFault).on('unhandledRejection', onFault)
    process.removeAllListeners('warning').on('warning', onWarning)
    return () => {
      for (const signal of signals) process.off(signal, onSignal)
    }
  }
}

function milliseconds(nanoseconds: number): number {
  return Math.round(nanoseconds / 1e4) / 100
}
