/**
 * Whom we serve: those that give most, a few others in turn to see what they give; when we want nothing, everybody in turn. Decides
 * only; how many are served is decided elsewhere, and rates are measured elsewhere.
 */
import { OPTIMISTIC_MS, UPLOAD_TURN_MS } from '../limits.js'

/** A peer as the choker sees it. Times are of one clock, ms. */
export interface ChokerPeer {
  readonly peerInterested: boolean
  readonly amChoking: boolean
  /** Bytes a second that it sent us lately. */
  readonly givesRate: number
  /** It lets us ask, was asked, and has sent nothing for a long while. */
  readonly isSnubbing: boolean
  readonly connectedAt: number
  /** When it was choked or unchoked the last time, or connected. */
  readonly changedAt: number
}

export interface ChokerRound {
  /** Peers that may be served at once. */
  readonly slots: number
  /** We want nothing: what peers give does not count. */
  readonly isSeeding: boolean
  readonly now: number
}

/** BEP 3 gives newcomers three times the chance: they have nothing yet that they could give. */
const NEWCOMER_CHANCE = 3
const NEWCOMER_MS = 60_000
/** One slot in so many is for peers in turn, at least one. */
const SLOTS_PER_OPTIMISTIC = 5

export class Choker<Peer extends ChokerPeer> {
  readonly #random: () => number
  /** Served in turn, and since when. */
  #optimistic = new Map<Peer, number>()

  constructor(random: () => number) {
    this.#random = random
  }

  /** Everybody who is to be served until the next round; all others are to be choked. */
  choose(peers: Iterable<Peer>, round: ChokerRound): Set<Peer> {
    const interested = [...peers].filter(peer => peer.peerInterested)
    if (interested.length <= round.slots) {
      this.#optimistic.clear()
      return new Set(interested)
    }
    interested.sort(round.isSeeding ? byTurn(round.now) : byGift(round.now))
    const inTurn = round.isSeeding ? 0 : Math.max(1, Math.floor(round.slots / SLOTS_PER_OPTIMISTIC))
    const chosen = new Set(interested.slice(0, round.slots - inTurn))
    const others = interested.slice(round.slots - inTurn)
    this.#chooseOptimistic(others, inTurn, round.now)
    for (const peer of this.#optimistic.keys()) chosen.add(peer)
    return chosen
  }

  /** Who is to be unchoked between rounds, as long as slots are free: who has waited longest, those that give before those that snub. */
  fill(peers: Iterable<Peer>, slots: number): Peer[] {
    const waiting: Peer[] = []
    let free = slots
    for (const peer of peers) {
      if (!peer.amChoking) free--
      else if (peer.peerInterested) waiting.push(peer)
    }
    waiting.sort((a, b) => Number(a.isSnubbing) - Number(b.isSnubbing) || a.changedAt - b.changedAt)
    return waiting.slice(0, Math.max(0, free))
  }

  #chooseOptimistic(others: Peer[], count: number, now: number): void {
    const kept = [...this.#optimistic].filter(([peer, since]) => now - since < OPTIMISTIC_MS && others.includes(peer))
    const turned = this.#optimistic
    this.#optimistic = new Map(kept.slice(0, count))
    const rest = others.filter(peer => !this.#optimistic.has(peer))
    // Whose turn is over makes way for another, if there is one.
    const fresh = rest.filter(peer => !turned.has(peer))
    for (const pool of [fresh, rest]) {
      while (this.#optimistic.size < count && pool.length > 0) {
        const [peer] = pool.splice(this.#draw(pool, now), 1)
        if (peer) this.#optimistic.set(peer, now)
      }
    }
  }

  #draw(pool: readonly Peer[], now: number): number {
    const chances = pool.map(({ connectedAt }) => (now - connectedAt < NEWCOMER_MS ? NEWCOMER_CHANCE : 1))
    let at = this.#random() * chances.reduce((sum, chance) => sum + chance, 0)
    const drawn = chances.findIndex(chance => (at -= chance) < 0)
    return drawn === -1 ? pool.length - 1 : drawn
  }
}

type Order = (a: ChokerPeer, b: ChokerPeer) => number

/** Tit for tat; who snubs us comes last. */
function byGift(now: number): Order {
  const turn = byTurn(now)
  return (a, b) => Number(a.isSnubbing) - Number(b.isSnubbing) || b.givesRate - a.givesRate || turn(a, b)
}

/** First who is served and whose turn is not over, then who waits, the longest first, then who was served, the longest last. */
function byTurn(now: number): Order {
  const rank = ({ amChoking, changedAt }: ChokerPeer): number =>
    amChoking ? 1 : now - changedAt < UPLOAD_TURN_MS ? 0 : 2
  return (a, b) => {
    const [ours, theirs] = [rank(a), rank(b)]
    if (ours !== theirs) return ours - theirs
    return ours === 2 ? b.changedAt - a.changedAt : a.changedAt - b.changedAt
  }
}
