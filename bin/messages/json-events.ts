/** Events as NDJSON: a line is one JSON object, for programs. */
import type { ErrorOutput } from './error-output.js'
import { SCHEMA_VERSION, weightOf, type Event } from './events.js'
import type { Voice } from './voice.js'

export class JsonEvents implements Voice {
  readonly progressEveryMs = 1000
  readonly #output: ErrorOutput
  /** Events left out while nobody read standard error. */
  #dropped = 0

  constructor(output: ErrorOutput) {
    this.#output = output
  }

  say(event: Event): void {
    const dropped = this.#dropped > 0 ? { dropped: this.#dropped } : {}
    const line = JSON.stringify({ v: SCHEMA_VERSION, ...event, ...dropped })
    const isWritten = this.#output.write(`${line}\n`, weightOf(event) === 'always')
    this.#dropped = isWritten ? 0 : this.#dropped + 1
  }

  end(): void {
    // Every event was a whole line.
  }
}
