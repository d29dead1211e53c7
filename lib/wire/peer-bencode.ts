/** Bencode inside a peer's message: small, shallow, and its sender's fault when it is none. */
import { ProtocolError } from '../errors.js'
import { MAX_EXTENDED_DEPTH, MAX_EXTENDED_TOKENS } from '../limits.js'
import { decode, type Decoded } from '../metainfo/bencode.js'

/** The dictionary at the start of `bytes`. Throws `ProtocolError` with ERR_BT_MESSAGE_CONTENT; `what` names the message in it. */
export function decodeDictionary(bytes: Uint8Array, what: string): Decoded {
  const decoded = decodeAny(bytes, what)
  if (decoded.value.kind === 'dictionary') return decoded
  throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `${what} that is a ${decoded.value.kind}, not a dictionary`)
}

function decodeAny(bytes: Uint8Array, what: string): Decoded {
  try {
    return decode(bytes, { maxDepth: MAX_EXTENDED_DEPTH, maxTokens: MAX_EXTENDED_TOKENS, allowTrailing: true })
  } catch (error) {
    throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `${what}: ${(error as Error).message}`)
  }
}
