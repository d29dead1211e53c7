/** What we say to one peer on its way into the socket: one packet for each turn of the loop, encrypted if that is agreed. Knows no message. */
import type { Socket } from 'node:net'
import type { Clock } from '../clock.js'
import { MAX_ANSWERS_BUFFERED, MAX_UPLOAD_BUFFERED } from '../limits.js'
import { drained } from './socket-drain.js'

/** Bytes as they go over the wire: the same, or others in memory of their own. */
export type Encrypt = (bytes: Buffer) => Buffer

export interface LentBytes {
  readonly head: Buffer
  readonly lent: Buffer
  /** The socket has taken both, or failed. */
  readonly onSent: (error?: Error | null) => void
}

export class Outbox {
  /** When something was last written. */
  wroteAt: number
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #encrypt: Encrypt
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isFlushPlanned = false
  /** When the socket last took something of what waits for it, and how much it had taken then. */
  #drainedAt: number
  #drained = 0

  constructor(socket: Socket, clock: Clock, encrypt: Encrypt) {
    this.#socket = socket
    this.#clock = clock
    this.#encrypt = encrypt
    this.wroteAt = this.#drainedAt = clock.now()
  }

  /** Bytes that the socket has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket.writableLength + this.#waitingBytes
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
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

  #flush(): void {
    const [first, ...more] = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    if (!first || this.#socket.destroyed) return
    this.wroteAt = this.#clock.now()
    this.#socket.write(this.#encrypt(more.length > 0 ? Buffer.concat([first, ...more]) : first))
  }

  /** Heads, each with what belongs behind it, in one packet as far as may be. What was lent is not touched once its `onSent` was called. */
  sendLent(all: readonly LentBytes[]): void {
    this.#socket.cork()
    for (const { head, lent, onSent } of all) {
      this.#socket.write(this.#encrypt(head))
      this.#socket.write(this.#encrypt(lent), onSent)
    }
    this.#socket.uncork()
  }

  /** A promise while much waits in the socket. */
  whenWritable(): Promise<void> | undefined {
    if (this.bufferedBytes < MAX_UPLOAD_BUFFERED) return undefined
    this.#flush()
    return this.drained()
  }

  /** A promise while more waits in the socket than uploads in full swing leave there: the peer asks, and does not listen. */
  whenAnswersTaken(): Promise<void> | undefined {
    if (this.bufferedBytes < MAX_ANSWERS_BUFFERED) return undefined
    this.#flush()
    return this.drained()
  }

  /** Resolves when the socket has taken what was written to it, or is gone. */
  drained(): Promise<void> {
    return drained(this.#socket)
  }

  /** Ends the connection: what we owe the peer cannot be had. */
  fail(error: Error): void {
    this.#socket.destroy(error)
  }

  /**
   * How long the socket has taken nothing of what waits for it, ms; to be asked about once a second. A peer that takes a little now and
   * then is slow, not stuck: an upload in full swing never finds its socket empty.
   */
  stuckMs(now: number): number {
    const waiting = this.#socket.writableLength
    const drained = this.#socket.bytesWritten - waiting
    if (waiting === 0 || drained !== this.#drained) this.#drainedAt = now
    this.#drained = drained
    return now - this.#drainedAt
  }
}
