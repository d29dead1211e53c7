/** All trackers of one torrent: one of each tier is used at once (as clients do today; BEP 12 asks tier after tier). */
import { systemClock, type Clock } from '../../clock.js'
import { MAX_TRACKERS } from '../../limits.js'
import type { InfoHash, PeerId } from '../../metainfo/info-hash.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import type { Announcer, TransferReport } from './announce.js'
import { TrackedTracker, type TorrentSide, type TrackerStatus } from './tracked-tracker.js'
import { TrackerTier } from './tracker-tier.js'

export interface TrackerListOptions {
  /** Announce URLs as the torrent has them. */
  readonly tiers: readonly (readonly string[])[]
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** 32 random bits, the same for all announces of a session. */
  readonly key: number
  /** Where we take connections. */
  readonly port: number
  readonly announcer: Announcer
  readonly clock?: Clock
  /** From 0 up to but not 1; shuffles the trackers of a tier. */
  readonly random: () => number
  /** The figures of the moment in which it is called. */
  readonly report: () => TransferReport
  /** Peers of one answer; `tracker` is its URL fit to be shown. */
  readonly onPeers: (peers: readonly PeerAddress[], tracker: string) => void
  /** Called at every change. */
  readonly onStatus?: (status: TrackerStatus) => void
  /** Stops as `stop()` does. */
  readonly signal?: AbortSignal | undefined
}

export class TrackerList {
  readonly #tiers: readonly TrackerTier[]
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => void this.stop()
  #completed = false
  #stopping: Promise<void> | undefined

  constructor(options: TrackerListOptions) {
    const { clock = systemClock, random, signal } = options
    this.#signal = signal
    const torrent = torrentSide(options, clock, () => this.#completed)
    this.#tiers = distinct(options.tiers).map((urls, tier) => {
      const trackers = urls.map(url => new TrackedTracker(url, tier, torrent))
      return new TrackerTier(shuffled(trackers, random), clock)
    })
  }

  /** Announces `started`, and goes on until `stop()`. To be called once. */
  start(): void {
    if (this.#signal?.aborted) {
      void this.stop()
      return
    }
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
    for (const tier of this.#tiers) tier.announce()
  }

  /** The download is complete and was not when it started. */
  completed(): void {
    if (this.#stopping) return
    this.#completed = true
    for (const tier of this.#tiers) tier.announceCompleted()
  }

  /** Peers have run out: asks for more as soon as each tracker's minimal interval allows. */
  announceNow(): void {
    for (const tier of this.#tiers) tier.announceSoon()
  }

  /** Says `stopped` to those who were told `started`, within 5 s; afterwards no timer and no request is left. Never rejects. */
  stop(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#stopping ??= Promise.all(this.#tiers.map(tier => tier.stop())).then(() => undefined)
    return this.#stopping
  }

  /** Of all trackers, tier by tier, in the order in which they are asked. */
  statuses(): TrackerStatus[] {
    return this.#tiers.flatMap(tier => tier.trackers.map(tracker => tracker.status()))
  }
}

function torrentSide(options: TrackerListOptions, clock: Clock, isCompleted: () => boolean): TorrentSide {
  const { infoHash, peerId, key, port, announcer, report, onPeers, onStatus } = options
  return {
    announcer,
    clock,
    request: () => ({ infoHash, peerId, key, port, ...report() }),
    isCompleted,
    onPeers,
    onStatus: status => onStatus?.(status)
  }
}

/** Each URL once, at its first place, `MAX_TRACKERS` in all; no empty tiers. */
function distinct(tiers: readonly (readonly string[])[]): string[][] {
  const seen = new Set<string>()
  const isNew = (url: string) => {
    if (seen.has(url) || seen.size === MAX_TRACKERS) return false
    seen.add(url)
    return true
  }
  return tiers.map(urls => urls.filter(isNew)).filter(urls => urls.length > 0)
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items]
  const result: T[] = []
  while (left.length > 0) result.push(...left.splice(Math.floor(random() * left.length), 1))
  return result
}
