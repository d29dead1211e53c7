/** The messages of the peer wire protocol as one table and one union (BEP 3, "peer messages"; 5, 6, 10). Knows no bytes beyond lengths. */
import type { InfoHash, PeerId } from '../metainfo/info-hash.js'

/** A message's payload without a copy: views on socket chunks, valid until the message has been handled. */
export interface BlockData {
  readonly length: number
  /** Copies all bytes into `target` from `targetStart` on. */
  copy(target: Buffer, targetStart?: number): unknown
}

/** A range inside one piece, as peers name it. Numbers are as received: not checked against a torrent. */
export interface BlockSpan {
  readonly piece: number
  readonly begin: number
  readonly length: number
}

export type WireMessage =
  /** First 48 bytes of the handshake: enough to answer. */
  | { readonly type: 'handshake'; readonly reserved: Buffer; readonly infoHash: InfoHash }
  /** The last 20 bytes of the handshake. */
  | { readonly type: 'peerId'; readonly peerId: PeerId }
  | { readonly type: 'choke' }
  | { readonly type: 'unchoke' }
  | { readonly type: 'interested' }
  | { readonly type: 'notInterested' }
  | { readonly type: 'have'; readonly piece: number }
  | { readonly type: 'bitfield'; readonly bits: Buffer }
  | ({ readonly type: 'request' } & BlockSpan)
  /** BEP 3 calls this message "piece". */
  | { readonly type: 'block'; readonly piece: number; readonly begin: number; readonly data: BlockData }
  | ({ readonly type: 'cancel' } & BlockSpan)
  | { readonly type: 'port'; readonly port: number }
  // BEP 6, between peers that both say that they speak it.
  | { readonly type: 'suggest'; readonly piece: number }
  | { readonly type: 'haveAll' }
  | { readonly type: 'haveNone' }
  | ({ readonly type: 'reject' } & BlockSpan)
  | { readonly type: 'allowedFast'; readonly piece: number }
  /** BEP 10: `id` is 0 for its handshake, else what the receiver's handshake gave the extension. */
  | { readonly type: 'extended'; readonly id: number; readonly payload: Buffer }
  /** An id we do not know; its payload was skipped. */
  | { readonly type: 'unknown'; readonly id: number; readonly length: number }

export type SentMessage = Exclude<WireMessage, { type: 'handshake' | 'peerId' | 'block' | 'unknown' }>

interface MessageRow {
  readonly id: number
  /** Payload bytes after the id: exactly this many, or a bound that depends on the torrent. */
  readonly payload: number | 'bitfield' | 'block' | 'extended'
  readonly bep: number
}

/** One row a message: what the decoder checks and docs/architecture.md shows. */
export const MESSAGES = {
  choke: { id: 0, payload: 0, bep: 3 },
  unchoke: { id: 1, payload: 0, bep: 3 },
  interested: { id: 2, payload: 0, bep: 3 },
  notInterested: { id: 3, payload: 0, bep: 3 },
  have: { id: 4, payload: 4, bep: 3 },
  bitfield: { id: 5, payload: 'bitfield', bep: 3 },
  request: { id: 6, payload: 12, bep: 3 },
  block: { id: 7, payload: 'block', bep: 3 },
  cancel: { id: 8, payload: 12, bep: 3 },
  port: { id: 9, payload: 2, bep: 5 },
  suggest: { id: 13, payload: 4, bep: 6 },
  haveAll: { id: 14, payload: 0, bep: 6 },
  haveNone: { id: 15, payload: 0, bep: 6 },
  reject: { id: 16, payload: 12, bep: 6 },
  allowedFast: { id: 17, payload: 4, bep: 6 },
  extended: { id: 20, payload: 'extended', bep: 10 }
} as const satisfies Record<string, MessageRow>

export type MessageName = keyof typeof MESSAGES

const names: (MessageName | undefined)[] = []
for (const [name, row] of Object.entries(MESSAGES)) names[row.id] = name as MessageName

/** Name of a message id, or `undefined` for one we do not know; those of BEP 6 only count where both sides speak it. */
export function messageName(id: number, speaksFast: boolean): MessageName | undefined {
  const name = names[id]
  return name !== undefined && MESSAGES[name].bep === 6 && !speaksFast ? undefined : name
}
