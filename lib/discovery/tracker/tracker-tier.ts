/**
 * The trackers of one tier (BEP 12), of which one is used at a time. A round asks them in order until one answers: the next when
 * one fails, or, while it goes on trying, when it has been silent for 3 s. Who answers moves to the front.
 */
import type { Clock, Timer } from '../../clock.js'
import { TRACKER_PATIENCE_MS } from '../../limits.js'
import type { TrackedTracker } from './tracked-tracker.js'

export class TrackerTier {
  readonly #trackers: TrackedTracker[]
  readonly #clock: Clock
  /** True while a round goes on: nobody has answered yet. */
  #searching = false
  #newest: TrackedTracker | undefined
  #stopped = false
  /** Of the next step, whatever it is: there is never more than one. */
  #timer: Timer
  #dueAtMs = Infinity

  constructor(trackers: readonly TrackedTracker[], clock: Clock) {
    this.#trackers = [...trackers]
    this.#clock = clock
  }

  /** In the order in which they are asked. */
  get trackers(): readonly TrackedTracker[] {
    return this.#trackers
  }

  /** Begins a round now, unless one goes on. */
  announce(): void {
    if (this.#stopped || this.#searching) return
    this.#searching = true
    this.#askNext()
  }

  /** As soon as the tracker in use allows it; failing trackers keep their back-off. */
  announceSoon(): void {
    const [front] = this.#trackers
    if (this.#stopped || this.#searching || !front) return
    const atMs = Math.max(this.#clock.now(), front.earliestAtMs)
    if (atMs < this.#dueAtMs) this.#plan(front, atMs)
  }

  /** Tells all who still have to hear that the download is complete. */
  announceCompleted(): void {
    const [front] = this.#trackers
    if (front?.owesCompleted) this.announce()
    for (const tracker of this.#trackers) this.#tellCompleted(tracker)
  }

  /** Ends everything in flight and says `stopped` where it is due; takes at most 5 s. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#clearTimer()
    await Promise.all(this.#trackers.map(tracker => tracker.stop()))
  }

  #askNext(): void {
    this.#clearTimer()
    const nowMs = this.#clock.now()
    const next = this.#trackers.find(tracker => !tracker.busy && tracker.readyAtMs <= nowMs)
    if (!next) {
      this.#retryLater()
      return
    }
    this.#newest = next
    this.#setTimer(() => this.#askNext(), nowMs + TRACKER_PATIENCE_MS)
    void next.announce().then(answered => this.#onEnd(next, answered))
  }

  /** Everybody is being asked or failed lately: waits for the first whose back-off ends. */
  #retryLater(): void {
    const idle = this.#trackers.filter(tracker => !tracker.busy && tracker.readyAtMs < Infinity)
    const [first] = idle.sort((a, b) => a.readyAtMs - b.readyAtMs)
    if (!first) return
    first.plan(first.readyAtMs)
    this.#setTimer(() => this.#askNext(), first.readyAtMs)
  }

  #onEnd(tracker: TrackedTracker, answered: boolean): void {
    if (this.#stopped) return
    if (!this.#searching) {
      // Another one was faster; this one is only told what it has to know.
      if (answered) this.#tellCompleted(tracker)
      return
    }
    if (answered) this.#use(tracker)
    else if (tracker === this.#newest || !this.#newest?.busy) this.#askNext()
  }

  #use(tracker: TrackedTracker): void {
    this.#searching = false
    this.#trackers.splice(this.#trackers.indexOf(tracker), 1)
    this.#trackers.unshift(tracker)
    if (tracker.owesCompleted) this.announce()
    else this.#plan(tracker, tracker.dueAtMs)
  }

  #tellCompleted(tracker: TrackedTracker): void {
    if (tracker.busy || !tracker.owesCompleted || tracker.readyAtMs > this.#clock.now()) return
    void tracker.announce()
  }

  #plan(tracker: TrackedTracker, atMs: number): void {
    this.#setTimer(() => this.announce(), atMs)
    for (const each of this.#trackers) each.plan(each === tracker ? atMs : undefined)
  }

  #setTimer(step: () => void, atMs: number): void {
    this.#clearTimer()
    this.#dueAtMs = atMs
    this.#timer = this.#clock.setTimer(step, atMs - this.#clock.now())
  }

  #clearTimer(): void {
    this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#dueAtMs = Infinity
  }
}
