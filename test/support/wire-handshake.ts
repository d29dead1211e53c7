/** A handshake as any peer may send it (BEP 3). */
export function handshakeOf(): Buffer {
  return Buffer.concat([Buffer.from('\x13BitTorrent protocol', 'latin1'), Buffer.alloc(8), Buffer.alloc(40, 0x2d)])
}
