/** What is said to one peer: within one turn of the loop it leaves in one packet. Knows how long the socket has taken nothing; not what is said. */
import type { Socket } from 'node:net'
import type { Clock } from '../clock.js'
import { MAX_UPLOAD_BUFFERED } from '../limits.js'
import { drained } from './socket-drain.js'

export class Outbox {
  /** When something was last written. */
  wroteAt: number
  readonly #socket: Socket
  readonly #clock: Clock
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isFlushPlanned = false
  /** When the socket last took something of what waits for it, and how much it had taken then. */
  #drainedAt: number
  #drained = 0

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    this.wroteAt = this.#drainedAt = clock.now()
  }

  send(bytes: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    process.nextTick(() => {
      this.#isFlushPlanned = false
      this.#flush()
    })
  }

  /** A promise while much waits in the socket. */
  whenWritable(): Promise<void> | undefined {
    if (this.#socket.writableLength + this.#waitingBytes < MAX_UPLOAD_BUFFERED) return undefined
    this.#flush()
    return drained(this.#socket)
  }

  /**
   * For how long the socket has taken nothing of what waits for it, ms; to be called now and then. A peer that takes a little is slow,
   * not stuck: an upload in full swing never finds its socket empty.
   */
  stuckMs(now: number): number {
    const waiting = this.#socket.writableLength
    const drainedBytes = this.#socket.bytesWritten - waiting
    if (waiting === 0 || drainedBytes !== this.#drained) this.#drainedAt = now
    this.#drained = drainedBytes
    return now - this.#drainedAt
  }

  #flush(): void {
    const [first, ...more] = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    if (!first || this.#socket.destroyed) return
    this.wroteAt = this.#clock.now()
    this.#socket.write(more.length > 0 ? Buffer.concat([first, ...more]) : first)
  }
}
