/** The end of a stream that becomes a torrent: hashes what comes, piece by piece, and keeps nothing but the hashes. Knows no names. */
import { createHash, type Hash } from 'node:crypto'
import { Writable } from 'node:stream'
import { SOCKET_HIGH_WATER_MARK } from '../limits.js'

export class PieceHashes extends Writable {
  /** Bytes that came. */
  length = 0
  readonly #pieceLength: number
  readonly #limit: (length: number) => void
  readonly #digests: Buffer[] = []
  #hash: Hash = createHash('sha1')
  #filled = 0

  /** `limit` throws when the stream is longer than it may be. */
  constructor(pieceLength: number, limit: (length: number) => void) {
    super({ highWaterMark: SOCKET_HIGH_WATER_MARK })
    this.#pieceLength = pieceLength
    this.#limit = limit
  }

  /** 20 bytes a piece, once the stream has ended. */
  get digests(): Buffer {
    return Buffer.concat(this.#digests)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    try {
      this.#limit(this.length + chunk.length)
      this.#add(chunk)
      callback()
    } catch (error) {
      callback(error as Error)
    }
  }

  override _final(callback: () => void): void {
    if (this.#filled > 0) this.#endPiece()
    callback()
  }

  #add(chunk: Buffer): void {
    this.length += chunk.length
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + this.#pieceLength - this.#filled)
      this.#hash.update(part)
      this.#filled += part.length
      at += part.length
      if (this.#filled === this.#pieceLength) this.#endPiece()
    }
  }

  #endPiece(): void {
    this.#digests.push(this.#hash.digest())
    this.#hash = createHash('sha1')
    this.#filled = 0
  }
}
