/** Messages to bytes: the other direction of `WireReader`. */
import { MESSAGES, type BlockSpan, type SentMessage } from './message.js'

export const KEEP_ALIVE = Buffer.alloc(4)

/** Bytes of one request, cancel or reject on the wire. */
const SPAN_MESSAGE_LENGTH = 17
/** Length, id, piece, begin. */
export const BLOCK_HEADER_LENGTH = 13

function header(id: number, payload: number, extra = payload): Buffer {
  const bytes = Buffer.allocUnsafe(5 + extra)
  bytes.writeUInt32BE(1 + payload, 0)
  bytes[4] = id
  return bytes
}

/** One message as it stands on the wire. */
export function encodeMessage(message: SentMessage): Buffer {
  switch (message.type) {
    case 'choke':
    case 'unchoke':
    case 'interested':
    case 'notInterested':
    case 'haveAll':
    case 'haveNone':
      return header(MESSAGES[message.type].id, 0)
    case 'have':
    case 'suggest':
    case 'allowedFast': {
      const bytes = header(MESSAGES[message.type].id, 4)
      bytes.writeUInt32BE(message.piece, 5)
      return bytes
    }
    case 'bitfield':
      return Buffer.concat([header(MESSAGES.bitfield.id, message.bits.length, 0), message.bits])
    case 'request':
    case 'cancel':
    case 'reject':
      return encodeSpans(message.type, [message])
    case 'port': {
      const bytes = header(MESSAGES.port.id, 2)
      bytes.writeUInt16BE(message.port, 5)
      return bytes
    }
    case 'extended': {
      const bytes = header(MESSAGES.extended.id, 1 + message.payload.length, 1)
      bytes[5] = message.id
      return Buffer.concat([bytes, message.payload])
    }
  }
}

/** Many requests (or cancels, or rejects) in one buffer, so that they leave in one packet. */
export function encodeSpans(type: 'request' | 'cancel' | 'reject', spans: readonly BlockSpan[]): Buffer {
  const bytes = Buffer.allocUnsafe(SPAN_MESSAGE_LENGTH * spans.length)
  let at = 0
  for (const span of spans) {
    bytes.writeUInt32BE(SPAN_MESSAGE_LENGTH - 4, at)
    bytes[at + 4] = MESSAGES[type].id
    bytes.writeUInt32BE(span.piece, at + 5)
    bytes.writeUInt32BE(span.begin, at + 9)
    bytes.writeUInt32BE(span.length, at + 13)
    at += SPAN_MESSAGE_LENGTH
  }
  return bytes
}

/** Writes at `at` what goes in front of a block's bytes, `BLOCK_HEADER_LENGTH` bytes. */
export function writeBlockHeader(target: Buffer, at: number, { piece, begin, length }: BlockSpan): void {
  target.writeUInt32BE(BLOCK_HEADER_LENGTH - 4 + length, at)
  target[at + 4] = MESSAGES.block.id
  target.writeUInt32BE(piece, at + 5)
  target.writeUInt32BE(begin, at + 9)
}
