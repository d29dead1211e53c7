/**
 * Super-seeding (BEP 16): each peer is told of a piece or two that hardly anybody else has, and of another once one of them has been
 * seen at somebody else. So a seed gives each piece away about once. Chooses only; who is told, and how, is decided elsewhere.
 */
import { SUPER_SEED_PATIENCE_MS, SUPER_SEED_PIECES } from '../limits.js'

/** Pieces that are compared for one choice, and pieces that the peer knows already that are passed over: torrents may have two million. */
const LOOKED_AT = 4096
const PASSED_OVER = 16_384

/** A peer as it is when a piece is chosen for it. */
export interface SuperSeeded {
  /** It has the piece, or was told of it. */
  knows(index: number): boolean
  /** How many peers have a piece. */
  copies(index: number): number
  /** Nobody else is there to give to: nothing has to be seen at others. */
  readonly isAlone: boolean
  readonly now: number
}

interface Told {
  /** Since when the peer has the piece; undefined while it has not. */
  gotAt: number | undefined
}

export class SuperSeeding<Peer> {
  readonly #random: () => number
  /** Of each peer the pieces that it was told of and that nobody else was seen to have since. */
  readonly #open = new Map<Peer, Map<number, Told>>()
  readonly #peersOf = new Map<number, Set<Peer>>()
  /** How often each piece was told. */
  readonly #times: Uint16Array

  constructor(pieceCount: number, random: () => number) {
    this.#times = new Uint16Array(pieceCount)
    this.#random = random
  }

  /** A piece that the peer is to be told of now. */
  next(peer: Peer, seeded: SuperSeeded): number | undefined {
    const open = this.#openOf(peer)
    const patienceMs = seeded.isAlone ? 0 : SUPER_SEED_PATIENCE_MS
    for (const [index, { gotAt }] of open)
      if (gotAt !== undefined && seeded.now - gotAt >= patienceMs) this.#close(peer, index)
    if (open.size >= SUPER_SEED_PIECES) return undefined
    const index = this.#rarest(seeded)
    if (index === undefined) return undefined
    open.set(index, { gotAt: undefined })
    const peers = this.#peersOf.get(index) ?? new Set<Peer>()
    this.#peersOf.set(index, peers.add(peer))
    this.#times[index] = Math.min(0xffff, (this.#times[index] ?? 0) + 1)
    return index
  }

  /** A peer has the piece now. Returns those who may be told of another: the peer itself, if it was told of this one, and for whom it was seen to spread. */
  onHas(holder: Peer, index: number, now: number): Peer[] {
    const told = this.#open.get(holder)?.get(index)
    const isNews = told !== undefined && told.gotAt === undefined
    if (isNews) told.gotAt = now
    const spread = [...(this.#peersOf.get(index) ?? [])].filter(peer => peer !== holder)
    for (const peer of spread) this.#close(peer, index)
    return isNews ? [...spread, holder] : spread
  }

  /** The peer is gone; what only it was told of is as if nobody had been told. */
  onGone(peer: Peer): void {
    for (const [index, { gotAt }] of this.#openOf(peer)) {
      this.#close(peer, index)
      if (gotAt === undefined) this.#times[index] = Math.max(0, (this.#times[index] ?? 0) - 1)
    }
    this.#open.delete(peer)
  }

  #rarest(seeded: SuperSeeded): number | undefined {
    const count = this.#times.length
    const start = Math.floor(this.#random() * count)
    let best: number | undefined
    let least = Number.POSITIVE_INFINITY
    for (let n = 0, looked = 0; n < count && looked < LOOKED_AT && least > 0; n++) {
      const index = (start + n) % count
      if (seeded.knows(index)) {
        if (n - looked >= PASSED_OVER) break
        continue
      }
      looked++
      const copies = (this.#times[index] ?? 0) + seeded.copies(index)
      if (copies < least) [best, least] = [index, copies]
    }
    return best
  }

  #openOf(peer: Peer): Map<number, Told> {
    const known = this.#open.get(peer)
    if (known) return known
    const open = new Map<number, Told>()
    this.#open.set(peer, open)
    return open
  }

  #close(peer: Peer, index: number): void {
    this.#open.get(peer)?.delete(index)
    const peers = this.#peersOf.get(index)
    peers?.delete(peer)
    if (peers?.size === 0) this.#peersOf.delete(index)
  }
}
