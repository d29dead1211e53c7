/** A token bucket: how many bytes may pass a second. A block passes whole and is paid for afterwards. Waits for nobody; time is an argument. */
import { RATE_BURST_MS } from '../limits.js'

export class RateLimit {
  #rate: number | undefined
  /** Bytes that may pass now; negative while what passed is being paid for. */
  #tokens = 0
  #at: number | undefined

  /** Bytes a second; undefined or 0: no limit. */
  constructor(rate?: number) {
    this.#rate = rate === 0 ? undefined : rate
  }

  get rate(): number | undefined {
    return this.#rate
  }

  /** What was saved up or is owed counts at the new rate. */
  setRate(rate: number | undefined, now: number): void {
    this.#earn(now)
    const before = this.#rate
    this.#rate = rate === 0 ? undefined : rate
    if (this.#rate === undefined) this.#tokens = 0
    else if (before !== undefined && this.#tokens < 0) this.#tokens *= this.#rate / before
  }

  /** 0: the bytes may pass, and are counted. Else the milliseconds after which to ask again. */
  take(bytes: number, now: number): number {
    if (this.#rate === undefined) return 0
    this.#earn(now)
    // Less than a byte is no debt: waits that small would not move the clock.
    if (this.#tokens <= -1) return (-this.#tokens / this.#rate) * 1000
    this.#tokens -= bytes
    return 0
  }

  /** Counts bytes that passed without asking; negative ones were counted, and did not pass. */
  charge(bytes: number): void {
    if (this.#rate !== undefined) this.#tokens -= bytes
  }

  #earn(now: number): void {
    const elapsedMs = Math.max(0, now - (this.#at ?? now))
    this.#at = now
    if (this.#rate === undefined) return
    this.#tokens = Math.min((this.#rate * RATE_BURST_MS) / 1000, this.#tokens + (this.#rate * elapsedMs) / 1000)
  }
}
