/** The same asynchronous step for many items, a bounded number at a time. */
import { MAX_FILE_OPERATIONS } from '../limits.js'

/** Rejects with the first error, and only when no step runs any more; steps not yet begun are left out then. */
export async function forEachBounded<T>(items: Iterable<T>, step: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const failures: unknown[] = []
  const work = async () => {
    while (failures.length === 0) {
      const next = iterator.next()
      if (next.done) return
      try {
        await step(next.value)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: MAX_FILE_OPERATIONS }, work))
  if (failures.length > 0) throw failures[0]
}
