/** One tracker of one torrent: what it was told, what it answered, and when it may be asked again. Starts nothing by itself. */
import type { Clock } from '../../clock.js'
import { TrackerError } from '../../errors.js'
import {
  DEFAULT_ANNOUNCE_MS,
  MAX_ANNOUNCE_MS,
  MAX_TRACKER_BACKOFF_MS,
  MIN_ANNOUNCE_MS,
  TRACKER_BACKOFF_MS,
  TRACKER_NUM_WANT,
  TRACKER_STOP_MS
} from '../../limits.js'
import { redactUrl } from '../../policy/redact.js'
import { withDeadline } from '../../transport/deadline.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import type { AnnounceEvent, AnnounceRequest, AnnounceResponse, Announcer } from './announce.js'
import { trackerError, TrackerRefusal } from './tracker-fault.js'
import { parseTrackerUrl } from './tracker-url.js'

/** What users see of a tracker. */
export interface TrackerStatus {
  /** Without passkeys. */
  readonly url: string
  /** Index of its tier in the torrent. */
  readonly tier: number
  readonly state: 'idle' | 'announcing' | 'working' | 'failed'
  /** Peers in its last answer. */
  readonly peers: number
  readonly seeders?: number
  readonly leechers?: number
  /** Of state `failed`, and while a failed one is asked again. */
  readonly error?: TrackerError
  readonly warning?: string
  /** Time until it is asked again, if that is planned. */
  readonly nextAnnounceMs?: number
}

/** What a tracker needs of its torrent. */
export interface TorrentSide {
  readonly announcer: Announcer
  readonly clock: Clock
  /** The figures of this moment. */
  request(): Omit<AnnounceRequest, 'event' | 'numWant' | 'trackerId'>
  /** True once the download was completed in this session. */
  isCompleted(): boolean
  onPeers(peers: readonly PeerAddress[], tracker: string): void
  onStatus(status: TrackerStatus): void
}

export class TrackedTracker {
  readonly #url: string
  readonly #redacted: string
  readonly #tier: number
  readonly #torrent: TorrentSide
  #state: TrackerStatus['state'] = 'idle'
  #answer: AnnounceResponse | undefined
  #error: TrackerError | undefined
  #trackerId: Buffer | undefined
  #inFlight: AbortController | undefined
  /** Our `completed`, while it is on its way. */
  #completing: Promise<unknown> | undefined
  /** Bytes that were left when it took our `started`; undefined while it has not. */
  #leftAtStart: number | undefined
  #toldCompleted = false
  #failures = 0
  #readyAtMs = 0
  #answeredAtMs = 0
  #plannedAtMs: number | undefined

  constructor(url: string, tier: number, torrent: TorrentSide) {
    this.#url = url
    this.#redacted = redactUrl(url)
    this.#tier = tier
    this.#torrent = torrent
    try {
      parseTrackerUrl(url)
    } catch (error) {
      this.#state = 'failed'
      this.#error = asTrackerFault(error)
      this.#readyAtMs = Infinity
    }
  }

  get busy(): boolean {
    return this.#inFlight !== undefined
  }

  /** Failures put it off until then; Infinity when it can never be asked. */
  get readyAtMs(): number {
    return this.#readyAtMs
  }

