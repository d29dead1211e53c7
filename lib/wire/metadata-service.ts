/** Metadata for one peer that asks for it (BEP 9): data, or a refusal when it has had enough. Bounded, for a request costs its sender nothing. */
import { METADATA_SERVED_BURST, METADATA_SERVED_PER_MINUTE } from '../limits.js'
import { METADATA_PIECE_LENGTH, type MetadataMessage } from './metadata-message.js'

export class MetadataService {
  #served = 0
  #countedAt: number

  constructor(now: number) {
    this.#countedAt = now
  }

  /** The answer to a request for this piece. `metadata`: all of it, verified; undefined while it is not here, or not for this peer. */
  answer(piece: number, metadata: Buffer | undefined, now: number): MetadataMessage {
    const start = piece * METADATA_PIECE_LENGTH
    if (!metadata || start >= metadata.length || !this.#spend(metadata, now)) return { type: 'reject', piece }
    const bytes = metadata.subarray(start, start + METADATA_PIECE_LENGTH)
    return { type: 'data', piece, totalSize: metadata.length, bytes }
  }

  #spend(metadata: Buffer, now: number): boolean {
    const regained = ((now - this.#countedAt) / 60_000) * METADATA_SERVED_PER_MINUTE
    this.#served = Math.max(0, this.#served - regained)
    this.#countedAt = now
    if (this.#served >= Math.max(METADATA_SERVED_BURST, 2 * Math.ceil(metadata.length / METADATA_PIECE_LENGTH)))
      return false
    this.#served++
    return true
  }
}
