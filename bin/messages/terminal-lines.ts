/** Events on a terminal: lines of text with one line of progress below them, drawn over and wiped at the end. */
import { progressLine } from '../progress.js'
import type { ErrorOutput } from './error-output.js'
import type { Event } from './events.js'
import type { Voice } from './voice.js'
import { PlainLines } from './plain-lines.js'
import { printable } from './printable.js'
import { sentenceOf } from './sentences.js'

const DEFAULT_COLUMNS = 80
/** After these no progress is worth a line. */
const LAST: ReadonlySet<Event['event']> = new Set(['done', 'created', 'file', 'interrupted', 'error', 'end'])
/** Told often: drawn where progress is. */
const MOVING: ReadonlySet<Event['event']> = new Set(['checking', 'hashing'])
/** To the start of the line, wiped to its end. */
const WIPE = '\r\u001b[K'

export class TerminalLines implements Voice {
  readonly progressEveryMs = 500
  readonly #output: ErrorOutput
  readonly #lines: PlainLines
  readonly #columns: () => number
  #drawn = ''

  /** `columns`: the width now; 0 or NaN when the terminal does not tell. */
  constructor(output: ErrorOutput, columns: () => number) {
    this.#output = output
    this.#lines = new PlainLines(output)
    this.#columns = columns
  }

  say(event: Event): void {
    if (event.event === 'progress') {
      this.#draw(progressLine(event, this.#columns() || DEFAULT_COLUMNS))
      return
    }
    if (event.event === 'checking' && event.checked >= event.total) {
      this.end()
      return
    }
    if (MOVING.has(event.event)) {
      this.#draw(printable(sentenceOf(event) ?? '').slice(0, Math.max(0, (this.#columns() || DEFAULT_COLUMNS) - 1)))
      return
    }
    const drawn = this.#drawn
    this.end()
    this.#lines.say(event)
    if (!LAST.has(event.event)) this.#draw(drawn)
  }

  end(): void {
    if (this.#drawn !== '') this.#output.write(WIPE, true)
    this.#drawn = ''
  }

  #draw(line: string): void {
    if (line !== '') this.#output.write(WIPE + line)
    this.#drawn = line
  }
}
