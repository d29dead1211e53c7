/** How many dials the swarms of one client may begin now: a burst, then so many a second, in turn where several want to. Dials nobody itself. */
import { DIAL_BURST, DIALS_PER_SECOND } from '../limits.js'

/** A swarm's part. */
export interface DialTurns {
  /** Dials that it may begin now, if it would begin so many. To be asked about once a second as long as it would. */
  allowed(wanted: number, now: number): number
  /** So many were begun. */
  spend(count: number): void
  leave(): void
}

interface Member {
  /** Dials that it would begin, had it been allowed. */
  wanted: number
  /** When it began something last, in turns. */
  turn: number
}

export class DialPace {
  readonly #members = new Set<Member>()
  #credit = DIAL_BURST
  #creditAt: number | undefined
  #turn = 0

  join(): DialTurns {
    const member: Member = { wanted: 0, turn: 0 }
    this.#members.add(member)
    return {
      allowed: (wanted, now) => {
        this.#earn(now)
        member.wanted = wanted
        return Math.min(wanted, this.#allowed(member))
      },
      spend: count => {
        this.#credit -= count
        member.wanted = Math.max(0, member.wanted - count)
        if (count > 0) member.turn = ++this.#turn
      },
      leave: () => void this.#members.delete(member)
    }
  }

  /** One is left for each that has waited longer; what is there beyond that is shared equally. */
  #allowed(member: Member): number {
    const waiting = [...this.#members].filter(({ wanted }) => wanted > 0)
    const longer = waiting.filter(({ turn }) => turn < member.turn).length
    const first = Math.min(1, Math.floor(this.#credit) - longer)
    return Math.max(0, first, Math.floor(this.#credit / Math.max(1, waiting.length)))
  }

  #earn(now: number): void {
    const earned = ((now - (this.#creditAt ?? now)) / 1000) * DIALS_PER_SECOND
    this.#credit = Math.min(DIAL_BURST, this.#credit + earned)
    this.#creditAt = now
  }
}