  /** When its next regular announce is due. */
  get dueAtMs(): number {
    const intervalMs = clampInterval(this.#answer?.intervalMs ?? DEFAULT_ANNOUNCE_MS)
    return Math.max(this.#answeredAtMs + intervalMs, this.earliestAtMs)
  }

  /** It must not be asked before, even when peers run out. */
  get earliestAtMs(): number {
    return this.#answeredAtMs + clampInterval(this.#answer?.minIntervalMs ?? MIN_ANNOUNCE_MS)
  }

  /** True when it took our `started` before the download was complete and still has to hear of that. */
  get owesCompleted(): boolean {
    return this.#torrent.isCompleted() && (this.#leftAtStart ?? 0) > 0 && !this.#toldCompleted
  }

  /** When it will be asked next, for the status; undefined when it will not. */
  plan(atMs: number | undefined): void {
    if (this.#plannedAtMs === atMs) return
    this.#plannedAtMs = atMs
    this.#torrent.onStatus(this.status())
  }

  status(): TrackerStatus {
    const { seeders, leechers, warning } = this.#answer ?? {}
    const planned = this.#plannedAtMs
    return {
      url: this.#redacted,
      tier: this.#tier,
      state: this.#state,
      peers: this.#answer?.peers.length ?? 0,
      ...(seeders === undefined ? {} : { seeders }),
      ...(leechers === undefined ? {} : { leechers }),
      ...(warning === undefined ? {} : { warning }),
      ...(this.#error ? { error: this.#error } : {}),
      ...(planned === undefined ? {} : { nextAnnounceMs: Math.max(0, planned - this.#torrent.clock.now()) })
    }
  }

  /** Announces with the event that is due. Resolves to whether it answered; never rejects. */
  async announce(): Promise<boolean> {
    const controller = new AbortController()
    const { signal } = controller
    this.#inFlight = controller
    this.#plannedAtMs = undefined
    this.#enter('announcing')
    const event = this.#nextEvent()
    const figures = this.#torrent.request()
    try {
      const request = { ...figures, event, numWant: TRACKER_NUM_WANT, trackerId: this.#trackerId }
      const answer = this.#torrent.announcer.announce(this.#url, request, { signal })
      if (event === 'completed') this.#completing = answer
      const response = await answer
      this.#inFlight = this.#completing = undefined
      if (signal.aborted) return false
      this.#onAnswer(response, event, figures.left)
      return true
    } catch (error) {
      this.#inFlight = this.#completing = undefined
      if (!signal.aborted) this.#onFailure(asTrackerFault(error))
      return false
    }
  }

  /**
   * Says `stopped` if it was told `started`, and `completed` before that if it has not heard of it: who leaves as soon as all is there
   * completed the download, too. Takes at most 5 s and never rejects.
   */
  async stop(): Promise<void> {
    const owesCompleted = this.owesCompleted
    // It is not to be told twice.
    const completing = owesCompleted ? this.#completing : undefined
    if (!completing) this.#abort()
    this.#plannedAtMs = undefined
    const wasTold = this.#leftAtStart !== undefined
    this.#leftAtStart = undefined
    if (wasTold) await this.#sayGoodbye(completing ?? (owesCompleted ? 'completed' : undefined))
    this.#abort()
    if (this.#state !== 'failed') this.#enter('idle')
  }

  #abort(): void {
    this.#inFlight?.abort(new Error('the torrent stops'))
  }

  async #sayGoodbye(before: 'completed' | Promise<unknown> | undefined): Promise<void> {
    const { clock } = this.#torrent
    const timeoutMs = TRACKER_STOP_MS
    const onTimeout = () => trackerError('ERR_BT_TRACKER_NETWORK', 'no answer')
    try {
      await withDeadline({ clock, timeoutMs, onTimeout }, async signal => {
        if (before === 'completed') await this.#sayLast('completed', signal)
        else await before
        signal.throwIfAborted()
        await this.#sayLast('stopped', signal)
      })
    } catch {
      // It will notice that we are gone when our next announce does not come.
    }
  }

  async #sayLast(event: AnnounceEvent, signal: AbortSignal): Promise<void> {
    const request = { ...this.#torrent.request(), event, numWant: 0, trackerId: this.#trackerId }
    await this.#torrent.announcer.announce(this.#url, request, { signal, timeoutMs: TRACKER_STOP_MS })
  }

  #nextEvent(): AnnounceEvent | undefined {
    if (this.#leftAtStart === undefined) return 'started'
    return this.owesCompleted ? 'completed' : undefined
  }

  #onAnswer(response: AnnounceResponse, event: AnnounceEvent | undefined, left: number): void {
    if (event === 'started') this.#leftAtStart = left
    if (event === 'completed') this.#toldCompleted = true
    this.#answer = response
    this.#trackerId = response.trackerId ?? this.#trackerId
    this.#answeredAtMs = this.#torrent.clock.now()
    this.#error = undefined
    this.#failures = 0
    this.#readyAtMs = 0
    this.#enter('working')
    if (response.peers.length > 0) this.#torrent.onPeers(response.peers, this.#redacted)
  }

  #onFailure(error: TrackerError): void {
    const backoffMs = Math.min(TRACKER_BACKOFF_MS * 2 ** this.#failures, MAX_TRACKER_BACKOFF_MS)
    const wantedMs = error instanceof TrackerRefusal ? (error.retryAfterMs ?? 0) : 0
    this.#failures++
    this.#error = error
    this.#readyAtMs = this.#torrent.clock.now() + Math.max(backoffMs, wantedMs)
    this.#enter('failed')
  }

  #enter(state: TrackerStatus['state']): void {
    this.#state = state
    this.#torrent.onStatus(this.status())
  }
}

/** Trackers ask for anything from 0 to years. */
function clampInterval(intervalMs: number): number {
  return Math.min(Math.max(intervalMs, MIN_ANNOUNCE_MS), MAX_ANNOUNCE_MS)
}

function asTrackerFault(error: unknown): TrackerError {
  if (error instanceof TrackerError) return error
  return trackerError('ERR_BT_TRACKER_NETWORK', error instanceof Error ? error.message : 'unknown failure', error)
}
