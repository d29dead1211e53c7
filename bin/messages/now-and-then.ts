/** A wish to tell something often, and a listener who wants to hear of it now and then. */

/** Passes on the first call (or one when `everyMs` have passed since `toldAt`), then one in `everyMs`. */
export function onceInAWhile<Facts extends unknown[]>(
  everyMs: number,
  tell: (...facts: Facts) => void,
  toldAt = -Infinity
): (...facts: Facts) => void {
  return (...facts) => {
    const now = performance.now()
    if (now - toldAt < everyMs) return
    toldAt = now
    tell(...facts)
  }
}
