/** How a connection begins: our handshake alone, or within an encrypted one; or whatever the peer begins with. */
import type { Socket } from 'node:net'
import { methodsOf, type Way } from '../policy/encryption.js'
import { encodeHandshake } from '../wire/handshake.js'
import { Decryptor } from './mse/decryptor.js'
import type { ResponderOptions } from './mse/responder.js'
import type { PeerHost } from './peer-host.js'

export interface Greeting {
  /** For an outgoing connection, whose handshake goes first. */
  readonly host?: PeerHost
  /** How an outgoing connection begins. Default `plain`. */
  readonly way?: Way
  /** For an incoming connection: which torrent a mark means. Without it the peer must speak plainly. */
  readonly torrentFor?: ResponderOptions['torrentFor'] | undefined
}

/** Our handshake (BEP 3). */
export function handshakeOf({ infoHash, peerId, dht }: PeerHost): Buffer {
  return encodeHandshake(infoHash, peerId, dht?.port() !== undefined)
}

/**
 * What stands behind the socket where the peer may speak encrypted. As initiator it sends our handshake along, or calls `introduce` when
 * it is due.
 */
export function decryptorOf(
  { host, way, torrentFor }: Greeting,
  socket: Socket,
  introduce: () => void
): Decryptor | undefined {
  const send = (bytes: Buffer): void => {
    if (!socket.destroyed) socket.write(bytes)
  }
  if (torrentFor) return Decryptor.responder({ torrentFor, send })
  if (!host || way !== 'encrypted') return undefined
  const methods = methodsOf(host.encryption)
  // Transmission 3.00, when it chooses plain text, takes encrypted first words for plain ones and leaves.
  const goesAlong = !methods.includes('plain')
  const initialPayload = goesAlong ? handshakeOf(host) : Buffer.alloc(0)
  const decryptor = Decryptor.initiator({ infoHash: host.infoHash, methods, initialPayload, send })
  if (!goesAlong) decryptor.onAgreement = introduce
  return decryptor
}
