/** What follows from the shared secret and the info-hash: the marks by which both sides find each other, and their ciphers. */
import { createHash } from 'node:crypto'
import type { InfoHash } from '../../metainfo/info-hash.js'
import { Rc4 } from './rc4.js'

/** > the first 1024 bytes of the RC4 output are discarded */
const DISCARDED = 1024

/** Where the initiator's padding ends. */
export function initiatorMark(secret: Buffer): Buffer {
  return hash('req1', secret)
}

/** What a torrent is called while only who knows its info-hash should understand it. */
export function torrentMark(infoHash: InfoHash): Buffer {
  return hash('req2', infoHash)
}

/** Turns a torrent's mark into what goes over the wire, and back. */
export function veiled(mark: Buffer, secret: Buffer): Buffer {
  const veil = hash('req3', secret)
  return Buffer.from(mark.map((byte, at) => byte ^ (veil[at] ?? 0)))
}

/** The cipher of what the initiator says (`A`), or the responder (`B`). */
export function cipherOf(side: 'A' | 'B', secret: Buffer, infoHash: InfoHash): Rc4 {
  const cipher = new Rc4(hash(`key${side}`, secret, infoHash))
  cipher.skip(DISCARDED)
  return cipher
}

function hash(label: string, ...parts: Buffer[]): Buffer {
  const sha1 = createHash('sha1').update(label)
  for (const part of parts) sha1.update(part)
  return sha1.digest()
}
