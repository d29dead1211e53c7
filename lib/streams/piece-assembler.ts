/** Blocks become pieces: peers hand in blocks by `accept`, complete pieces leave as a stream, the one a reader waits for first. */
import { Readable } from 'node:stream'
import type { BlockOutcome } from '../policy/request-book.js'
import type { ActivePiece, Supplier } from '../policy/supplier.js'
import type { BlockData } from '../wire/message.js'

/** Bytes of complete pieces that may wait for the verifier before peers are held. */
const WAITING_BYTES = 8 * 2 ** 20

export interface BlockTaker {
  onBlock(supplier: Supplier, piece: number, begin: number, data: BlockData, now: number): BlockOutcome
}

/** What became of a block, and, while the hash or disk queue is above its mark, a promise to wait for before reading on. */
export interface Acceptance {
  readonly outcome: BlockOutcome
  readonly held?: Promise<void>
}

export class PieceAssembler extends Readable {
  readonly #taker: BlockTaker
  readonly #isUrgent: (index: number) => boolean
  readonly #waiting: ActivePiece[] = []
  #waitingBytes = 0
  #isWanted = false
  #release: (() => void) | undefined
  #held: Promise<void> | undefined

  /** `taker` copies blocks into pieces and calls `add` with complete ones; `isUrgent` tells which piece a reader waits for. */
  constructor(taker: BlockTaker, isUrgent: (index: number) => boolean) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#taker = taker
    this.#isUrgent = isUrgent
  }

  /** Peers are held until the verifier takes more. */
  get isHolding(): boolean {
    return this.#waitingBytes > WAITING_BYTES
  }

  /** Takes a block: the one copy of its bytes. Never throws for what a peer sent. */
  accept(supplier: Supplier, piece: number, begin: number, data: BlockData, now: number): Acceptance {
    const outcome = this.#taker.onBlock(supplier, piece, begin, data, now)
    if (this.#waitingBytes <= WAITING_BYTES || this.destroyed) return { outcome }
    this.#held ??= new Promise(resolve => {
      this.#release = resolve
    })
    return { outcome, held: this.#held }
  }

  /** A piece is complete. */
  add(piece: ActivePiece): void {
    if (this.destroyed) {
      piece.credit.release()
      return
    }
    this.#waiting.push(piece)
    this.#waitingBytes += piece.length
    this.#move()
  }

  override _read(): void {
    this.#isWanted = true
    this.#move()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    for (const piece of this.#waiting.splice(0)) piece.credit.release()
    this.#waitingBytes = 0
    // The one that was handed on but not taken: nobody may get it and its memory's next use.
    this.unpipe()
    for (let piece: unknown = this.read(); piece !== null; piece = this.read()) (piece as ActivePiece).credit.release()
    this.#letGo()
    callback(error)
  }

  #move(): void {
    while (this.#isWanted && this.#waiting.length > 0) {
      const urgent = this.#waiting.findIndex(piece => this.#isUrgent(piece.index))
      const [piece] = this.#waiting.splice(Math.max(0, urgent), 1)
      if (!piece) return
      this.#waitingBytes -= piece.length
      this.#isWanted = this.push(piece)
    }
    if (this.#waitingBytes <= WAITING_BYTES) this.#letGo()
  }

  #letGo(): void {
    this.#release?.()
    this.#release = undefined
    this.#held = undefined
  }
}
