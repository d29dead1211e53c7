/** Waits until a socket has taken what was written to it, or is gone. */
import type { Socket } from 'node:net'

export function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    if (socket.destroyed || !socket.writableNeedDrain) resolve()
    else socket.on('drain', done).on('close', done)
  })
}
