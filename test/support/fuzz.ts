/**
 * Runs a fuzz property: a few inputs, always the same, in a normal run; as many as FUZZ_RUNS says, new ones each time, in a long one, which
 * also tells the slowest input. No input may take longer than the event loop may be held.
 */
import fc from 'fast-check'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** CONTRIBUTING.md: > No input may hold the event loop for more than 50 ms. */
const MAX_INPUT_MS = 50
/** An input that was slow is run again: only the quickest of these counts, so that no other program's turn is taken for its time. */
const SLOW_TRIES = 5
const SHOWN_CHARS = 200

/** Between so many inputs the event loop takes a turn: what promises hold is let go, as it would be in a program. */
const INPUTS_A_TURN = 5000

/** `property`: a synchronous one. Rejects with what fast-check throws, which names the input and the seed. */
export async function fuzz<T>(property: fc.IRawProperty<T, false>, normalRuns: number): Promise<void> {
  const longRuns = process.env['FUZZ_RUNS']
  const watch = new SlowestInput(property)
  const begun = performance.now()
  const runs = Number(longRuns ?? normalRuns)
  for (let left = runs; left > 0; left -= INPUTS_A_TURN) {
    fc.assert(watch, { numRuns: Math.min(left, INPUTS_A_TURN), ...(longRuns === undefined && { seed: left }) })
    await nextTurn()
  }
  if (longRuns === undefined) return
  const seconds = ((performance.now() - begun) / 1000).toFixed(0)
  process.stdout.write(
    `      ${runs} inputs in ${seconds} s; the slowest took ${watch.ms.toFixed(2)} ms: ${watch.input}\n`
  )
}

/** The property as it is, with a watch on it. */
class SlowestInput<T> implements fc.IRawProperty<T, false> {
  ms = 0
  input = ''
  readonly #property: fc.IRawProperty<T, false>

  constructor(property: fc.IRawProperty<T, false>) {
    this.#property = property
  }

  isAsync(): false {
    return false
  }

  generate(random: fc.Random, runId?: number): fc.Value<T> {
    return this.#property.generate(random, runId)
  }

  shrink(value: fc.Value<T>): fc.Stream<fc.Value<T>> {
    return this.#property.shrink(value)
  }

  runBeforeEach(): void {
    this.#property.runBeforeEach()
  }

  runAfterEach(): void {
    this.#property.runAfterEach()
  }

  run(value: T): fc.PreconditionFailure | fc.PropertyFailure | null {
    const [failure, firstMs] = this.#timed(value)
    let ms = firstMs
    for (let tries = 1; tries < SLOW_TRIES && ms > Math.max(this.ms, 1); tries++)
      ms = Math.min(ms, this.#timed(value)[1])
    if (failure) return failure
    if (ms > this.ms) {
      this.ms = ms
      this.input = fc.stringify(value).slice(0, SHOWN_CHARS)
    }
    return ms > MAX_INPUT_MS ? { error: new Error(`an input took ${ms.toFixed(0)} ms`) } : null
  }

  #timed(value: T): [ReturnType<fc.IRawProperty<T, false>['run']>, ms: number] {
    const begun = performance.now()
    const failure = this.#property.run(value)
    return [failure, performance.now() - begun]
  }
}
