/**
 * One answer at a time for each connection. Node hands over all requests that a client sent ahead; each would open a window of its own,
 * with memory of its own, while the first is still being served.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HTTP_MAX_WAITING_REQUESTS } from '../limits.js'

interface Line {
  waiting: number
  last: Promise<void>
}

export class Turns {
  readonly #lines = new WeakMap<Socket, Line>()

  /** Resolves when the answers before this one are over: true when it is its turn, false when its connection is gone. */
  async wait(socket: Socket, response: ServerResponse): Promise<boolean> {
    const line = this.#lines.get(socket) ?? { waiting: 0, last: Promise.resolve() }
    this.#lines.set(socket, line)
    if (line.waiting >= HTTP_MAX_WAITING_REQUESTS) socket.destroy()
    const before = line.last
    line.last = Promise.all([before, isOver(socket, response)]).then(() => undefined)
    line.waiting++
    await before
    line.waiting--
    return !socket.destroyed
  }
}

/** An answer that has not had its turn does not hear of the end of its connection. */
function isOver(socket: Socket, response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      socket.off('close', end)
      response.off('close', end)
      resolve()
    }
    socket.on('close', end)
    response.on('close', end)
  })
}
