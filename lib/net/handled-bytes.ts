/** How far the messages in what a socket read have been handled, so that its memory can be written over. */
import type { Socket } from 'node:net'
import type { Duplex, Writable } from 'node:stream'
import type { ReceiveBuffers } from '../transport/receive-buffers.js'

/** What stands between a socket and the end of its pipeline, and holds bytes of its own. */
export interface HoldingStage extends Duplex {
  /** Bytes held until their message is whole. */
  readonly bufferedBytes?: number
}

/** Messages hold views of what was read: none does while nothing waits on the way, but for the start of the next one. */
export function followHandled(
  buffers: ReceiveBuffers,
  socket: Socket,
  stages: readonly HoldingStage[],
  end: Writable
): void {
  let handled = 0
  buffers.handledBytes = () => {
    let waiting = socket.readableLength + end.writableLength
    let incomplete = 0
    for (const { writableLength, readableLength, bufferedBytes = 0 } of stages) {
      waiting += writableLength + readableLength
      incomplete += bufferedBytes
    }
    if (waiting === 0) handled = buffers.receivedBytes - incomplete
    return handled
  }
}
