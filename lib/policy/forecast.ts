/** How many bytes a swarm will have brought by some time, each peer from when it can: as it stood when it was looked at. Knows no pieces. */
import { BLOCK_LENGTH } from '../limits.js'
import type { Supplier } from './supplier.js'

/** Peers are told apart by when they deliver, in steps of so many milliseconds; those that are later than all the steps bring nothing. */
const STEP_MS = 8
const STEPS = 128

export class Forecast {
  readonly #suppliers: readonly Supplier[]
  /** When each would deliver a block asked for at the time of the look, milliseconds from then. */
  readonly #starts: Float64Array
  readonly #first: number
  /** Of all that deliver before the end of a step: the sum of their bytes per millisecond, and of that × start. */
  #rates: Float64Array | undefined
  #products = new Float64Array(0)

  /** `suppliers`: those that bring something. */
  constructor(suppliers: readonly Supplier[], now: number) {
    this.#suppliers = suppliers
    this.#starts = new Float64Array(suppliers.length)
    let first = Infinity
    for (let i = 0; i < suppliers.length; i++) {
      const start = suppliers[i]?.etaMs(now) ?? Infinity
      this.#starts[i] = start
      if (start < first) first = start
    }
    this.#first = first
  }

  /** Bytes that will have come `ms` after the look, of what nobody had been asked for by then. */
  bytesBy(ms: number): number {
    if (ms <= this.#first) return 0
    const rates = (this.#rates ??= this.#sumUp())
    const step = Math.min(STEPS, Math.floor((ms - this.#first) / STEP_MS)) - 1
    return step < 0 ? 0 : (rates[step] ?? 0) * ms - (this.#products[step] ?? 0)
  }

  #sumUp(): Float64Array {
    const rates = new Float64Array(STEPS)
    const products = new Float64Array(STEPS)
    for (let i = 0; i < this.#starts.length; i++) {
      const start = this.#starts[i] ?? Infinity
      const step = Math.floor((start - this.#first) / STEP_MS)
      if (step >= STEPS) continue
      const rate = BLOCK_LENGTH / (this.#suppliers[i]?.pipeline.model.transmitMs() ?? Infinity)
      rates[step] = (rates[step] ?? 0) + rate
      products[step] = (products[step] ?? 0) + rate * start
    }
    for (let step = 1; step < STEPS; step++) {
      rates[step] = (rates[step] ?? 0) + (rates[step - 1] ?? 0)
      products[step] = (products[step] ?? 0) + (products[step - 1] ?? 0)
    }
    this.#products = products
    return rates
  }
}
