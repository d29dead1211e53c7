/** A wish to tell something often, and a listener who wants to hear of it now and then. */

/** One that says 0 % is noise where it stays, and not where the next one soon takes its place. */
export function firstToldAt(everyMs: number): number {
  return everyMs > 1000 ? performance.now() : -Infinity
}

/** Passes on a call when `everyMs` have passed since `toldAt`, then one in `everyMs`. */
export function onceInAWhile<Facts extends unknown[]>(
  everyMs: number,
  tell: (...facts: Facts) => void,
  toldAt = firstToldAt(everyMs)
): (...facts: Facts) => void {
  return (...facts) => {
    const now = performance.now()
    if (now - toldAt < everyMs) return
    toldAt = now
    tell(...facts)
  }
}
