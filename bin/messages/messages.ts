/** Where events go: chosen once from the options and from what standard error is. */
import type { SharedOptions } from '../options.js'
import { ErrorOutput } from './error-output.js'
import { weightOf, type Event } from './events.js'
import { JsonEvents } from './json-events.js'
import { PlainLines } from './plain-lines.js'
import { TerminalLines } from './terminal-lines.js'
import type { Voice } from './voice.js'

export class Messages {
  readonly progressEveryMs: number
  readonly isVerbose: boolean
  readonly #voice: Voice
  readonly #isQuiet: boolean
  #isOver = false

  constructor(voice: Voice, { quiet = false, verbose = false }: Pick<SharedOptions, 'quiet' | 'verbose'>) {
    this.#voice = voice
    this.#isQuiet = quiet
    this.isVerbose = verbose
    this.progressEveryMs = quiet ? Infinity : voice.progressEveryMs
  }

  /** Nothing is said after the event `end`. */
  say(event: Event): void {
    if (this.#isOver) return
    this.#isOver = event.event === 'end'
    const weight = weightOf(event)
    if (weight === 'always' || (!this.#isQuiet && (weight === 'usual' || this.isVerbose))) this.#voice.say(event)
  }

  end(): void {
    this.#voice.end()
  }
}

/** `isShared`: payload goes to the same terminal, where a moving line would disturb it. */
export function messagesFor(options: SharedOptions, isShared: boolean): Messages {
  const { stderr, env } = process
  const output = new ErrorOutput(stderr)
  if (options.json) return new Messages(new JsonEvents(output), options)
  const canDraw = stderr.isTTY && !isShared && env['TERM'] !== 'dumb'
  return new Messages(canDraw ? new TerminalLines(output, () => stderr.columns) : new PlainLines(output), options)
}
