/** How many connections each of several swarms may have, so that all together keep within one limit. Counts nothing itself. */

/** A swarm's part. */
export interface Room {
  /** Connections it may have now: what the others leave, and never less than its share. */
  allowed(): number
  leave(): void
}

export class SharedRoom {
  readonly #limit: number
  readonly #counts = new Set<() => number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** `count`: how many connections the swarm has. */
  join(count: () => number): Room {
    this.#counts.add(count)
    return {
      allowed: () => {
        let others = 0
        for (const each of this.#counts) if (each !== count) others += each()
        // Whoever comes late must not find all places taken for good: the others leave some within a second.
        return Math.max(this.#limit - others, Math.floor(this.#limit / Math.max(1, this.#counts.size)))
      },
      leave: () => void this.#counts.delete(count)
    }
  }
}
