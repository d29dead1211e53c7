/** A .torrent for the demo's archive, made while the archive is written. */
import { createHash, type Hash } from 'node:crypto'
import { encode } from '../metainfo/bencode-encoder.js'

export const DEMO_PIECE_LENGTH = 262_144

/** Takes the payload chunk by chunk; then knows its torrent and its checksum. */
export class TorrentMaker {
  readonly #pieces: Buffer[] = []
  readonly #sha256 = createHash('sha256')
  #piece: Hash = createHash('sha1')
  #inPiece = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  add(chunk: Buffer): void {
    this.#sha256.update(chunk)
    this.#length += chunk.length
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + DEMO_PIECE_LENGTH - this.#inPiece)
      this.#piece.update(part)
      this.#inPiece += part.length
      at += part.length
      if (this.#inPiece === DEMO_PIECE_LENGTH) this.#endPiece()
    }
  }

  /** The .torrent's bytes, and the SHA-256 of the payload in hexadecimal. Nothing can be added afterwards. */
  finish(name: string, announce: string): { torrent: Buffer; sha256: string } {
    if (this.#inPiece > 0) this.#endPiece()
    const info = { length: this.#length, name, 'piece length': DEMO_PIECE_LENGTH, pieces: Buffer.concat(this.#pieces) }
    return { torrent: encode({ announce, info }), sha256: this.#sha256.digest('hex') }
  }

  #endPiece(): void {
    this.#pieces.push(this.#piece.digest())
    this.#piece = createHash('sha1')
    this.#inPiece = 0
  }
}
