/** Names of torrents and peers: 20 raw bytes with types of their own. */
import { createHash } from 'node:crypto'

declare const infoHashBrand: unique symbol
declare const peerIdBrand: unique symbol

/** SHA-1 of the raw bytes of the `info` dictionary (BEP 3), 20 bytes. */
export type InfoHash = Buffer & { readonly [infoHashBrand]: true }
/** 20 bytes that name a peer (BEP 3; ours in the style of BEP 20). */
export type PeerId = Buffer & { readonly [peerIdBrand]: true }

/** Hash of the `info` dictionary as it stands in the file: never of a re-encoding. */
export function infoHashOf(infoBytes: Uint8Array): InfoHash {
  return createHash('sha1').update(infoBytes).digest() as InfoHash
}

/** Brands 20 bytes as an info-hash; throws a RangeError for any other length. */
export function asInfoHash(bytes: Uint8Array): InfoHash {
  if (bytes.length !== 20) throw new RangeError(`an info-hash has 20 bytes, not ${bytes.length}`)
  return Buffer.from(bytes) as InfoHash
}

/** Brands 20 bytes as a peer id; throws a RangeError for any other length. */
export function asPeerId(bytes: Uint8Array): PeerId {
  if (bytes.length !== 20) throw new RangeError(`a peer id has 20 bytes, not ${bytes.length}`)
  return Buffer.from(bytes) as PeerId
}
