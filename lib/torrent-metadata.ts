/**
 * From a magnet link to a torrent: connects to peers, fetches the `info` dictionary from several at once (BEP 9), and hands the
 * connections on. What is asked of whom is decided in `wire/metadata-fetch.ts`.
 */
import type { EventEmitter } from 'node:events'
import { BtError, TorrentError } from './errors.js'
import { MAX_METADATA_BYTES, MAX_TORRENT_BYTES, USER_AGENT } from './limits.js'
import type { Magnet } from './metainfo/magnet.js'
import { parseMetainfo, type Metainfo } from './metainfo/metainfo.js'
import { surround } from './metainfo/torrent-bytes.js'
import type { ExtendedPeer } from './net/peer-host.js'
import { watchAbort } from './streams/abort-watch.js'
import { throwIfAborted } from './torrent-source.js'
import { emitting } from './torrent-events.js'
import type { MetadataSeeker } from './torrent-extensions.js'
import type { TorrentNetwork } from './torrent-network.js'
import { TorrentPeers, type PeerSources } from './torrent-peers.js'
import { TorrentProgress } from './torrent-progress.js'
import { MetadataFetch } from './wire/metadata-fetch.js'
import type { MetadataMessage } from './wire/metadata-message.js'
import { parsePeerAddress } from './wire/peer-address.js'

export interface SearchOptions extends PeerSources {
  readonly signal: AbortSignal | undefined
  readonly peerTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly searchEvents: Pick<EventEmitter, 'emit'> | undefined
}

/** What a search ends in: the caller owns the peers, which are at work. */
export interface FoundTorrent {
  readonly metainfo: Metainfo
  readonly peers: TorrentPeers
}

/**
 * Resolves once the metadata is here and verified. Rejects with `ERR_BT_NO_PEERS`, `ERR_BT_STALLED`, `ERR_BT_ABORTED`, or with the
 * `MetainfoError` of metadata that makes no sense; nothing is left open then.
 */
export async function findTorrent(
  magnet: Magnet,
  options: SearchOptions,
  network?: TorrentNetwork
): Promise<FoundTorrent> {
  throwIfAborted(options.signal)
  const search = new MetadataSearch(magnet, options, network)
  try {
    return await search.run()
  } catch (error) {
    await search.peers.close()
    throw error
  } finally {
    search.stop()
  }
}

class MetadataSearch implements MetadataSeeker {
  readonly peers: TorrentPeers
  readonly #magnet: Magnet
  readonly #options: SearchOptions
  readonly #fetch: MetadataFetch<ExtendedPeer>
  readonly #progress: TorrentProgress
  readonly #abort = new AbortController()
  readonly #stopWatching: () => void
  /** A search keeps the process alive, however quiet its network is. */
  readonly #alive = setInterval(() => undefined, 2 ** 30)
  readonly #startedAt: number
  readonly #outcome: Promise<Buffer>
  #succeed: (metadata: Buffer) => void = () => undefined
  #fail: (error: Error) => void = () => undefined
  #isOver = false
  /** Wrong hashes that were warned of. */
  #toldFailures = 0

