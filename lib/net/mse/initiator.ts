/** The side of the encrypted handshake that dialled (`A`): it names the torrent, offers methods, and sends its first words along. */
import { ProtocolError } from '../../errors.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import type { Method } from '../../policy/encryption.js'
import { KEY_LENGTH, KeyExchange } from './diffie-hellman.js'
import {
  encodeLength,
  encodeMethods,
  LENGTH_LENGTH,
  METHODS_LENGTH,
  paddingLength,
  randomPadding,
  selectedMethod,
  VERIFICATION,
  type Padding
} from './fields.js'
import { behind, bytes, type Script } from './handshake.js'
import { cipherOf, initiatorMark, torrentMark, veiled } from './secrets.js'

export interface InitiatorOptions {
  readonly infoHash: InfoHash
  /** Methods to offer. */
  readonly methods: readonly Method[]
  /** What we would say first without encryption, at most 65,535 bytes: sent before the other side has chosen a method. */
  readonly initialPayload: Buffer
  readonly send: (bytes: Buffer) => void
  /** For tests. */
  readonly keys?: KeyExchange
  readonly padding?: Padding
}

export function* initiate(options: InitiatorOptions): Script {
  const { infoHash, methods, initialPayload, send, keys = new KeyExchange(), padding = randomPadding } = options
  send(Buffer.concat([keys.publicKey, padding()]))
  const secret = keys.secretWith(yield* bytes(KEY_LENGTH))

  const [encrypt, decrypt] = [cipherOf('A', secret, infoHash), cipherOf('B', secret, infoHash)]
  const pad = padding()
  const offer = [VERIFICATION, encodeMethods(methods), encodeLength(pad.length), pad]
  const sealed = encrypt.apply(Buffer.concat([...offer, encodeLength(initialPayload.length), initialPayload]))
  send(Buffer.concat([initiatorMark(secret), veiled(torrentMark(infoHash), secret), sealed]))

  // Behind their padding: the constant as they encrypt it, which is their keystream itself.
  yield* behind(decrypt.apply(VERIFICATION))
  const method = selectedMethod(methods, decrypt.apply(yield* bytes(METHODS_LENGTH)))
  if (method === undefined) throw new ProtocolError('ERR_BT_HANDSHAKE', 'a method of encryption that was not offered')
  const padLength = paddingLength(decrypt.apply(yield* bytes(LENGTH_LENGTH)))
  decrypt.applyInPlace(yield* bytes(padLength))
  return { infoHash, method, encrypt, decrypt, initialLength: 0 }
}
