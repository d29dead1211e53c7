/** Counts one peer's messages that change nothing: a few are normal, many are a way to keep us busy. Does not know what a message is. */
import { ProtocolError } from '../errors.js'
import { IDLE_MESSAGES_MS, MAX_IDLE_MESSAGES } from '../limits.js'

export class IdleMessages {
  #count = 0
  #since: number

  /** `now`: ms, of the clock that later calls use. */
  constructor(now: number) {
    this.#since = now
  }

  /** Counts `weight` messages. Throws a `ProtocolError` with `ERR_BT_FLOOD` when they are too many within their time. */
  count(now: number, weight = 1): void {
    if (now - this.#since > IDLE_MESSAGES_MS) {
      this.#since = now
      this.#count = 0
    }
    this.#count += weight
    if (this.#count > MAX_IDLE_MESSAGES) throw new ProtocolError('ERR_BT_FLOOD', 'a flood of empty messages')
  }
}
