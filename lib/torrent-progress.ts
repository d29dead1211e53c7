/** A torrent's pulse, once a second: rates, and the two clocks that end a download nobody serves. */
import type { Clock, Timer } from './clock.js'
import { TorrentError } from './errors.js'
import { READER_WAITING_MS, WAITING_AFTER_MS } from './limits.js'

const BEAT_MS = 1000
/** Rates are means over about this long. */
const RATE_WINDOW_MS = 3000
/** A rate that falls below this while nothing comes is 0, bytes per second. */
const NOTHING = 10 * 1024

/** What the pulse looks at. */
export interface ProgressSide {
  readonly clock: Clock
  readonly peerTimeoutMs: number
  readonly stallTimeoutMs: number
  downloaded(): number
  uploaded(): number
  /** Bytes that readers took. */
  delivered(): number
  /** When a piece was last stored. */
  storedAt(): number
  /** Something is waited for that is not here, and neither reader nor disk holds us. */
  isWanting(): boolean
  /** A reader waits for a piece. */
  isReaderWaiting(): boolean
  /** A peer has been connected at some time. */
  hadPeer(): boolean
  /** Why nothing comes, or nothing goes on; `undefined` when nothing is to come. */
  reason(): string | undefined
  /** Where peers were looked for and what came of it, for the error when there are none. */
  sources(): string
  onBeat(now: number): void
  onWaiting(reason: string): void
  onTimeout(error: TorrentError): void
}

export class TorrentProgress {
  downloadRate = 0
  uploadRate = 0
  /** Set while nothing has come for a while: a short one when a reader waits. */
  waiting: string | undefined
  readonly #side: ProgressSide
  #timer: Timer
  #beatAt: number
  #lastDownloaded = 0
  #lastUploaded = 0
  #lastDelivered = 0
  /** Since when there is something to do and nothing was stored or delivered. */
  #idleSince: number | undefined
  /** The reason that was told last, while it lasts. */
  #told: string | undefined
  /** Since when something is wanted and nothing came. */
  #wantingSince: number | undefined
  /** Time without any peer while something was wanted. */
  #alone = 0

  constructor(side: ProgressSide) {
    this.#side = side
    this.#beatAt = side.clock.now()
    this.#timer = side.clock.setTimer(() => this.#beat(), BEAT_MS)
  }

  stop(): void {
    this.#side.clock.clearTimer(this.#timer)
  }

  #beat(): void {
    const now = this.#side.clock.now()
    // A machine that slept, or a loop that stood still, has not been waiting for peers.
    const elapsed = Math.min(now - this.#beatAt, 2 * BEAT_MS)
    this.#timer = this.#side.clock.setTimer(() => this.#beat(), BEAT_MS)
    this.#measure(now - this.#beatAt)
    this.#beatAt = now
    this.#side.onBeat(now)
    this.#tellReason(now)
    this.#watch(now, elapsed)
  }

  #measure(elapsedMs: number): void {
    const [downloaded, uploaded] = [this.#side.downloaded(), this.#side.uploaded()]
    this.downloadRate = mean(this.downloadRate, downloaded - this.#lastDownloaded, elapsedMs)
    this.uploadRate = mean(this.uploadRate, uploaded - this.#lastUploaded, elapsedMs)
    this.#lastDownloaded = downloaded
    this.#lastUploaded = uploaded
  }

  #watch(now: number, elapsed: number): void {
    const { peerTimeoutMs, stallTimeoutMs } = this.#side
    if (!this.#side.isWanting()) {
      this.#wantingSince = undefined
      return
    }
    this.#wantingSince = Math.max(this.#wantingSince ?? now, this.#side.storedAt())
    if (!this.#side.hadPeer()) {
      this.#alone += elapsed
      if (peerTimeoutMs > 0 && this.#alone >= peerTimeoutMs) this.#side.onTimeout(this.#noPeers(peerTimeoutMs))
    } else if (stallTimeoutMs > 0 && now - this.#wantingSince >= stallTimeoutMs) {
      const reason = this.#side.reason() ?? 'nothing came'
      this.#side.onTimeout(
        new TorrentError('ERR_BT_STALLED', `no verified byte for ${stallTimeoutMs / 1000} s: ${reason}`)
      )
    }
  }

  #tellReason(now: number): void {
    const reason = this.#side.reason()
    const delivered = this.#side.delivered()
    const isMoving = delivered !== this.#lastDelivered
    this.#lastDelivered = delivered
    this.#idleSince =
      reason === undefined ? undefined : isMoving ? now : Math.max(this.#idleSince ?? now, this.#side.storedAt())
    const idleMs = this.#idleSince === undefined ? 0 : now - this.#idleSince
    const shownAfterMs = this.#side.isReaderWaiting() ? READER_WAITING_MS : WAITING_AFTER_MS
    this.waiting = idleMs >= shownAfterMs ? reason : undefined
    const due = idleMs >= WAITING_AFTER_MS ? reason : undefined
    const isNews = due !== this.#told
    this.#told = due
    if (isNews && due !== undefined) this.#side.onWaiting(due)
  }

  #noPeers(timeoutMs: number): TorrentError {
    return new TorrentError(
      'ERR_BT_NO_PEERS',
      `no peer connected within ${timeoutMs / 1000} s (${this.#side.sources()})`
    )
  }
}

/** A moving mean, bytes per second; what has all but died away is nothing. */
function mean(rate: number, bytes: number, elapsedMs: number): number {
  const now = (bytes * 1000) / Math.max(elapsedMs, 1)
  const next = rate + (now - rate) * Math.min(1, elapsedMs / RATE_WINDOW_MS)
  return bytes === 0 && next < NOTHING ? 0 : next
}
