/** The memory of all pieces: a fixed number of slots over shared memory, lent as credits and used again and again. Decides no priority. */
import { TorrentError } from '../errors.js'
import type { Credit } from '../pieces/piece-buffer.js'

/** Slots are cut from slabs of at least this size: small pieces share one. */
const SLAB_BYTES = 2 ** 20
/** Below this the pool grows rather than give up pieces that were read. */
const KEPT_BYTES = 8 * 2 ** 20

/** Why a stored piece is to go: to touch no more memory, to have room, or to have it for a piece that a reader waits for. */
export type EvictionNeed = 'thrift' | 'room' | 'urgent'

export interface PiecePoolOptions {
  /** Bytes of one slot: the torrent's piece length. */
  readonly slotLength: number
  /** Budget of all slots, bytes. Raised to two pieces when it is smaller. */
  readonly budget: number
  /** Frees the least useful stored piece, or returns false. */
  readonly evict: (need: EvictionNeed) => boolean
  /** Slots over the budget for pieces that readers wait for: as many as there are readers. */
  readonly extra: () => number
}

export class PiecePool {
  readonly slotLength: number
  #budgetSlots: number
  readonly #evict: (need: EvictionNeed) => boolean
  readonly #extra: () => number
  /** Last in, first out: what was touched last is used again first, so resident memory follows real use. */
  readonly #free: Buffer[] = []
  #slab: Buffer = Buffer.alloc(0)
  #cut = 0
  #used = 0
  #onFree: (() => void) | undefined

  constructor({ slotLength, budget, evict, extra }: PiecePoolOptions) {
    this.slotLength = slotLength
    this.#budgetSlots = slotsIn(budget, slotLength)
    this.#evict = evict
    this.#extra = extra
  }

  /** Bytes lent out. */
  get usedBytes(): number {
    return this.#used * this.slotLength
  }

  /** Bytes the pool lends at the most, urgent pieces aside. */
  get budget(): number {
    return this.#budgetSlots * this.slotLength
  }

  /** Raised to two pieces. What is lent beyond it comes back as readers and disk go on; memory that is free beyond it is given up. */
  set budget(bytes: number) {
    this.#budgetSlots = slotsIn(bytes, this.slotLength)
    while (this.#used > this.#budgetSlots && this.#evict('room'));
    this.#free.splice(Math.max(0, this.#budgetSlots - this.#used))
  }

  /** Called whenever a credit comes back. */
  set onFree(callback: () => void) {
    this.#onFree = callback
  }

  /**
   * Memory for one piece, or `undefined` when the budget is spent. A piece that a reader waits for may go over it, by one a reader:
   * else pieces further on could fill the budget and the reader would wait for ever.
   */
  take(isUrgent: boolean): Credit | undefined {
    // What readers have passed is kept while memory that was touched before allows: rather than touch more, it goes.
    if (this.#free.length === 0 && this.usedBytes >= KEPT_BYTES) this.#evict('thrift')
    const limit = this.#budgetSlots + (isUrgent ? this.#extra() : 0)
    while (this.#used >= limit) if (!this.#evict(isUrgent ? 'urgent' : 'room')) return undefined
    this.#used++
    const bytes = this.#free.pop() ?? this.#grow()
    let isReleased = false
    return {
      bytes,
      release: () => {
        if (isReleased) throw new TorrentError('ERR_BT_INTERNAL', 'a credit was released twice')
        isReleased = true
        this.#used--
        this.#free.push(bytes)
        this.#onFree?.()
      }
    }
  }

  /** The next slot of the newest slab: cut one by one, as a slab may hold a million. */
  #grow(): Buffer {
    if (this.#cut + this.slotLength > this.#slab.length) {
      const slots = Math.max(1, Math.min(this.#budgetSlots, Math.floor(SLAB_BYTES / this.slotLength)))
      this.#slab = Buffer.from(new SharedArrayBuffer(slots * this.slotLength))
      this.#cut = 0
    }
    this.#cut += this.slotLength
    return this.#slab.subarray(this.#cut - this.slotLength, this.#cut)
  }
}

function slotsIn(budget: number, slotLength: number): number {
  return Math.max(2, Math.floor(budget / slotLength))
}
