/**
 * Live figures for pages (server-sent events, WHATWG HTML): made once for all listeners, and only while there are any. A listener that does not
 * take them in time is not waited for: it misses some, as each message is complete by itself.
 */
import type { ServerResponse } from 'node:http'
import { HTTP_EVENT_MS, HTTP_EVENT_SILENCE_MS, HTTP_LISTENER_STUCK_MS, HTTP_MAX_LISTENERS } from '../limits.js'

export class LiveEvents {
  readonly #figures: () => string
  readonly #everyMs: number
  /** When each was last up to date. */
  readonly #listeners = new Map<ServerResponse, number>()
  #timer: NodeJS.Timeout | undefined
  #last = ''
  #saidAt = 0

  /** `figures`: one line of text. */
  constructor(figures: () => string, everyMs = HTTP_EVENT_MS) {
    this.#figures = figures
    this.#everyMs = everyMs
  }

  /** Answers with events until the client leaves; false when too many listen. */
  add(response: ServerResponse): boolean {
    if (this.#listeners.size >= HTTP_MAX_LISTENERS) return false
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' })
    if (response.req.method === 'HEAD') {
      response.end()
      return true
    }
    const figures = this.#figures()
    if (this.#listeners.size === 0) {
      this.#last = figures
      this.#saidAt = performance.now()
    }
    this.#listeners.set(response, performance.now())
    response.once('close', () => {
      this.#listeners.delete(response)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
    response.write(message(figures))
    this.#timer ??= setInterval(() => this.#tell(), this.#everyMs)
    return true
  }

  #tell(): void {
    const now = performance.now()
    const figures = this.#figures()
    const isNews = figures !== this.#last
    if (isNews || now - this.#saidAt >= HTTP_EVENT_SILENCE_MS) this.#saidAt = now
    this.#last = figures
    for (const [response, upToDateAt] of this.#listeners) {
      if (response.writableLength === 0) {
        this.#listeners.set(response, now)
        // Also when nothing is new: it shows who has left.
        if (isNews || this.#saidAt === now) response.write(message(figures))
      } else if (now - upToDateAt >= HTTP_LISTENER_STUCK_MS) response.destroy()
    }
  }
}

function message(line: string): string {
  return `data: ${line}\n\n`
}
