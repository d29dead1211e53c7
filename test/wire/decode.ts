/** Messages of a `WireReader` in a form that can be compared and kept. */
import { encodeHandshake } from '../../lib/wire/handshake.js'
import { asInfoHash, asPeerId } from '../../lib/metainfo/info-hash.js'
import { BLOCK_HEADER_LENGTH, encodeMessage, KEEP_ALIVE, writeBlockHeader } from '../../lib/wire/codec.js'
import type { SentMessage, WireMessage } from '../../lib/wire/message.js'
import { WireReader } from '../../lib/wire/wire-reader.js'

/** A block with its bytes instead of views on them. */
export type PlainMessage =
  | Exclude<WireMessage, { type: 'block' }>
  | { readonly type: 'block'; readonly piece: number; readonly begin: number; readonly data: Buffer }

/** What can be said after the handshake. */
export type Spoken =
  | SentMessage
  | { readonly type: 'block'; readonly piece: number; readonly begin: number; readonly data: Buffer }
  | { readonly type: 'keepAlive' }

export const INFO_HASH = asInfoHash(Buffer.alloc(20, 0xaa))
export const PEER_ID = asPeerId(Buffer.from('-XX0001-abcdefghijkl'))
export const HANDSHAKE = encodeHandshake(INFO_HASH, PEER_ID)

/** A reader that has the handshake behind it. */
export function openReader(bitfieldLength?: number): WireReader {
  const reader = new WireReader(bitfieldLength)
  decode(reader, [HANDSHAKE])
  return reader
}

/** Feeds the chunks and takes every message as soon as it is there; `messages` has those before a fault too. */
export function decode(reader: WireReader, chunks: readonly Buffer[], messages: PlainMessage[] = []): PlainMessage[] {
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(plain(message))
  }
  return messages
}

/** As it stands on the wire. */
export function encode(message: Spoken): Buffer {
  if (message.type === 'keepAlive') return KEEP_ALIVE
  if (message.type !== 'block') return encodeMessage(message)
  const head = Buffer.alloc(BLOCK_HEADER_LENGTH)
  writeBlockHeader(head, 0, { piece: message.piece, begin: message.begin, length: message.data.length })
  return Buffer.concat([head, message.data])
}

function plain(message: WireMessage): PlainMessage {
  if (message.type !== 'block') return message
  const data = Buffer.alloc(message.data.length)
  message.data.copy(data)
  return { ...message, data }
}
