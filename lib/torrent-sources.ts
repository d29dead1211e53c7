/**
 * Where the peers of one torrent are looked for: its trackers, and whatever else finds peers. All start at once; each tells how it
 * stands in one line. What becomes of the addresses is the swarm's business.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.js'
import type { Announcer } from './discovery/tracker/announce.js'
import type { TrackerStatus } from './discovery/tracker/tracked-tracker.js'
import type { TrackerList } from './discovery/tracker/tracker-list.js'
import type { InfoHash, PeerId } from './metainfo/info-hash.js'
import type { CandidateSource } from './policy/candidate-list.js'
import type { SourceInfo } from './torrent-stats.js'
import type { PeerAddress } from './wire/peer-address.js'

/** One way to find peers beside trackers. A private torrent (BEP 27) stops all of them. */
export interface PeerSource {
  readonly name: CandidateSource
  /** Begins to look. `port`: where we take connections, if we do. */
  start(port: number | undefined): void
  /** The metadata is here and allows it: others may be told of us. */
  announce(): void
  /** Nobody is connected: look again as soon as manners allow. */
  lookAgain(): void
  /** How it stands, as in `58 nodes, 3 peers`. */
  state(): string
  /** Afterwards nothing of it is left. Never rejects. */
  stop(): Promise<void>
}

export interface SourcesOptions {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** Tiers of URLs. */
  readonly trackers: readonly (readonly string[])[]
  /** Asks them. */
  readonly announcer: () => Promise<Announcer>
  readonly clock: Clock
  readonly random: () => number
  readonly report: () => { uploaded: number; downloaded: number; left: number }
  readonly onPeers: (peers: readonly PeerAddress[], source: CandidateSource) => void
  readonly onTracker: (status: TrackerStatus) => void
}

/** How sources are named to people. */
const NAMES: Readonly<Record<CandidateSource, string>> = {
  user: 'given by hand',
  magnet: 'magnet link',
  incoming: 'incoming',
  tracker: 'tracker',
  lsd: 'LSD',
  dht: 'DHT',
  pex: 'PEX'
}

export class TorrentSources {
  readonly #options: SourcesOptions
  #others: readonly PeerSource[] = []
  #trackers: TrackerList | undefined
  #port: number | undefined
  /** Undefined while nobody knows. */
  #isPrivate: boolean | undefined
  #isStopped = false

  constructor(options: SourcesOptions) {
    this.#options = options
  }

  /** `port`: where we take connections, if we do. */
  async start(port: number | undefined): Promise<void> {
    this.#port = port
    if (this.#options.trackers.length > 0) await this.#startTrackers(port)
  }

  /** Another way to find peers, which is at once begun; a private torrent takes none. */
  async add(source: PeerSource): Promise<void> {
    if (this.#isStopped || this.#isPrivate === true) {
      await source.stop()
      return
    }
    this.#others = [...this.#others, source]
    source.start(this.#port)
    if (this.#isPrivate === false) source.announce()
  }

  /** The metadata is here. A private torrent keeps its trackers and nothing else. */
  async onMetadata(isPrivate: boolean): Promise<void> {
    const others = this.#others
    this.#isPrivate = isPrivate
    if (isPrivate) {
      this.#others = []
      await Promise.all(others.map(source => source.stop()))
    } else {
      for (const source of others) source.announce()
    }
  }

  onCompleted(): void {
    this.#trackers?.completed()
  }

  lookAgain(): void {
    this.#trackers?.announceNow()
    for (const source of this.#others) source.lookAgain()
  }

  trackerStatuses(): TrackerStatus[] {
    return this.#trackers?.statuses() ?? []
  }

  /** How each source stands. `foundBy`: addresses that nobody else had brought. */
  states(foundBy: (source: CandidateSource) => number): SourceInfo[] {
    const trackers = this.trackerStatuses().map(({ url, peers, error, state }) => {
      const outcome = state === 'failed' ? (error?.message ?? 'failed') : plural(peers, 'peer')
      return { source: 'tracker', peers, state: `tracker ${url}: ${outcome}` }
    })
    const others = this.#others.map(source => ({
      source: source.name,
      peers: foundBy(source.name),
      state: `${NAMES[source.name]}: ${source.state()}`
    }))
    const silent = (['magnet', 'pex', 'incoming'] as const)
      .map(source => ({
        source,
        peers: foundBy(source),
        state: `${NAMES[source]}: ${plural(foundBy(source), 'peer')}`
      }))
      .filter(({ peers }) => peers > 0)
    return [...trackers, ...others, ...silent]
  }

  /** Trackers are told within 5 s. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([this.#trackers?.stop(), ...this.#others.map(source => source.stop())])
  }

  async #startTrackers(port: number | undefined): Promise<void> {
    const { trackers: tiers, infoHash, peerId, clock, random, report, onPeers, onTracker } = this.#options
    const [{ TrackerList }, announcer] = await Promise.all([
      import('./discovery/tracker/tracker-list.js'),
      this.#options.announcer()
    ])
    if (this.#isStopped) return
    this.#trackers = new TrackerList({
      tiers,
      infoHash,
      peerId,
      key: randomBytes(4).readUInt32BE(0),
      port: port ?? 0,
      announcer,
      clock,
      random,
      report,
      onPeers: peers => onPeers(peers, 'tracker'),
      onStatus: onTracker
    })
    this.#trackers.start()
  }
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}
