/** A clock whose timers go off when the test says so. */
import type { Clock, Timer } from '../../lib/clock.js'

export class ManualClock implements Clock {
  #now = 0
  #timers = new Map<number, { callback: () => void; atMs: number }>()
  #next = 1

  now(): number {
    return this.#now
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    this.#timers.set(this.#next, { callback, atMs: this.#now + delayMs })
    return this.#next++
  }

  clearTimer(timer: Timer): void {
    this.#timers.delete(Number(timer))
  }

  get pending(): number {
    return this.#timers.size
  }

  /** Lets time pass and calls what fell due. */
  advance(ms: number): void {
    this.#now += ms
    for (const [id, { callback, atMs }] of [...this.#timers]) {
      if (atMs > this.#now || !this.#timers.delete(id)) continue
      callback()
    }
  }
}
