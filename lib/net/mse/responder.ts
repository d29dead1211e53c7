/** The side of the encrypted handshake that was dialled (`B`): it finds out which of its torrents is meant, and chooses the method. */
import { ProtocolError } from '../../errors.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import type { Method } from '../../policy/encryption.js'
import { KEY_LENGTH, KeyExchange } from './diffie-hellman.js'
import {
  chooseMethod,
  encodeLength,
  encodeMethods,
  LENGTH_LENGTH,
  METHODS_LENGTH,
  paddingLength,
  randomPadding,
  VERIFICATION,
  type Padding
} from './fields.js'
import { behind, bytes, type Script } from './handshake.js'
import { cipherOf, initiatorMark, veiled } from './secrets.js'

export interface ResponderOptions {
  /** The torrent that has this mark (`torrentMark`), if we have it. */
  readonly torrentFor: (mark: Buffer) => SecretTorrent | undefined
  readonly send: (bytes: Buffer) => void
  /** For tests. */
  readonly keys?: KeyExchange
  readonly padding?: Padding
}

export interface SecretTorrent {
  readonly infoHash: InfoHash
  /** Methods that may be used, the best first. */
  readonly methods: readonly Method[]
}

const MARK_LENGTH = 20

export function* respond(options: ResponderOptions): Script {
  const { torrentFor, send, keys = new KeyExchange(), padding = randomPadding } = options
  const secret = keys.secretWith(yield* bytes(KEY_LENGTH))
  send(Buffer.concat([keys.publicKey, padding()]))

  yield* behind(initiatorMark(secret))
  const torrent = torrentFor(veiled(yield* bytes(MARK_LENGTH), secret))
  if (!torrent) throw new ProtocolError('ERR_BT_HANDSHAKE', 'the peer wants another torrent')
  const { infoHash, methods } = torrent
  const [encrypt, decrypt] = [cipherOf('B', secret, infoHash), cipherOf('A', secret, infoHash)]

  const verification = decrypt.apply(yield* bytes(VERIFICATION.length))
  if (!verification.equals(VERIFICATION)) throw new ProtocolError('ERR_BT_HANDSHAKE', 'the encryption does not verify')
  const method = chooseMethod(methods, decrypt.apply(yield* bytes(METHODS_LENGTH)))
  if (method === undefined) throw new ProtocolError('ERR_BT_HANDSHAKE', 'no method of encryption in common')
  const padLength = paddingLength(decrypt.apply(yield* bytes(LENGTH_LENGTH)))
  decrypt.applyInPlace(yield* bytes(padLength))
  const initialLength = decrypt.apply(yield* bytes(LENGTH_LENGTH)).readUInt16BE(0)

  const pad = padding()
  const answer = [VERIFICATION, encodeMethods([method]), encodeLength(pad.length), pad]
  send(encrypt.apply(Buffer.concat(answer)))
  return { infoHash, method, encrypt, decrypt, initialLength }
}