  constructor(magnet: Magnet, options: SearchOptions, network: TorrentNetwork | undefined) {
    this.#magnet = magnet
    this.#options = options
    this.#fetch = new MetadataFetch(magnet.infoHash)
    this.#startedAt = options.clock.now()
    this.#outcome = new Promise((resolve, reject) => {
      this.#succeed = resolve
      this.#fail = reject
    })
    this.#outcome.catch(() => undefined)
    this.peers = new TorrentPeers({
      infoHash: magnet.infoHash,
      trackers: magnet.trackers,
      linkPeers: magnet.peers.map(parsePeerAddress).filter(address => address !== undefined),
      dhtNodes: magnet.dhtNodes,
      options,
      network,
      events: emitting(options.searchEvents),
      seeker: this
    })
    this.#progress = this.#watch()
    this.#stopWatching = watchAbort(options.signal, () => {
      this.#fail(new TorrentError('ERR_BT_ABORTED', 'aborted', { cause: options.signal?.reason }))
    })
  }

  async run(): Promise<FoundTorrent> {
    const { searchEvents, discovery } = this.#options
    searchEvents?.emit('search')
    const starting = this.peers.start().then(() => {
      if (this.peers.port !== undefined) searchEvents?.emit('listening', this.peers.port)
    })
    starting.catch(this.#fail)
    if (discovery) for (const url of this.#magnet.exactSources) void this.#fetchTorrent(url)
    const metadata = await this.#outcome
    const torrent = surround(metadata, { trackers: this.#magnet.trackers, webSeeds: this.#magnet.webSeeds })
    const rules = { windows: process.platform === 'win32' }
    return { metainfo: parseMetainfo(torrent, rules, MAX_METADATA_BYTES + MAX_TORRENT_BYTES), peers: this.peers }
  }

  stop(): void {
    this.#isOver = true
    this.#stopWatching()
    this.#progress.stop()
    this.#abort.abort()
    clearInterval(this.#alive)
  }

  // --- what peers say

  onHandshake(peer: ExtendedPeer): void {
    const { metadataSize, ids, client } = peer.said
    if (this.#isOver || metadataSize === undefined || (ids.ut_metadata ?? 0) === 0) return
    this.#fetch.onAnnounced(peer, metadataSize, client)
    this.#ask(peer)
  }

  onMessage(peer: ExtendedPeer, message: Exclude<MetadataMessage, { type: 'request' }>): boolean {
    if (this.#isOver) return false
    const now = this.#options.clock.now()
    if (message.type === 'data') {
      const metadata = this.#fetch.onData(peer, message, now)
      if (metadata) {
        this.#isOver = true
        this.#succeed(metadata)
        return true
      }
      this.#punish()
    } else this.#fetch.onReject(peer, message.piece, now)
    this.#ask(peer)
    return true
  }

  onGone(peer: ExtendedPeer): void {
    this.#fetch.onGone(peer)
  }

  #ask(peer: ExtendedPeer): void {
    const pieces = this.#fetch.ask(peer, this.#options.clock.now())
    if (pieces.length > 0) peer.requestMetadata(pieces)
  }

  #punish(): void {
    const { failures } = this.#fetch
    for (const peer of this.#fetch.takeGuilty()) this.peers.extensions.ban(peer)
    if (failures < this.#toldFailures + WARN_AFTER_FAILURES) return
    this.#toldFailures = failures
    this.peers.events.onWarning(`metadata of a wrong hash came ${failures} times`)
  }

  // --- what the clock says

  #watch(): TorrentProgress {
    const { clock, peerTimeoutMs, stallTimeoutMs, searchEvents } = this.#options
    return new TorrentProgress({
      clock,
      peerTimeoutMs,
      stallTimeoutMs,
      downloaded: () => 0,
      uploaded: () => 0,
      delivered: () => 0,
      storedAt: () => this.#fetch.heardAt ?? this.#startedAt,
      isWanting: () => true,
      isReaderWaiting: () => false,
      hadPeer: () => this.peers.hadPeer,
      reason: () => this.#reason(),
      sources: () => this.peers.sources(),
      onBeat: now => this.#beat(now),
      onWaiting: reason => searchEvents?.emit('waiting', reason),
      onTimeout: error => this.#fail(error)
    })
  }

  #beat(now: number): void {
    this.#fetch.expire(now)
    for (const { extensions } of this.peers.swarm.peers()) if (extensions) this.#ask(extensions)
    this.peers.tellSources()
  }

  #reason(): string {
    const peers = [...this.peers.swarm.peers()].length
    const { sourceCount, failures } = this.#fetch
    if (peers === 0) return `no peer connected (${this.peers.sources()})`
    if (failures > 0) return `metadata of a wrong hash came ${failures === 1 ? 'once' : `${failures} times`}`
    if (sourceCount === 0) return `none of ${peers} connected peers has the metadata`
    return `waiting for the metadata from ${sourceCount} of ${peers} peers`
  }

  /** `xs`: the .torrent itself, on the web. Only what the info-hash vouches for is taken from it. */
  async #fetchTorrent(url: string): Promise<void> {
    const { fetchBytes } = await import('./transport/fetch-bytes.js')
    try {
      const { signal } = this.#abort
      const options = { trust: 'swarm', maxBytes: MAX_TORRENT_BYTES, userAgent: USER_AGENT, signal } as const
      const { infoHash, infoBytes } = parseMetainfo(await fetchBytes(url, options))
      if (!infoHash.equals(this.#magnet.infoHash)) throw new TorrentError('ERR_BT_OPTION', 'it is another torrent')
      this.#succeed(infoBytes)
    } catch (error) {
      if (this.#isOver) return
      const { redactUrl } = await import('./policy/redact.js')
      const reason = error instanceof BtError || error instanceof Error ? error.message : String(error)
      this.peers.events.onWarning(`the link's exact source ${redactUrl(url)} is of no use: ${reason}`)
    }
  }
}

/** A wrong hash happens; this many of them are worth a line. */
const WARN_AFTER_FAILURES = 3
