/** Standard error as a place for lines: never a reason to fail, and bounded when nobody reads it. */
import type { Writable } from 'node:stream'

/** Bytes that may wait for a reader of standard error. Beyond them, lines that can be missed are. */
const MAX_WAITING_BYTES = 1_048_576

export class ErrorOutput {
  readonly #stream: Writable
  #isBroken = false

  constructor(stream: Writable) {
    this.#stream = stream
    // Whoever closed standard error does not want our words; the payload goes on.
    stream.on('error', () => {
      this.#isBroken = true
    })
  }

  /** True when the text was written or waits to be. `isVital`: also when much is waiting. */
  write(text: string, isVital = false): boolean {
    if (this.#isBroken || (!isVital && this.#stream.writableLength > MAX_WAITING_BYTES)) return false
    this.#stream.write(text)
    return true
  }
}
