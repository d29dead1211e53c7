/** Our own address as others see it. Nobody is believed alone: each host has one vote for each family, and the newest votes count. */
import { addressScope } from './address-rules.js'

/** Votes that are kept. */
const MAX_VOTES = 50

export class ExternalAddress {
  readonly #votes = new Map<string, string>()

  /** `host` says that it sees us as `seen`. */
  vote(host: string, seen: string): void {
    if (addressScope(seen) !== 'global') return
    const voter = `${host} ${familyOf(seen)}`
    this.#votes.delete(voter)
    this.#votes.set(voter, seen)
    if (this.#votes.size <= MAX_VOTES) return
    for (const [oldest] of this.#votes) {
      this.#votes.delete(oldest)
      return
    }
  }

  /** The address of this family that most say, if there are two of them at least. */
  best(family: 4 | 6): string | undefined {
    const counts = new Map<string, number>()
    for (const seen of this.#votes.values()) {
      if (familyOf(seen) === family) counts.set(seen, (counts.get(seen) ?? 0) + 1)
    }
    const [winner] = [...counts].sort(([, a], [, b]) => b - a)
    return winner && winner[1] >= 2 ? winner[0] : undefined
  }
}

function familyOf(host: string): 4 | 6 {
  return host.includes(':') ? 6 : 4
}
