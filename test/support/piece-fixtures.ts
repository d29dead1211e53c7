/** Pieces, credits and verified pieces for specs of the pipeline. */
import { createHash } from 'node:crypto'
import { Geometry, type PieceIndex } from '../../lib/pieces/geometry.js'
import { PieceBuffer } from '../../lib/pieces/piece-buffer.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Supplier, type ActivePiece } from '../../lib/policy/supplier.js'
import { PiecePool } from '../../lib/streams/piece-pool.js'
import type { VerifiedPiece } from '../../lib/streams/storage.js'

export const sha1 = (bytes: Uint8Array): Buffer => createHash('sha1').update(bytes).digest()

/** A pool that evicts nothing. */
export function poolOf(slotLength: number, slots: number): PiecePool {
  return new PiecePool({ slotLength, budget: slots * slotLength, evict: () => false, extra: () => 0 })
}

/** Piece `index` as verified, in memory of the pool, each byte of it `index`. */
export function verifiedPiece(pool: PiecePool, index: number): VerifiedPiece {
  const credit = pool.take(false)
  if (!credit) throw new Error('the pool is empty')
  credit.bytes.fill(index)
  return { index: indexOf(index), bytes: credit.bytes, release: () => credit.release() }
}

/** Piece `index` with all its blocks here, in memory of the pool, each byte of it `index`. */
export function completePiece(pool: PiecePool, index: number, supplier = silentSupplier()): ActivePiece {
  const credit = pool.take(false)
  if (!credit) throw new Error('the pool is empty')
  const piece: ActivePiece = new PieceBuffer(indexOf(index), pool.slotLength, credit)
  for (let block = 0; block < piece.blockCount; block++) {
    piece.receive(block, supplier, Buffer.alloc(piece.lengthOf(block), index))
  }
  return piece
}

/** A peer that has nothing and to which nothing can be said. */
export function silentSupplier(): Supplier {
  const port = { request: () => undefined, cancel: () => undefined, setInterested: () => undefined }
  return new Supplier(port, new Bitfield(1), 0, 0, 1)
}

export function indexOf(index: number): PieceIndex {
  return new Geometry(2 ** 20, 1).pieceAt(index)
}
