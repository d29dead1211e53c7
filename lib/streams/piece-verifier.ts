/** Pieces in, verified pieces out: the only maker of a `VerifiedPiece`. A piece with a wrong hash is told of, not an error. */
import { Duplex } from 'node:stream'
import type { ActivePiece } from '../policy/supplier.js'
import type { VerifiedPiece } from './storage.js'

/** Pieces that are hashed, or wait for the writer, at once. */
const IN_HAND = 4

export interface PieceVerifierOptions {
  /** SHA-1 of the bytes. */
  readonly sha1: (bytes: Buffer) => Promise<Buffer>
  /** The 20 bytes that the torrent names for this piece. */
  readonly expected: (index: number) => Buffer
  /** The hash was wrong. The handler looks at the bytes at once; the credit is released after it. */
  readonly onBad: (piece: ActivePiece) => void
  /** The hash was right; called before the piece goes on. */
  readonly onGood: (piece: ActivePiece) => void
}

export class PieceVerifier extends Duplex {
  readonly #options: PieceVerifierOptions
  /** Being hashed. */
  #inHand = 0
  /** Verified, and wait for the writer to ask. */
  readonly #verified: VerifiedPiece[] = []
  #isWanted = false
  #next: (() => void) | undefined
  #finish: (() => void) | undefined

  constructor(options: PieceVerifierOptions) {
    super({ objectMode: true, readableHighWaterMark: 1, writableHighWaterMark: 1 })
    this.#options = options
  }

  override _write(piece: ActivePiece, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#inHand++
    this.#next = callback
    void this.#verify(piece)
    this.#advance()
  }

  override _read(): void {
    this.#isWanted = true
    this.#advance()
  }

  override _final(callback: () => void): void {
    this.#finish = () => {
      this.push(null)
      callback()
    }
    this.#advance()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Buffered pieces give their memory back, and nobody may get them; those being hashed do so when their hash is done.
    for (const piece of this.#verified.splice(0)) piece.release()
    this.unpipe()
    for (let piece: unknown = this.read(); piece !== null; piece = this.read()) (piece as VerifiedPiece).release()
    callback(error)
  }

  async #verify(piece: ActivePiece): Promise<void> {
    try {
      const digest = await this.#options.sha1(piece.bytes)
      const isGood = digest.equals(this.#options.expected(piece.index))
      if (this.destroyed) piece.credit.release()
      else if (isGood) this.#pass(piece)
      else {
        this.#options.onBad(piece)
        piece.credit.release()
      }
    } catch (error) {
      piece.credit.release()
      this.destroy(error as Error)
    }
    this.#inHand--
    this.#advance()
  }

  #pass(piece: ActivePiece): void {
    this.#options.onGood(piece)
    const { index, bytes, credit } = piece
    this.#verified.push({ index, bytes, release: () => credit.release() })
  }

  /** Hands on what the writer wants, takes the next piece once there is room, and ends once all are through. */
  #advance(): void {
    while (this.#isWanted && this.#verified.length > 0) this.#isWanted = this.push(this.#verified.shift())
    if (this.#inHand + this.#verified.length < IN_HAND) {
      const next = this.#next
      this.#next = undefined
      next?.()
    }
    if (this.#inHand > 0 || this.#verified.length > 0) return
    const finish = this.#finish
    this.#finish = undefined
    finish?.()
  }
}
