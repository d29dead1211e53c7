/** How long a peer may take for its handshake, and be silent before it: told once when it is too long. */
import type { Clock, Timer } from '../clock.js'

export interface HandshakeTimes {
  /** For all of it, ms. */
  readonly handshakeMs: number
  /** Of it, without a single byte, ms. */
  readonly silenceMs: number
}

export class HandshakeTimer {
  readonly #clock: Clock
  #timer: Timer

  constructor(clock: Clock, { handshakeMs, silenceMs }: HandshakeTimes, isSilent: () => boolean, onLate: () => void) {
    this.#clock = clock
    const onPatienceEnd = (): void => {
      const leftMs = handshakeMs - silenceMs
      if (isSilent() || leftMs <= 0) onLate()
      else this.#timer = clock.setTimer(onLate, leftMs)
    }
    this.#timer = clock.setTimer(onPatienceEnd, silenceMs)
  }

  /** The handshake is done, or no longer waited for. */
  stop(): void {
    this.#clock.clearTimer(this.#timer)
  }
}
