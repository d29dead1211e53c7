/** Requests in flight at one peer: how many there should be, which there are, when each is expected. Sends nothing and picks nothing. */
import { BLOCK_LENGTH, MAX_REQUESTS_SENT } from '../limits.js'
import { DeliveryModel, STANDING_QUEUE_MS, type RateMark } from './delivery-model.js'

/** A block on its way. `piece` is whatever the caller keeps about its piece. */
export interface SentRequest<Piece> {
  readonly piece: Piece
  readonly block: number
  readonly length: number
  readonly mark: RateMark
  /** When the block was expected when it was asked for. */
  readonly expectedAt: number
  /** When it is expected as things looked at the last `foresee`. */
  foreseenAt: number
  /** Later requests that were answered before this one: peers answer in order, so this one may be lost. */
  skipped: number
}

/** Bytes per second from which on a peer is worth as many requests as it can take. */
const QUICK_RATE = 64 * 1024
/** Requests that were taken back are known for so many more. */
const TAKEN_BACK_KEPT = 256
/** A request that was passed over this often is not coming. */
const LOST_AFTER_SKIPPED = 3
/** How late the first block of a peer may be before others are asked for it. */
const UNKNOWN_PATIENCE_MS = 50
/** A peer that is silent this long past the expected arrival is asked for one block at a time until it answers. */
export const SNUB_AFTER_MS = 1000

export class RequestPipeline<Piece> {
  readonly model: DeliveryModel
  /** Answered nothing for too long: see `SNUB_AFTER_MS`. */
  isSnubbed = false
  readonly #sent = new Map<number, SentRequest<Piece>>()
  /** Blocks that were asked for and taken back, oldest first: their answers may still come. */
  readonly #takenBack = new Set<number>()
  /** Blocks asked for before anything is known of the peer; the owner shares a first few among all peers. */
  firstDepth: number
  /** When the peer first owed us what it owes now; a request that is taken back does not make it punctual. */
  #dueAt: number | undefined
  #bytes = 0
  #lastExpectedAt = 0
  #isHeld = false
  #maxDepth: number
  /** Under a limit of the transfer rate: no more than so many. */
  limit: number | undefined

  constructor(model: DeliveryModel, firstDepth: number, maxDepth = MAX_REQUESTS_SENT) {
    this.model = model
    this.firstDepth = firstDepth
    this.#maxDepth = maxDepth
  }

