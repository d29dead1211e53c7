/** How fast one peer delivers: rate, round trip and their deviation, learnt from the blocks it sends. Decides nothing. */
import { BLOCK_LENGTH } from '../limits.js'

/** What is assumed of a peer that has sent nothing yet. */
export const UNKNOWN_RATE = 256 * 1024
const UNKNOWN_ROUND_TRIP_MS = 60

/** Noted when a request leaves, so that its arrival tells a rate: bytes delivered until then, and when the last of them came. */
export interface RateMark {
  readonly sentAt: number
  readonly delivered: number
  readonly deliveredAt: number
  /** The request left while the pipeline had room to spare: a low rate says nothing about the peer. */
  readonly isLimitedByUs: boolean
  /** The block was asked for before and taken back: it may be the first request's answer that comes, which tells no time. */
  readonly isRepeated: boolean
}

/** Requests that wait at the peer beyond the round trip: enough to notice that it can send faster, little enough for a new urgent block. */
export const STANDING_QUEUE_MS = 100
/** Growth of the rate by which a round of slow start counts as a gain. */
const GAIN = 1.25
/** Until the rate stops growing it is a lower bound, set by how little we asked for: what is asked for now comes about so much faster. */
const UNSETTLED_GAIN = 3
/** Rounds without a gain that end slow start. */
const ROUNDS_WITHOUT_GAIN = 2
/** The shortest round trip is forgotten after this long, so that a route that grew longer is learnt. */
const ROUND_TRIP_WINDOW_MS = 10_000

export class DeliveryModel {
  /** Bytes per second, or the assumption. */
  rate = UNKNOWN_RATE
  /** Shortest time between a request and its block lately, milliseconds. */
  roundTripMs: number
  /** Mean difference between when blocks were expected and when they came, milliseconds. */
  deviationMs = 50
  /** False until the rate stops growing with the number of requests in flight. */
  isSettled = false
  delivered = 0
  deliveredAt: number
  #hasSample = false
  #roundTripSeenAt: number
  #roundEndsAt = 0
  #roundRate = 0
  #flatRounds = 0

  /** `connectMs`: how long the connection took to open, the first hint of the round trip. */
  constructor(now: number, connectMs = 0) {
    this.deliveredAt = now
    this.#roundTripSeenAt = now
    this.roundTripMs = Math.max(connectMs, UNKNOWN_ROUND_TRIP_MS)
  }

  /** True once a block has come. */
  get isMeasured(): boolean {
    return this.#hasSample
  }

  mark(now: number, isIdle: boolean, isLimitedByUs: boolean, isRepeated = false): RateMark {
    if (isIdle) this.deliveredAt = now
    return { sentAt: now, delivered: this.delivered, deliveredAt: this.deliveredAt, isLimitedByUs, isRepeated }
  }

  /** A block of `length` bytes came for a request with this mark; `expectedAt` is when it was expected. */
  onBlock(now: number, length: number, mark: RateMark, expectedAt: number): void {
    this.delivered += length
    this.deliveredAt = now
    this.deviationMs += (Math.abs(now - expectedAt) - this.deviationMs) / 8
    if (!mark.isRepeated || !this.#hasSample) this.#learnRoundTrip(now, now - mark.sentAt, mark.isLimitedByUs)
    // Delivery rate: what came between the sending of this request and its answer, over that time.
    const elapsedMs = Math.max(1, now - mark.deliveredAt)
    const sample = ((this.delivered - mark.delivered) * 1000) / elapsedMs
    if (!this.#hasSample) this.rate = sample
    else if (sample > this.rate) this.rate += (sample - this.rate) / 2
    else if (!mark.isLimitedByUs) this.rate += (sample - this.rate) / 8
    this.#hasSample = true
    if (!this.isSettled) this.#endRound(mark)
  }

  /** Nothing came for a request in this time: its block takes longer than was thought. */
  onNothing(waitedMs: number): void {
    if (waitedMs > this.roundTripMs) this.roundTripMs = waitedMs
  }

  /** Milliseconds that `length` bytes take once the peer sends them. */
  transmitMs(length = BLOCK_LENGTH): number {
    const gain = this.isSettled || !this.isMeasured ? 1 : UNSETTLED_GAIN
    return (length * 1000) / Math.max(this.rate * gain, 1)
  }

  #learnRoundTrip(now: number, sampleMs: number, isLimitedByUs: boolean): void {
    if (this.#hasSample && sampleMs > this.roundTripMs && now - this.#roundTripSeenAt < ROUND_TRIP_WINDOW_MS) return
    // A longer sample of a full pipeline holds our own standing queue: with it the round trip would grow at every look.
    const hasQueue = this.#hasSample && sampleMs > this.roundTripMs && !isLimitedByUs
    this.roundTripMs = hasQueue ? Math.max(this.roundTripMs, sampleMs - STANDING_QUEUE_MS) : sampleMs
    this.#roundTripSeenAt = now
  }

  /** A round ends with the first block that was asked for after the round began. */
  #endRound(mark: RateMark): void {
    if (mark.delivered < this.#roundEndsAt) return
    this.#roundEndsAt = this.delivered
    if (mark.isLimitedByUs) return
    this.#flatRounds = this.rate < this.#roundRate * GAIN ? this.#flatRounds + 1 : 0
    this.#roundRate = Math.max(this.#roundRate, this.rate)
    this.isSettled = this.#flatRounds >= ROUNDS_WITHOUT_GAIN
  }
}
