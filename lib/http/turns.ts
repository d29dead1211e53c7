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
  /** What ends the wait for each answer when the connection is gone: one listener for all, as Node warns at the eleventh. */
  readonly ends: Set<() => void>
}

export class Turns {
  readonly #lines = new WeakMap<Socket, Line>()

  /** Resolves when the answers before this one are over: true when it is its turn, false when its connection is gone. */
  async wait(socket: Socket, response: ServerResponse): Promise<boolean> {
    const line = this.#lines.get(socket) ?? this.#begin(socket)
    if (line.waiting >= HTTP_MAX_WAITING_REQUESTS) socket.destroy()
    const before = line.last
    line.last = Promise.all([before, isOver(line, response)]).then(() => undefined)
    line.waiting++
    await before
    line.waiting--
    return !socket.destroyed
  }

  #begin(socket: Socket): Line {
    const line: Line = { waiting: 0, last: Promise.resolve(), ends: new Set() }
    this.#lines.set(socket, line)
    socket.once('close', () => {
      for (const end of line.ends) end()
    })
    return line
  }
}

/** An answer that has not had its turn does not hear of the end of its connection. */
function isOver({ ends }: Line, response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      ends.delete(end)
      response.off('close', end)
      resolve()
    }
    ends.add(end)
    response.on('close', end)
  })
}
