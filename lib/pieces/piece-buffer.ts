/** One piece in flight: which blocks are missing, whom each was asked of, who sent it. Knows nothing of time or of why a block is wanted. */
import { BLOCK_LENGTH } from '../limits.js'
import type { PieceIndex } from './geometry.js'

/** Memory for one piece, reserved before its first request; `release` is called once. */
export interface Credit {
  readonly bytes: Buffer
  release(): void
}

/** What can be copied out of a message: see `BlockData` of the wire. */
interface Copyable {
  copy(target: Buffer, targetStart?: number): unknown
}

const NOBODY: readonly never[] = []

/** `Peer` is whatever names a peer: it is only compared and handed back. */
export class PieceBuffer<Peer extends object> {
  readonly index: PieceIndex
  readonly length: number
  readonly blockCount: number
  readonly credit: Credit
  /** Blocks neither received nor asked of anybody. */
  unrequested: number
  /** Blocks not received. */
  missing: number
  readonly #received: Uint8Array
  readonly #holders: (Peer[] | undefined)[]
  readonly #senders: (Peer | undefined)[]
  /** After a failed hash: who sent each block last time, and is not asked for it again while others can be. */
  readonly #suspects: readonly (Peer | undefined)[]
  #firstOpen = 0

  constructor(index: PieceIndex, length: number, credit: Credit, suspects: readonly (Peer | undefined)[] = NOBODY) {
    this.index = index
    this.length = length
    this.credit = credit
    this.blockCount = Math.ceil(length / BLOCK_LENGTH)
    this.unrequested = this.blockCount
    this.missing = this.blockCount
    this.#received = new Uint8Array(this.blockCount)
    this.#holders = new Array<Peer[] | undefined>(this.blockCount)
    this.#senders = new Array<Peer | undefined>(this.blockCount)
    this.#suspects = suspects
  }

  get isComplete(): boolean {
    return this.missing === 0
  }

  /** The piece's bytes, in the memory of its credit. */
  get bytes(): Buffer {
    return this.credit.bytes.subarray(0, this.length)
  }

  get senders(): readonly (Peer | undefined)[] {
    return this.#senders
  }

  lengthOf(block: number): number {
    return Math.min(BLOCK_LENGTH, this.length - block * BLOCK_LENGTH)
  }

  isReceived(block: number): boolean {
    return this.#received[block] === 1
  }

  /** Peers that were asked for this block and have not answered. */
  holders(block: number): readonly Peer[] {
    return this.#holders[block] ?? NOBODY
  }

  isSuspect(block: number, peer: Peer): boolean {
    return this.#suspects[block] === peer
  }

  /** The first block at or after `from` that nobody holds, or -1. */
  nextUnrequested(from = 0): number {
    if (this.unrequested === 0) return -1
    for (let block = Math.max(from, this.#firstOpen); block < this.blockCount; block++) {
      if (this.#isOpen(block)) {
        if (from <= this.#firstOpen) this.#firstOpen = block
        return block
      }
    }
    return -1
  }

  /** Notes that `peer` was asked for `block`. */
  ask(block: number, peer: Peer): void {
    const holders = this.#holders[block]
    if (holders === undefined || holders.length === 0) {
      this.#holders[block] = [peer]
      if (this.#received[block] === 0) this.unrequested--
    } else if (!holders.includes(peer)) holders.push(peer)
  }

  /** Notes that `peer` will not answer for `block` any more. */
  giveBack(block: number, peer: Peer): void {
    const holders = this.#holders[block]
    const at = holders?.indexOf(peer) ?? -1
    if (holders === undefined || at < 0) return
    holders.splice(at, 1)
    if (holders.length > 0 || this.#received[block] === 1) return
    this.unrequested++
    this.#firstOpen = Math.min(this.#firstOpen, block)
  }

  /** Takes a block's bytes: false when it was here already. The holders stay noted until they are given back. */
  receive(block: number, peer: Peer, data: Copyable): boolean {
    if (this.#received[block] !== 0) return false
    data.copy(this.credit.bytes, block * BLOCK_LENGTH)
    if (this.holders(block).length === 0) this.unrequested--
    this.#received[block] = 1
    this.#senders[block] = peer
    this.missing--
    return true
  }

  #isOpen(block: number): boolean {
    const holders = this.#holders[block]
    return this.#received[block] === 0 && (holders === undefined || holders.length === 0)
  }
}
