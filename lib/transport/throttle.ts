/** Lets bytes pass at a limited rate, whoever asked first goes first. Holds nothing but callbacks: who waits holds its own bytes. */
import type { Clock, Timer } from '../clock.js'
import { RateLimit } from '../policy/rate-limit.js'

interface Waiter {
  readonly bytes: number
  readonly isWanted: () => boolean
  readonly resolve: (isCounted: boolean) => void
}

const always = (): boolean => true

export class Throttle {
  readonly #clock: Clock
  readonly #limit: RateLimit
  #waiting: Waiter[] = []
  #timer: { readonly handle: Timer } | undefined

  /** `rate`: bytes a second; undefined or 0: no limit. */
  constructor(clock: Clock, rate?: number) {
    this.#clock = clock
    this.#limit = new RateLimit(rate)
  }

  get rate(): number | undefined {
    return this.#limit.rate
  }

  set rate(rate: number | undefined) {
    this.#limit.setRate(rate, this.#clock.now())
    this.#goOn()
  }

  /** Undefined: the bytes may pass, and are counted. Else a promise of whether they were: who is not wanted any more when its turn comes is let go, and not counted. */
  pass(bytes: number, isWanted: () => boolean = always): Promise<boolean> | undefined {
    if (this.#waiting.length === 0) {
      const waitMs = this.#limit.take(bytes, this.#clock.now())
      if (waitMs === 0) return undefined
      this.#sleep(waitMs)
    }
    return new Promise(resolve => {
      this.#waiting.push({ bytes, isWanted, resolve })
    })
  }

  /** Counts bytes that passed beside those that asked; negative: they were counted, and did not pass. */
  charge(bytes: number): void {
    this.#limit.charge(bytes)
    if (bytes < 0 && this.#waiting.length > 0) this.#goOn()
  }

  #goOn(): void {
    this.#wake()
    const now = this.#clock.now()
    for (let [first] = this.#waiting; first; [first] = this.#waiting) {
      const isWanted = first.isWanted()
      const waitMs = isWanted ? this.#limit.take(first.bytes, now) : 0
      if (waitMs > 0) {
        this.#sleep(waitMs)
        return
      }
      this.#waiting.shift()
      first.resolve(isWanted)
    }
  }

  #sleep(waitMs: number): void {
    this.#timer ??= { handle: this.#clock.setTimer(() => this.#goOn(), Math.ceil(waitMs)) }
  }

  #wake(): void {
    if (this.#timer) this.#clock.clearTimer(this.#timer.handle)
    this.#timer = undefined
  }
}
