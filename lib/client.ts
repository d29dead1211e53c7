/**
 * Many torrents of one program: they share the port, the DHT, local discovery, the places for connections and the memory. Knows nothing of
 * what a torrent does.
 */
import { TorrentError } from './errors.js'
import { checkOptions, type CheckedOptions, type TorrentOptions } from './options.js'
import { watchAbort } from './streams/abort-watch.js'
import { TorrentNetwork } from './torrent-network.js'
import { TransferLimits, type Rates } from './transport/transfer-limits.js'
import { openOn } from './torrent-open.js'
import { magnetOf, readTorrent, type TorrentSource } from './torrent-source.js'
import type { Torrent } from './torrent.js'

/** What belongs to all torrents together. */
type Shared = 'port' | 'host' | 'dht' | 'lsd' | 'maxMemory' | 'clock' | 'random'

/** See `TorrentOptions`. The limits are for all torrents together, beside their own; `maxMemory` is for all torrents, 64 MiB by default, and shared equally; the DHT answers others by default. */
export type ClientOptions = Pick<TorrentOptions, Shared | 'signal' | 'downloadLimit' | 'uploadLimit'>

export interface AddOptions extends Omit<TorrentOptions, Shared | 'sharedLimits'> {
  /** False: not looked for in the DHT. */
  readonly dht?: boolean
  /** False: not told to the local network. */
  readonly lsd?: boolean
}

/** What is known of a torrent before it is open. */
interface Named {
  readonly infoHash: Buffer
  readonly name: string | undefined
}

export class Client {
  readonly #given: Pick<TorrentOptions, Shared | 'signal'>
  readonly #maxMemory: number
  readonly #limits: TransferLimits
  readonly #network: TorrentNetwork
  readonly #torrents = new Map<string, Torrent>()
  /** Torrents that are being opened, by info-hash. */
  readonly #opening = new Map<string, Promise<unknown>>()
  readonly #abort = new AbortController()
  readonly #unwatch: () => void
  #closing: Promise<void> | undefined

  /** Opens nothing yet. Throws `TorrentError` `ERR_BT_OPTION`. */
  constructor(options: ClientOptions = {}) {
    const { dht = true, downloadLimit: download = 0, uploadLimit: upload = 0, ...shared } = options
    this.#given = { ...shared, dht: dht === false ? false : { readOnly: false, ...(dht === true ? {} : dht) } }
    const checked = checkOptions(this.#given)
    this.#maxMemory = checked.maxMemory
    this.#limits = new TransferLimits({ download, upload }, checked.clock)
    this.#network = new TorrentNetwork(checked)
    this.#unwatch = watchAbort(options.signal, () => void this.close())
  }

  /** In the order in which they were opened. */
  get torrents(): readonly Torrent[] {
    return [...this.#torrents.values()]
  }

  /** Port that all take connections on; undefined until one does. */
  get port(): number | undefined {
    return this.#network.port
  }

  /**
   * Opens a torrent, as `openTorrent` does, and rejects as it does; with `ERR_BT_DUPLICATE` when it is here already, and with
   * `ERR_BT_ABORTED` when the client is closed. It leaves the client when it is closed.
   */
  async add(source: TorrentSource, options: AddOptions = {}): Promise<Torrent> {
    const end = new AbortController()
    const unwatch = [options.signal, this.#abort.signal].map(signal =>
      watchAbort(signal, () => end.abort(signal?.reason))
    )
    const leave = (): void => {
      for (const each of unwatch) each()
    }
    try {
      this.#throwIfClosed()
      if (options.signal?.aborted) end.abort(options.signal.reason)
      const magnet = magnetOf(source)
      const named = magnet ?? (await readTorrent(source, end.signal))
      const opened = 'infoBytes' in named ? named : source
      const torrent = await this.#open(named, opened, this.#optionsOf(options, end.signal))
      torrent.once('close', leave)
      return torrent
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Limits of the payload of all torrents together, bytes a second, 0 for none; what is not named stays. Throws `ERR_BT_OPTION`. */
  setLimits(rates: Rates): void {
    this.#limits.set(rates)
  }

  /** The limits as they are now. */
  get limits(): Required<Rates> {
    return this.#limits.rates
  }

  /** The torrent with this info-hash, 40 hexadecimal digits. */
  get(infoHash: string): Torrent | undefined {
    return this.#torrents.get(infoHash.toLowerCase())
  }

  /**
   * Closes all torrents, telling trackers within 5 s, and what they shared. Afterwards no socket, timer, thread or descriptor is left.
   * Never rejects; safe to call twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#unwatch()
    this.#abort.abort(new TorrentError('ERR_BT_ABORTED', 'the client was closed'))
    // All at once: the time that trackers get is the same for all of them. One that is still being opened closes itself.
    await Promise.allSettled([...this.torrents.map(torrent => torrent.close()), ...this.#opening.values()])
    await Promise.all(this.torrents.map(torrent => torrent.close()))
    await this.#network.close()
  }

  async #open({ infoHash, name }: Named, source: TorrentSource, options: CheckedOptions): Promise<Torrent> {
    const key = infoHash.toString('hex')
    if (this.#torrents.has(key) || this.#opening.has(key))
      throw new TorrentError('ERR_BT_DUPLICATE', `${name ?? `torrent ${key}`} is here already`)
    const opening = openOn(this.#network, source, options)
    this.#opening.set(key, opening)
    try {
      const torrent = await opening
      this.#torrents.set(key, torrent)
      torrent.once('close', () => {
        this.#torrents.delete(key)
        this.#shareMemory()
      })
      this.#shareMemory()
      return torrent
    } finally {
      this.#opening.delete(key)
    }
  }

  #optionsOf({ dht, lsd, ...options }: AddOptions, signal: AbortSignal): CheckedOptions {
    const { dht: ours = true, lsd: local, ...shared } = this.#given
    const all: TorrentOptions = {
      ...options,
      ...shared,
      sharedLimits: this.#limits,
      signal,
      dht: dht === false ? false : ours,
      ...(lsd === false ? { lsd } : local !== undefined && { lsd: local })
    }
    // A torrent of large pieces takes two of them, whatever its share would be.
    return { ...checkOptions({ ...all, maxMemory: this.#share(this.#torrents.size + 1) }), isMemoryGiven: false }
  }

  #shareMemory(): void {
    for (const torrent of this.#torrents.values()) torrent.maxMemory = this.#share(this.#torrents.size)
  }

  #share(count: number): number {
    return Math.max(1, Math.floor(this.#maxMemory / count))
  }

  #throwIfClosed(): void {
    if (this.#closing) throw new TorrentError('ERR_BT_ABORTED', 'the client was closed')
  }
}
