/** Asks any tracker, whatever its protocol; keeps no schedule. One serves all torrents of a client. */
import { systemClock, type Clock } from '../../clock.js'
import { TrackerError } from '../../errors.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import { redactSecrets } from '../../policy/redact.js'
import { withDeadline } from '../../transport/deadline.js'
import { systemNames, type NameLookup } from '../../transport/name-lookup.js'
import type { DatagramPort } from '../../transport/udp-socket.js'
import type { AnnounceRequest, AnnounceResponse, Announcer, ScrapeEntry } from './announce.js'
import { HttpTracker } from './http-tracker.js'
import { trackerError } from './tracker-fault.js'
import { parseTrackerUrl, type TrackerUrl } from './tracker-url.js'
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

  /** Announces once. Rejects with a `TrackerError`, or with the signal's reason. No passkey is in what it says. */
  async announce(url: string, request: AnnounceRequest, options: AskOptions = {}): Promise<AnnounceResponse> {
    const response = await this.#ask(url, options, (tracker, signal) =>
      tracker.protocol === 'udp'
        ? this.#udp.announce(tracker, request, signal)
        : this.#http.announce(tracker, request, signal, options.timeoutMs)
    )
    const { warning } = response
    return warning === undefined ? response : { ...response, warning: redactSecrets(warning, url) }
  }

  /** How many have each torrent (BEP 15, 48), in the order asked, undefined where the tracker did not say. Rejects likewise. */
  async scrape(
    url: string,
    infoHashes: readonly InfoHash[],
    options: AskOptions = {}
  ): Promise<(ScrapeEntry | undefined)[]> {
    return this.#ask(url, options, (tracker, signal) => {
      const asked = tracker.protocol === 'udp' ? this.#udp : this.#http
      return asked.scrape(tracker, infoHashes, signal)
    })
  }

  /** Takes its handler off the UDP socket. */
  close(): void {
    this.#udp.close()
  }

  async #ask<T>(
    url: string,
    { signal, timeoutMs = LONGEST_MS }: AskOptions,
    task: (tracker: TrackerUrl, signal: AbortSignal) => Promise<T>
  ): Promise<T> {
    const tracker = parseTrackerUrl(url)
    const onTimeout = () => trackerError('ERR_BT_TRACKER_NETWORK', `no answer within ${timeoutMs / 1000} s`)
    try {
      return await withDeadline({ clock: this.#clock, timeoutMs, signal, onTimeout }, bounded => task(tracker, bounded))
    } catch (error) {
      // A tracker may repeat the passkey in its reason.
      if (error instanceof TrackerError) error.message = redactSecrets(error.message, url)
      throw error
    }
  }
}
