/** One peer behind a line of fixed length and rate, in virtual time: answers requests in order, as soon as the line lets it. */
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { DeliveryModel } from '../../lib/wire/delivery-model.js'
import { RequestPipeline } from '../../lib/wire/request-pipeline.js'

export interface LinkOptions {
  readonly roundTripMs: number
  /** Bytes per second. */
  readonly rate: number
  readonly firstDepth?: number
  readonly connectMs?: number
}

export class SimulatedLink {
  now = 0
  roundTripMs: number
  rate: number
  readonly pipeline: RequestPipeline<string>
  delivered = 0
  /** The greatest number of requests that were in flight. */
  mostInFlight = 0
  readonly #due: { key: number; at: number }[] = []
  #freeAt = 0
  #next = 0

  constructor({ roundTripMs, rate, firstDepth = 2, connectMs = roundTripMs }: LinkOptions) {
    this.roundTripMs = roundTripMs
    this.rate = rate
    this.pipeline = new RequestPipeline<string>(new DeliveryModel(0, connectMs), firstDepth)
  }

  /** Milliseconds that one block takes on the line. */
  get blockMs(): number {
    return (BLOCK_LENGTH * 1000) / this.rate
  }

  /** Asks for as many blocks as there is room for. */
  fill(): void {
    for (let room = this.pipeline.depth - this.pipeline.size; room > 0; room--) {
      const key = this.#next++
      this.pipeline.add(key, 'piece', key, BLOCK_LENGTH, this.now)
      this.#freeAt = Math.max(this.#freeAt, this.now + this.roundTripMs) + this.blockMs
      this.#due.push({ key, at: this.#freeAt })
    }
    this.mostInFlight = Math.max(this.mostInFlight, this.pipeline.size)
  }

  /** Lets `ms` pass: each block that comes makes room for more. Returns the bytes that came. */
  run(ms: number): number {
    const endAt = this.now + ms
    const before = this.delivered
    this.fill()
    for (let next = this.#due[0]; next && next.at <= endAt; next = this.#due[0]) {
      this.#due.shift()
      this.now = next.at
      this.pipeline.onBlock(next.key, BLOCK_LENGTH, this.now)
      this.delivered += BLOCK_LENGTH
      this.fill()
    }
    this.now = endAt
    return this.delivered - before
  }
}
