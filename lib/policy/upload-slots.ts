/** How many peers are served at once: as many as get a good rate each, and more as long as more of them take more. Chooses nobody. */
import { MAX_UNCHOKED, MIN_UPLOAD_SLOTS } from '../limits.js'

/** Bytes a second from which on a slot is served well enough for another one beside it… */
const GOOD_RATE = 64 * 1024
/** …and below which there are too many of them. */
const POOR_RATE = 4 * 1024
/** Slots are added by a quarter; that paid when the rate rose by half of what as many more would bring. */
const GROWTH = 0.25
const PAYING_SHARE = 0.5
/** After a try that did not pay, ms. */
const REST_MS = 60_000

interface Trial {
  readonly count: number
  readonly rate: number
}

export class UploadSlots {
  #count = MIN_UPLOAD_SLOTS
  /** How things stood before slots were added. */
  #trial: Trial | undefined
  #restUntil = 0

  get count(): number {
    return this.#count
  }

  /** Opens what a fast line bears at once. `rate`: bytes a second that all peers take. */
  onRate(rate: number): void {
    this.#count = Math.max(this.#count, within(rate / GOOD_RATE))
  }

  /** Once a round. `isCrowded`: more peers are interested than there are slots. */
  onRound(rate: number, isCrowded: boolean, now: number): void {
    if (isCrowded) this.#explore(rate, now)
    else this.#trial = undefined
    if (rate < this.#count * POOR_RATE && !this.#trial) this.#count = within(this.#count * (1 - GROWTH))
    this.onRate(rate)
  }

  #explore(rate: number, now: number): void {
    const trial = this.#trial
    this.#trial = undefined
    if (trial) {
      const added = (this.#count - trial.count) / trial.count
      if (rate < trial.rate * (1 + PAYING_SHARE * added)) {
        this.#count = trial.count
        this.#restUntil = now + REST_MS
      }
    }
    if (now < this.#restUntil || rate === 0 || this.#count === MAX_UNCHOKED) return
    this.#trial = { count: this.#count, rate }
    this.#count = within(this.#count * (1 + GROWTH))
  }
}

function within(count: number): number {
  return Math.max(MIN_UPLOAD_SLOTS, Math.min(Math.floor(count), MAX_UNCHOKED))
}
