/** Pieces sorted by how few peers have them, kept sorted in O(1) a HAVE. Knows nothing of blocks or of time. */
import type { Bitfield } from './bitfield.js'
import type { PieceIndex } from './geometry.js'

/**
 * Pieces that are still to be picked, grouped in buckets of equal availability: `#order` lists them bucket after bucket, `#place` is
 * where each stands (-1: not to be picked), `#starts[a]` where bucket `a` begins. Moving a piece to the next bucket is one swap
 * with the edge of its own. Peers that have everything are counted apart: they change no order.
 */
export class Rarity {
  readonly #availability: Uint16Array
  readonly #order: Int32Array
  readonly #place: Int32Array
  #starts: number[] = [0]
  #end = 0
  #seeds = 0
  /** Pieces included so far: while it stays the same there are only fewer of them. */
  additions = 0
  #lastBegun = -1

  constructor(pieceCount: number) {
    this.#availability = new Uint16Array(pieceCount)
    this.#order = new Int32Array(pieceCount)
    this.#place = new Int32Array(pieceCount).fill(-1)
  }

  /** Peers that have this piece. */
  availability(index: number): number {
    return (this.#availability[index] ?? 0) + this.#seeds
  }

  /** Pieces still to be picked. */
  get size(): number {
    return this.#end
  }

  addPeer(pieces: Bitfield): void {
    if (pieces.isComplete) this.#seeds++
    else for (let i = pieces.nextSet(0); i !== -1; i = pieces.nextSet(i + 1)) this.#change(i, 1)
  }

  removePeer(pieces: Bitfield): void {
    if (pieces.isComplete) this.#seeds--
    else for (let i = pieces.nextSet(0); i !== -1; i = pieces.nextSet(i + 1)) this.#change(i, -1)
  }

  /** One more peer has this piece. When that was its last one, say so by `becameSeed`. */
  onHave(index: number): void {
    this.#change(index, 1)
  }

  /** A peer whose pieces were counted one by one has them all now. */
  becameSeed(): void {
    for (let i = 0; i < this.#availability.length; i++) this.#change(i, -1)
    this.#seeds++
  }

  /** One peer less has this piece. Of a peer that had them all, say first so by `noSeedAnyMore`. */
  onGone(index: number): void {
    this.#change(index, -1)
  }

  /** A peer that had all pieces is about to lose one: its pieces are counted one by one from now on. */
  noSeedAnyMore(): void {
    this.#seeds--
    for (let i = 0; i < this.#availability.length; i++) this.#change(i, 1)
  }

  /** The piece is to be picked. */
  include(index: number): void {
    if (this.#place[index] !== -1) return
    this.additions++
    // Append to the last bucket, then move down to its own.
    let bucket = this.#starts.length - 1
    this.#put(this.#end++, index)
    for (const own = this.#availability[index] ?? 0; bucket > own; bucket--) this.#swapToEdge(index, bucket, -1)
    for (const own = this.#availability[index] ?? 0; bucket < own; bucket++) this.#starts.push(this.#end - 1)
  }

  /** The piece is not to be picked (any more). */
  exclude(index: number): void {
    if (this.#place[index] === -1) return
    for (let bucket = this.#availability[index] ?? 0; bucket < this.#starts.length - 1; bucket++) {
      this.#swapToEdge(index, bucket, 1)
    }
    this.#swap(this.#place[index] ?? 0, --this.#end)
    this.#place[index] = -1
    this.#lastBegun = index
  }

  /**
   * The rarest piece to be picked among those `peer` has, or `undefined`. Among equals the one after the last one excluded, so that
   * a lone seeder's pieces land on disk in order; else a random one.
   */
  pick(peer: Bitfield, random: () => number): PieceIndex | undefined {
    const next = this.#lastBegun + 1
    for (let bucket = 0; bucket < this.#starts.length; bucket++) {
      const start = this.#starts[bucket] ?? 0
      const end = this.#starts[bucket + 1] ?? this.#end
      if (start === end || (bucket === 0 && this.#seeds === 0)) continue
      if ((this.#place[next] ?? -1) >= start && (this.#place[next] ?? -1) < end && peer.has(next))
        return next as PieceIndex
      const offset = Math.floor(random() * (end - start))
      for (let n = 0; n < end - start; n++) {
        const index = this.#order[start + ((offset + n) % (end - start))] ?? 0
        if (peer.has(index)) return index as PieceIndex
      }
    }
    return undefined
  }

  #change(index: number, by: 1 | -1): void {
    const bucket = this.#availability[index] ?? 0
    if (this.#place[index] !== -1) {
      if (by === 1 && bucket === this.#starts.length - 1) this.#starts.push(this.#end)
      this.#swapToEdge(index, bucket, by)
    }
    this.#availability[index] = bucket + by
  }

  /** Moves a piece from its bucket to the next (1) or the one before (-1). */
  #swapToEdge(index: number, bucket: number, by: 1 | -1): void {
    const place = this.#place[index] ?? 0
    if (by === 1) {
      const start = (this.#starts[bucket + 1] ?? this.#end) - 1
      this.#swap(place, start)
      this.#starts[bucket + 1] = start
    } else {
      const start = this.#starts[bucket] ?? 0
      this.#swap(place, start)
      this.#starts[bucket] = start + 1
    }
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#order[a] ?? 0, this.#order[b] ?? 0]
    this.#put(a, second)
    this.#put(b, first)
  }

  #put(place: number, index: number): void {
    this.#order[place] = index
    this.#place[index] = place
  }
}
