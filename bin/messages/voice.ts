/** What each way of telling events has to offer. */
import type { Event } from './events.js'

export interface Voice {
  /** Milliseconds between two progress events that are worth telling. */
  readonly progressEveryMs: number
  say(event: Event): void
  /** Nothing half-drawn is left. */
  end(): void
}
