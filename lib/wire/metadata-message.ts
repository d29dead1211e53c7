/** The messages of the metadata extension (BEP 9, ut_metadata): a bencoded head, and for data the bytes behind it. */
import { ProtocolError } from '../errors.js'
import { BLOCK_LENGTH, MAX_METADATA_HEAD } from '../limits.js'
import { encode } from '../metainfo/bencode.js'
import { decodeDictionary } from './peer-bencode.js'

/** BEP 9: > The metadata is handled in blocks of 16KiB. */
export const METADATA_PIECE_LENGTH = BLOCK_LENGTH

export type MetadataMessage =
  | { readonly type: 'request' | 'reject'; readonly piece: number }
  | { readonly type: 'data'; readonly piece: number; readonly totalSize: number; readonly bytes: Uint8Array }

const TYPES = ['request', 'data', 'reject'] as const

/**
 * The message, or undefined for a kind that is not known: BEP 9 has it ignored. Throws `ProtocolError` for what is none. Numbers are
 * as received, but never negative.
 */
export function parseMetadataMessage(payload: Buffer): MetadataMessage | undefined {
  if (payload.length > MAX_METADATA_HEAD + METADATA_PIECE_LENGTH) {
    throw new ProtocolError('ERR_BT_MESSAGE_LENGTH', `a metadata message of ${payload.length} bytes`)
  }
  const { value, end } = decodeDictionary(payload.subarray(0, MAX_METADATA_HEAD), 'a metadata message')
  const kind = value.get('msg_type')?.safeInteger
  const piece = value.get('piece')?.safeInteger
  if (kind === undefined || piece === undefined || piece < 0) {
    throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', 'a metadata message without its kind or piece')
  }
  const type = TYPES[kind]
  if (type !== 'data') return type && { type, piece }
  const totalSize = value.get('total_size')?.safeInteger
  if (totalSize === undefined) throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', 'metadata without its total size')
  return { type, piece, totalSize, bytes: payload.subarray(end) }
}

export function encodeMetadataMessage(message: MetadataMessage): Buffer {
  const head = { msg_type: TYPES.indexOf(message.type), piece: message.piece }
  if (message.type !== 'data') return encode(head)
  return Buffer.concat([encode({ ...head, total_size: message.totalSize }), message.bytes])
}
