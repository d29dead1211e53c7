/** Events as lines of text, for logs and for terminals that cannot draw. */
import type { ErrorOutput } from './error-output.js'
import { weightOf, type Event } from './events.js'
import type { Voice } from './voice.js'
import { printable } from './printable.js'
import { sentenceOf } from './sentences.js'

export class PlainLines implements Voice {
  readonly progressEveryMs: number = 10_000
  readonly #output: ErrorOutput

  constructor(output: ErrorOutput) {
    this.#output = output
  }

  say(event: Event): void {
    const lines = sentenceOf(event)?.split('\n') ?? []
    const prefix = event.event === 'note' ? '' : 'bt-stream: '
    const text = lines.map((line, index) => `${index === 0 ? prefix : ''}${printable(line)}\n`).join('')
    if (text !== '') this.#output.write(text, weightOf(event) === 'always')
  }

  end(): void {
    // Every sentence was a whole line.
  }
}
