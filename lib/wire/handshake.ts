/** The 68 bytes that open a connection (BEP 3, "peer protocol"), in two steps: 48 that name the torrent, 20 that name the peer. */
import type { InfoHash, PeerId } from '../metainfo/info-hash.js'

/** `\x13BitTorrent protocol`. */
export const PROTOCOL = Buffer.from('\x13BitTorrent protocol', 'latin1')
export const RESERVED_LENGTH = 8
/** Protocol string, reserved bits and info-hash: after these the other side may answer. */
export const HANDSHAKE_HEAD_LENGTH = PROTOCOL.length + RESERVED_LENGTH + 20
export const HANDSHAKE_LENGTH = HANDSHAKE_HEAD_LENGTH + 20

/** BEP 10: > The bit selected for the extension protocol is bit 20 from the right. */
const EXTENSIONS = { byte: 5, bit: 0x10 }
/** BEP 5: > the last bit of the 8-byte reserved flags */
const DHT = { byte: 7, bit: 0x01 }

/** BEP 6: the third lowest bit of the last byte. */
const FAST = { byte: 7, bit: 0x04 }

/** Our whole handshake. `speaksDht`: we answer others in the DHT. */
export function encodeHandshake(infoHash: InfoHash, peerId: PeerId, speaksDht = false): Buffer {
  const reserved = Buffer.alloc(RESERVED_LENGTH)
  reserved[EXTENSIONS.byte] = EXTENSIONS.bit
  reserved[FAST.byte] = FAST.bit | (speaksDht ? DHT.bit : 0)
  return Buffer.concat([PROTOCOL, reserved, infoHash, peerId], HANDSHAKE_LENGTH)
}

/** Whether these reserved bits say that the peer speaks the extension protocol (BEP 10). */
export function supportsExtensions(reserved: Buffer): boolean {
  return ((reserved[EXTENSIONS.byte] ?? 0) & EXTENSIONS.bit) !== 0
}

/** Whether these reserved bits say that the peer is a node of the DHT (BEP 5). */
export function supportsDht(reserved: Buffer): boolean {
  return ((reserved[DHT.byte] ?? 0) & DHT.bit) !== 0
}

/** Whether these reserved bits say that the peer speaks the fast extension (BEP 6). */
export function supportsFast(reserved: Buffer): boolean {
  return ((reserved[FAST.byte] ?? 0) & FAST.bit) !== 0
}
