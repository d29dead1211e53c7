/** Asks any tracker, whatever its protocol; keeps no schedule. One serves all torrents of a client. */
import { systemClock, type Clock } from '../../clock.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import { withDeadline } from '../../transport/deadline.js'
import { systemNames, type NameLookup } from '../../transport/name-lookup.js'
import type { DatagramPort } from '../../transport/udp-socket.js'
import type { AnnounceRequest, AnnounceResponse, Announcer, ScrapeEntry } from './announce.js'
import { HttpTracker } from './http-tracker.js'
import { trackerError } from './tracker-fault.js'
import { parseTrackerUrl } from './tracker-url.js'
import { UdpTracker } from './udp-tracker.js'

export interface TrackerClientOptions {
  /** The shared socket; stays open at `close()`. */
  readonly udp: DatagramPort
  /** The `user-agent` header of HTTP requests. */
  readonly userAgent: string
  readonly names?: NameLookup
  readonly clock?: Clock
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  /** Bounds the whole; without it 30 s for HTTP and 225 s (four tries) for UDP. */
  readonly timeoutMs?: number | undefined
}

/** No UDP tracker takes longer: 15 + 30 + 60 + 120 s for silence, and some for the name. */
const LONGEST_MS = 300_000

export class TrackerClient implements Announcer {
  readonly #http: HttpTracker
  readonly #udp: UdpTracker
  readonly #clock: Clock

  constructor({ udp, userAgent, names = systemNames, clock = systemClock }: TrackerClientOptions) {
    this.#clock = clock
    this.#http = new HttpTracker({ userAgent, names, clock })
    this.#udp = new UdpTracker({ port: udp, names, clock })
  }

  /** Announces once. Rejects with a `TrackerError`, or with the signal's reason. */
  async announce(url: string, request: AnnounceRequest, options: AskOptions = {}): Promise<AnnounceResponse> {
    const tracker = parseTrackerUrl(url)
    return this.#bounded(options, signal =>
      tracker.protocol === 'udp'
        ? this.#udp.announce(tracker, request, signal)
        : this.#http.announce(tracker, request, signal, options.timeoutMs)
    )
  }

  /** How many have each torrent (BEP 15, 48), in the order asked, undefined where the tracker did not say. Rejects likewise. */
  async scrape(
    url: string,
    infoHashes: readonly InfoHash[],
    options: AskOptions = {}
  ): Promise<(ScrapeEntry | undefined)[]> {
    const tracker = parseTrackerUrl(url)
    const asked = tracker.protocol === 'udp' ? this.#udp : this.#http
    return this.#bounded(options, signal => asked.scrape(tracker, infoHashes, signal))
  }

  /** Takes its handler off the UDP socket. */
  close(): void {
    this.#udp.close()
  }

  #bounded<T>({ signal, timeoutMs = LONGEST_MS }: AskOptions, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const onTimeout = () => trackerError('ERR_BT_TRACKER_NETWORK', `no answer within ${timeoutMs / 1000} s`)
    return withDeadline({ clock: this.#clock, timeoutMs, signal, onTimeout }, task)
  }
}
