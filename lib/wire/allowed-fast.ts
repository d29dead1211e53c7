/** The pieces that a peer may ask for while it is choked (BEP 6): the same few for each address, so that asking anew gains nothing. */
import { createHash } from 'node:crypto'
import { ALLOWED_FAST_PIECES } from '../limits.js'
import type { InfoHash } from '../metainfo/info-hash.js'
import { addressBytes } from './compact-peers.js'

const WORDS_PER_HASH = 5

/** Indexes in the order of BEP 6. None for IPv6, of which it says nothing. `count`: never more than there are pieces. */
export function allowedFastPieces(
  host: string,
  infoHash: InfoHash,
  pieceCount: number,
  count = ALLOWED_FAST_PIECES
): number[] {
  const address = addressBytes(host)
  if (address.length !== 4) return []
  // One network of 256 addresses gets one set.
  let hash = Buffer.concat([address.subarray(0, 3), Buffer.alloc(1), infoHash])
  const allowed = new Set<number>()
  const wanted = Math.min(count, pieceCount)
  while (allowed.size < wanted) {
    hash = createHash('sha1').update(hash).digest()
    for (let word = 0; word < WORDS_PER_HASH && allowed.size < wanted; word++)
      allowed.add(hash.readUInt32BE(4 * word) % pieceCount)
  }
  return [...allowed]
}
