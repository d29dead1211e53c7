/** Time as an argument: deciders take `now`, shells take a `Clock`, tests give a virtual one. */

/** A handle of a pending timer, to be given back to `clearTimer`. */
export type Timer = unknown

export interface Clock {
  /** Milliseconds on a steady clock; never jumps with the wall clock. */
  now(): number
  /** Calls once after `delayMs`. The timer never keeps the process alive on its own. */
  setTimer(callback: () => void, delayMs: number): Timer
  clearTimer(timer: Timer): void
}

/** The machine's steady clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimer: timer => clearTimeout(timer as NodeJS.Timeout)
}
