/** Requests in flight at one peer: how many there should be, which there are, when each is expected. Sends nothing and picks nothing. */
import { BLOCK_LENGTH, MAX_REQUESTS_SENT } from '../limits.js'
import { DeliveryModel, type RateMark } from './delivery-model.js'

/** A block on its way. `piece` is whatever the caller keeps about its piece. */
export interface SentRequest<Piece> {
  readonly piece: Piece
  readonly block: number
  readonly length: number
  readonly mark: RateMark
  /** When the block was expected when it was asked for. */
  readonly expectedAt: number
}

/** Requests that wait at the peer beyond the round trip: enough to notice that it can send faster, little enough for a new urgent block. */
const STANDING_QUEUE_MS = 250
/** A peer that is silent this long past the expected arrival is asked for one block at a time until it answers. */
export const SNUB_AFTER_MS = 1000

export class RequestPipeline<Piece> {
  readonly model: DeliveryModel
  /** Answered nothing for too long: see `SNUB_AFTER_MS`. */
  isSnubbed = false
  readonly #sent = new Map<number, SentRequest<Piece>>()
  readonly #maxDepth: number
  #slowStartDepth: number
  #bytes = 0
  #lastExpectedAt = 0
  #isHeld = false

  /** `initialDepth`: blocks asked for before anything is known; `maxDepth`: the most the peer queues (`reqq`, BEP 10). */
  constructor(model: DeliveryModel, initialDepth: number, maxDepth = MAX_REQUESTS_SENT) {
    this.model = model
    this.#slowStartDepth = initialDepth
    this.#maxDepth = maxDepth
  }

  /** Blocks in flight. */
  get size(): number {
    return this.#sent.size
  }

  /** Bytes in flight. */
  get bytes(): number {
    return this.#bytes
  }

  /** Oldest first. */
  requests(): IterableIterator<SentRequest<Piece>> {
    return this.#sent.values()
  }

  /** Blocks that should be in flight: slow start, then rate × (round trip + a little), never more than the peer queues. */
  get depth(): number {
    if (this.isSnubbed) return 1
    const { rate, roundTripMs, isSettled, isMeasured } = this.model
    const steady = Math.ceil((rate * (roundTripMs + STANDING_QUEUE_MS)) / 1000 / BLOCK_LENGTH)
    const wanted = isSettled
      ? steady
      : isMeasured
        ? Math.min(this.#slowStartDepth, 4 * steady + 4)
        : this.#slowStartDepth
    return Math.max(1, Math.min(wanted, this.#maxDepth))
  }

  get room(): number {
    return Math.max(0, this.depth - this.#sent.size)
  }

  /** How many milliseconds from now the next request would be answered: the queue ahead, or the round trip if that is longer. */
  etaMs(now: number): number {
    return Math.max(this.model.roundTripMs, this.#lastExpectedAt - now + this.model.transmitMs()) + this.#silenceMs(now)
  }

  /** When a request in flight is expected as things look now, behind those before it; a silence makes it later, as long again as it has lasted. */
  expectedAt(key: number, now: number): number {
    let ahead = 0
    for (const [other, request] of this.#sent) {
      ahead += request.length
      if (other !== key) continue
      const byQueue = this.model.isMeasured ? this.model.deliveredAt + this.model.transmitMs(ahead) : 0
      return Math.max(request.expectedAt, byQueue, now) + this.#silenceMs(now)
    }
    return now
  }

  /** We do not read from the peer: its silence is ours. */
  hold(): void {
    this.#isHeld = true
  }

  /** We read again: what it owes us is counted from now. */
  resume(now: number): void {
    this.#isHeld = false
    this.model.deliveredAt = now
    this.#lastExpectedAt = now + this.model.roundTripMs + this.model.transmitMs(this.#bytes)
  }

  has(key: number): boolean {
    return this.#sent.has(key)
  }

  add(key: number, piece: Piece, block: number, length: number, now: number): SentRequest<Piece> {
    const isIdle = this.#sent.size === 0
    const { model } = this
    const expectedAt = Math.max(
      now + model.roundTripMs,
      (isIdle ? now : this.#lastExpectedAt) + model.transmitMs(length)
    )
    const mark = model.mark(now, isIdle, this.#sent.size + 1 < this.depth)
    const request: SentRequest<Piece> = { piece, block, length, mark, expectedAt }
    this.#sent.set(key, request)
    this.#bytes += length
    this.#lastExpectedAt = expectedAt
    return request
  }

  /** The block came: learns from it. `undefined` when it was not in flight here. */
  onBlock(key: number, length: number, now: number): SentRequest<Piece> | undefined {
    const request = this.remove(key)
    if (!request) return undefined
    this.model.onBlock(now, length, request.mark, request.expectedAt)
    this.isSnubbed = false
    if (!this.model.isSettled) this.#slowStartDepth = Math.min(this.#slowStartDepth + 1, this.#maxDepth)
    // What is left will come as fast as the peer is now known to send.
    this.#lastExpectedAt = now + this.model.transmitMs(this.#bytes)
    return request
  }

  /** Forgets a request (cancelled, choked, given up). */
  remove(key: number): SentRequest<Piece> | undefined {
    const request = this.#sent.get(key)
    if (!request) return undefined
    this.#sent.delete(key)
    this.#bytes -= request.length
    if (this.#sent.size === 0) this.#lastExpectedAt = 0
    return request
  }

  /** Forgets all and returns them, oldest first. */
  clear(): [key: number, request: SentRequest<Piece>][] {
    const all = [...this.#sent]
    this.#sent.clear()
    this.#bytes = 0
    this.#lastExpectedAt = 0
    return all
  }

  /** Milliseconds past the expected arrival of the oldest request without any block. */
  #silenceMs(now: number): number {
    return Math.max(0, -this.#dueInMs(now))
  }

  /** Milliseconds until the next block is due; negative when it is late. */
  #dueInMs(now: number): number {
    const oldest = this.#isHeld ? undefined : this.#oldest()
    if (!oldest) return 0
    return Math.max(oldest.expectedAt, this.model.deliveredAt + this.model.transmitMs(oldest.length)) - now
  }

  /** True when the peer owes us a block for longer than the snub limit. */
  isSilent(now: number): boolean {
    return this.#silenceMs(now) > SNUB_AFTER_MS
  }

  /** When it will have been silent too long if nothing comes. */
  silentAt(now: number): number {
    return now + SNUB_AFTER_MS + this.#dueInMs(now)
  }

  #oldest(): SentRequest<Piece> | undefined {
    for (const request of this.#sent.values()) return request
    return undefined
  }
}
