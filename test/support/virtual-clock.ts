/** Time that passes only when a test says so. */
import type { Clock, Timer } from '../../lib/clock.js'

interface PendingTimer {
  readonly dueMs: number
  readonly callback: () => void
}

export class VirtualClock implements Clock {
  readonly #timers = new Set<PendingTimer>()
  #nowMs = 0

  now(): number {
    return this.#nowMs
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimer(timer: Timer): void {
    this.#timers.delete(timer as PendingTimer)
  }

  /** Timers that are set: 0 when everything was cleaned up. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  /** Lets `ms` pass, calling each timer at its time; what they set off is settled before the next one. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settled()
    for (;;) {
      const next = this.#earliest()
      if (!next || next.dueMs > endMs) break
      this.#timers.delete(next)
      this.#nowMs = next.dueMs
      next.callback()
      await settled()
    }
    this.#nowMs = endMs
  }

  #earliest(): PendingTimer | undefined {
    let earliest: PendingTimer | undefined
    for (const timer of this.#timers) {
      if (!earliest || timer.dueMs < earliest.dueMs) earliest = timer
    }
    return earliest
  }
}

/** Resolves when the promises that were ready, and those that they led to, have been handled. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
