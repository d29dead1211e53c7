/** The 68 bytes that open a connection (BEP 3, "peer protocol"), in two steps: 48 that name the torrent, 20 that name the peer. */
import type { InfoHash, PeerId } from '../metainfo/info-hash.js'

/** `\x13BitTorrent protocol`. */
export const PROTOCOL = Buffer.from('\x13BitTorrent protocol', 'latin1')
export const RESERVED_LENGTH = 8
/** Protocol string, reserved bits and info-hash: after these the other side may answer. */
export const HANDSHAKE_HEAD_LENGTH = PROTOCOL.length + RESERVED_LENGTH + 20
export const HANDSHAKE_LENGTH = HANDSHAKE_HEAD_LENGTH + 20

/** Our whole handshake. No reserved bit is set until an extension is built. */
export function encodeHandshake(infoHash: InfoHash, peerId: PeerId): Buffer {
  return Buffer.concat([PROTOCOL, Buffer.alloc(RESERVED_LENGTH), infoHash, peerId], HANDSHAKE_LENGTH)
}
