/** What we say to one peer on its way into the socket: one packet for each turn of the loop, encrypted if that is agreed. Knows no message. */
import type { Socket } from 'node:net'
import type { Clock } from '../clock.js'
import { MAX_ANSWERS_BUFFERED, MAX_UPLOAD_BUFFERED } from '../limits.js'
import { drained } from './socket-drain.js'

/** What turns bytes into those that go over the wire. */
export interface Cipher {
  /** In memory of their own. */
  apply(bytes: Buffer): Buffer
  /** Where they lie. */
  applyInPlace(bytes: Buffer): void
}

export class Outbox {
  /** When something was last written. */
  wroteAt: number
  /** How long the socket took to take what was lent last, ms; for ever before there was anything. */
  lentTookMs = Number.POSITIVE_INFINITY
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #cipher: () => Cipher | undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isFlushPlanned = false
  /** When the socket last took something of what waits for it, and how much it had taken then. */
  #drainedAt: number
  #drained = 0

  /** `cipher`: what encrypts, as soon as that is agreed. */
  constructor(socket: Socket, clock: Clock, cipher: () => Cipher | undefined) {
    this.#socket = socket
    this.#clock = clock
    this.#cipher = cipher
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
    const bytes = more.length > 0 ? Buffer.concat([first, ...more]) : first
    this.#socket.write(this.#cipher()?.apply(bytes) ?? bytes)
  }

  /** Bytes that are lent until `onSent` is called, when the socket has taken them or failed: encrypted where they lie, if that is agreed. */
  sendLent(bytes: Buffer, onSent: (error?: Error | null) => void): void {
    this.#cipher()?.applyInPlace(bytes)
    const lentAt = this.#clock.now()
    this.#socket.write(bytes, error => {
      this.lentTookMs = this.#clock.now() - lentAt
      onSent(error)
    })
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