  /** The most that is in flight: what the peer queues (`reqq`, BEP 10), as far as it is not more than we ask for. */
  get maxDepth(): number {
    return Math.min(this.#maxDepth, this.limit ?? this.#maxDepth)
  }

  set maxDepth(queued: number) {
    this.#maxDepth = Math.max(1, Math.min(queued, MAX_REQUESTS_SENT))
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

  /**
   * Blocks that should be in flight: rate × (round trip + a little), never more than the peer queues. Until the rate stops growing it
   * counts more of the round trip, so that requests to a quick peer double in each, from the first block on. More, or as much of a slow
   * one, would make the first urgent blocks wait behind what has time.
   */
  get depth(): number {
    if (this.isSnubbed) return 1
    const { rate, roundTripMs, isSettled, isMeasured } = this.model
    if (!isMeasured) return Math.min(this.firstDepth, this.maxDepth)
    const growingMs = Math.max(1.5 * roundTripMs + STANDING_QUEUE_MS, this.#mayDouble ? 2.2 * roundTripMs : 0)
    const coveredMs = isSettled ? roundTripMs + STANDING_QUEUE_MS : growingMs
    return Math.max(1, Math.min(Math.ceil((rate * coveredMs) / 1000 / BLOCK_LENGTH), this.maxDepth))
  }

  /** Slow peers need no more than the queue to show a rise; one that was asked for a block at a time could show nothing yet. */
  get #mayDouble(): boolean {
    const { rate, roundTripMs } = this.model
    return rate > QUICK_RATE || rate * roundTripMs < 1.2 * 1000 * BLOCK_LENGTH
  }

  /** How many milliseconds from now the next request would be answered: the queue ahead, or the round trip if that is longer. */
  etaMs(now: number): number {
    return Math.max(this.model.roundTripMs, this.#lastExpectedAt - now + this.model.transmitMs()) + this.#silenceMs(now)
  }

  /** Notes for each request in flight when it is expected as things look now, behind those before it; a silence makes all later, as long again as it has lasted. */
  foresee(now: number): void {
    const { isMeasured, deliveredAt } = this.model
    const silence = this.#silenceMs(now)
    let ahead = 0
    for (const request of this.#sent.values()) {
      ahead += request.length
      const byQueue = isMeasured ? deliveredAt + this.model.transmitMs(ahead) : 0
      const lateMs = request.skipped < LOST_AFTER_SKIPPED ? silence : Math.max(silence, now - request.expectedAt)
      request.foreseenAt = Math.max(request.expectedAt, byQueue, now) + lateMs
    }
  }

  /** We do not read from the peer: its silence is ours. */
  hold(): void {
    this.#isHeld = true
  }

  /** We read again: what it owes us is counted from now. */
  resume(now: number): void {
    this.#isHeld = false
    this.model.deliveredAt = now
    this.#expectNext(now)
    this.#lastExpectedAt = now + this.model.roundTripMs + this.model.transmitMs(this.#bytes)
  }

  /** The request in flight, if there is one. */
  get(key: number): SentRequest<Piece> | undefined {
    return this.#sent.get(key)
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
    const mark = model.mark(now, isIdle, this.#sent.size + 1 < this.depth, this.#takenBack.delete(key))
    const request: SentRequest<Piece> = { piece, block, length, mark, expectedAt, foreseenAt: expectedAt, skipped: 0 }
    this.#sent.set(key, request)
    this.#bytes += length
    this.#lastExpectedAt = expectedAt
    this.#dueAt ??= expectedAt
    return request
  }

  /** The block came: learns from it. `undefined` when it was not in flight here. */
  onBlock(key: number, length: number, now: number): SentRequest<Piece> | undefined {
    const request = this.#sent.get(key)
    if (!request) return undefined
    for (const passed of this.#sent.values()) {
      if (passed === request) break
      passed.skipped++
    }
    this.#take(key)
    this.model.onBlock(now, length, request.mark, request.expectedAt)
    this.isSnubbed = false
    this.#expectNext(now)
    // What is left will come as fast as the peer is now known to send.
    this.#lastExpectedAt = now + this.model.transmitMs(this.#bytes)
    return request
  }

  /** Forgets a request (cancelled, choked, given up). */
  remove(key: number, now: number): SentRequest<Piece> | undefined {
    const request = this.#take(key)
    // It did not come while we waited for it: that much is known of the peer.
    if (request && this.model.deliveredAt <= request.mark.sentAt) this.model.onNothing(now - request.mark.sentAt)
    if (request) this.#noteTakenBack(key)
    if (this.#sent.size === 0) this.#dueAt = undefined
    return request
  }

  #noteTakenBack(key: number): void {
    this.#takenBack.add(key)
    if (this.#takenBack.size <= TAKEN_BACK_KEPT) return
    for (const oldest of this.#takenBack) {
      this.#takenBack.delete(oldest)
      return
    }
  }

  #take(key: number): SentRequest<Piece> | undefined {
    const request = this.#sent.get(key)
    if (!request) return undefined
    this.#sent.delete(key)
    this.#bytes -= request.length
    if (this.#sent.size === 0) this.#lastExpectedAt = 0
    return request
  }

  /** A block came, or we read again: the next one is due when its turn is. */
  #expectNext(now: number): void {
    const oldest = this.#oldest()
    this.#dueAt = oldest && Math.max(oldest.expectedAt, now + this.model.transmitMs(oldest.length))
  }

  /** Milliseconds past the expected arrival of the oldest request without any block. */
  #silenceMs(now: number): number {
    return Math.max(0, -this.#dueInMs(now))
  }

  /** The oldest request, when the peer passed it over and it is long overdue. */
  lost(now: number): SentRequest<Piece> | undefined {
    const oldest = this.#oldest()
    return oldest && oldest.skipped >= LOST_AFTER_SKIPPED && now - oldest.expectedAt > SNUB_AFTER_MS
      ? oldest
      : undefined
  }

  /** Milliseconds until the next block is due; negative when it is late. */
  #dueInMs(now: number): number {
    return this.#isHeld || this.#dueAt === undefined ? 0 : this.#dueAt - now
  }

  /** It was never heard of, and what was assumed of it is wrong: when it will answer, if ever, nobody knows. */
  isUnknownAndLate(now: number): boolean {
    return !this.model.isMeasured && this.#silenceMs(now) > UNKNOWN_PATIENCE_MS
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
