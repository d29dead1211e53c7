/** The datagrams of the DHT (BEP 5, 32, 33, 42, 43): bencoded queries, responses and errors. Pure; every part of a stranger's is checked. */
import { DHT_MAX_DATAGRAM, DHT_MAX_DEPTH, DHT_MAX_TOKENS, DHT_MAX_TOKEN_BYTES, DHT_MAX_VALUES } from '../../limits.js'
import { decode, encode, type BencodeValue, type Encodable } from '../../metainfo/bencode.js'
import { displayText } from '../../metainfo/display-text.js'
import { isDialable } from '../../policy/address-rules.js'
import {
  addressFromBytes,
  encodeCompactPeers4,
  encodeCompactPeers6,
  parseCompactPeers4,
  parseCompactPeers6
} from '../../wire/compact-peers.js'
import { isPort, type PeerAddress } from '../../wire/peer-address.js'
import { encodeContacts, parseContacts, type Contact, type Family } from './contact.js'
import { asNodeId, type NodeId } from './node-id.js'

/** What a query asks. */
export type Question =
  | { readonly method: 'ping' }
  | { readonly method: 'find_node'; readonly target: NodeId; readonly want?: readonly Family[] | undefined }
  | {
      readonly method: 'get_peers'
      readonly target: NodeId
      readonly want?: readonly Family[] | undefined
      /** BEP 33: Bloom filters of the peers are asked for, too. */
      readonly scrape?: boolean
    }
  | {
      readonly method: 'announce_peer'
      readonly target: NodeId
      readonly port: number
      /** The port that the datagram came from is meant. */
      readonly impliedPort: boolean
      readonly token: Buffer
      /** BEP 33. */
      readonly isSeed: boolean
    }

export interface Answer {
  readonly contacts: readonly Contact[]
  readonly peers: readonly PeerAddress[]
  readonly token?: Buffer | undefined
  /** BEP 33: 256 bytes each, of seeds and of others. */
  readonly filters?: { readonly seeds: Buffer; readonly peers: Buffer } | undefined
}

export type KrpcMessage =
  /** `readOnly` (BEP 43): the sender answers no queries. */
  | {
      readonly type: 'query'
      readonly transaction: Buffer
      readonly id: NodeId
      readonly readOnly: boolean
      readonly question: Question
    }
  /** A query that makes no sense, and the error that it is worth. */
  | { readonly type: 'fault'; readonly transaction: Buffer; readonly code: number; readonly message: string }
  /** `seenAs` (BEP 42): the receiver as the sender sees it. */
  | ({
      readonly type: 'response'
      readonly transaction: Buffer
      readonly id: NodeId
      readonly seenAs?: string | undefined
    } & Answer)
  | { readonly type: 'error'; readonly transaction: Buffer; readonly code: number; readonly message: string }

export const ERRORS = { protocol: 203, unknownMethod: 204 } as const
const MAX_TRANSACTION_BYTES = 32
const FILTER_BYTES = 256
/** A question for filters is a third as long as an answer may be. */
const SCRAPE_PADDING = 250
/** Another node's error is cut to this. */
const MAX_ERROR_TEXT_BYTES = 100

/** Undefined for what is none, which nobody answers. */
export function parseKrpc(datagram: Buffer): KrpcMessage | undefined {
  if (datagram.length > DHT_MAX_DATAGRAM) return undefined
  const root = decodeQuietly(datagram)
  const transaction = root?.get('t')?.bytes
  if (!root || !transaction || transaction.length > MAX_TRANSACTION_BYTES) return undefined
  const known = Buffer.from(transaction)
  const kind = root.get('y')?.text
  if (kind === 'q') return parseQuery(root, known)
  if (kind === 'r') return parseResponse(root, known)
  if (kind !== 'e') return undefined
  const [code, message] = root.get('e')?.items() ?? []
  const text = displayText(message?.bytes ?? Buffer.alloc(0), MAX_ERROR_TEXT_BYTES)
  return { type: 'error', transaction: known, code: code?.safeInteger ?? 0, message: text }
}

export function encodeQuery(transaction: Buffer, id: NodeId, question: Question, readOnly: boolean): Buffer {
  return encode({
    a: { id, ...argumentsOf(question) },
    q: question.method,
    // Nodes that answer three times a question's length have room for filters so; nobody reads it.
    ...('scrape' in question && question.scrape && { pad: Buffer.alloc(SCRAPE_PADDING) }),
    ...(readOnly && { ro: 1 }),
    t: transaction,
    y: 'q'
  })
}

/** `to`: whom it is for, who learns so how we see him. */
export function encodeResponse(transaction: Buffer, id: NodeId, answer: Partial<Answer>, to: PeerAddress): Buffer {
  const { contacts = [], peers, token, filters } = answer
  const of = (family: Family): Contact[] =>
    contacts.filter(({ address }) => address.host.includes(':') === (family === 6))
  const [nodes4, nodes6] = [of(4), of(6)]
  const r = {
    id,
    ...(nodes4.length > 0 && { nodes: encodeContacts(nodes4, 4) }),
    ...(nodes6.length > 0 && { nodes6: encodeContacts(nodes6, 6) }),
    ...(peers && peers.length > 0 && { values: peers.map(peer => compact(peer)) }),
    ...(token && { token }),
    ...(filters && { BFsd: filters.seeds, BFpe: filters.peers })
  }
  return encode({ ip: compact(to), r, t: transaction, y: 'r' })
}

export function encodeError(transaction: Buffer, code: number, message: string): Buffer {
  return encode({ e: [code, message], t: transaction, y: 'e' })
}

function argumentsOf(question: Question): Record<string, Encodable | undefined> {
  switch (question.method) {
    case 'ping':
      return {}
    case 'find_node':
      return { target: question.target, want: wantOf(question.want) }
    case 'get_peers':
      return {
        info_hash: question.target,
        want: wantOf(question.want),
        scrape: question.scrape === true ? 1 : undefined
      }
    case 'announce_peer': {
      const { target, port, impliedPort, token, isSeed } = question
      return { info_hash: target, port, token, implied_port: impliedPort ? 1 : undefined, seed: isSeed ? 1 : undefined }
    }
  }
}

function wantOf(want: readonly Family[] | undefined): string[] | undefined {
  return want?.map(family => `n${family}`)
}

function parseQuery(root: BencodeValue, transaction: Buffer): KrpcMessage | undefined {
  const values = root.get('a')
  const id = asNodeId(values?.get('id')?.bytes)
  const method = root.get('q')?.text
  if (method === undefined) return undefined
  const fault = (code: number, message: string): KrpcMessage => ({ type: 'fault', transaction, code, message })
  if (!values || !id) return fault(ERRORS.protocol, 'an id has 20 bytes')
  const question = parseQuestion(method, values)
  if (question === 'unknown') return fault(ERRORS.unknownMethod, 'Method Unknown')
  if (!question) return fault(ERRORS.protocol, 'an argument is missing or makes no sense')
  return { type: 'query', transaction, id, readOnly: root.get('ro')?.safeInteger === 1, question }
}

function parseQuestion(method: string, values: BencodeValue): Question | 'unknown' | undefined {
  const infoHash = asNodeId(values.get('info_hash')?.bytes)
  switch (method) {
    case 'ping':
      return { method }
    case 'find_node': {
      const target = asNodeId(values.get('target')?.bytes)
      return target && { method, target, want: parseWant(values) }
    }
    case 'get_peers':
      return (
        infoHash && {
          method,
          target: infoHash,
          want: parseWant(values),
          scrape: values.get('scrape')?.safeInteger === 1
        }
      )
    case 'announce_peer': {
      const token = values.get('token')?.bytes
      const impliedPort = (values.get('implied_port')?.safeInteger ?? 0) !== 0
      const port = values.get('port')?.safeInteger ?? 0
      if (!infoHash || !token || token.length > DHT_MAX_TOKEN_BYTES || !(impliedPort || isPort(port))) return undefined
      const isSeed = values.get('seed')?.safeInteger === 1
      return { method, target: infoHash, port, impliedPort, token: Buffer.from(token), isSeed }
    }
    default:
      return 'unknown'
  }
}

function parseWant(values: BencodeValue): Family[] | undefined {
  const texts = [...(values.get('want')?.items() ?? [])].map(({ text }) => text)
  const families = ([4, 6] as const).filter(family => texts.includes(`n${family}`))
  return families.length > 0 ? families : undefined
}

function parseResponse(root: BencodeValue, transaction: Buffer): KrpcMessage | undefined {
  const r = root.get('r')
  const id = asNodeId(r?.get('id')?.bytes)
  if (!r || !id) return undefined
  const contacts = ([4, 6] as const).map(family => {
    const bytes = r.get(family === 4 ? 'nodes' : 'nodes6')?.bytes
    return bytes ? parseContacts(bytes, family, DHT_MAX_VALUES) : []
  })
  const [contacts4, contacts6] = contacts
  if (!contacts4 || !contacts6) return undefined
  const token = r.get('token')?.bytes
  return {
    type: 'response',
    transaction,
    id,
    seenAs: seenAs(root.get('ip')?.bytes),
    contacts: [...contacts4, ...contacts6],
    peers: parsePeers(r.get('values')),
    token: token && token.length <= DHT_MAX_TOKEN_BYTES ? Buffer.from(token) : undefined,
    filters: parseFilters(r)
  }
}

/** BEP 32: either length, whichever network it came by. */
function parsePeers(values: BencodeValue | undefined): PeerAddress[] {
  const peers: PeerAddress[] = []
  for (const { bytes } of values?.items() ?? []) {
    if (peers.length >= DHT_MAX_VALUES) break
    const [peer] =
      bytes?.length === 6 ? parseCompactPeers4(bytes) : bytes?.length === 18 ? parseCompactPeers6(bytes) : []
    if (peer && isDialable(peer.host)) peers.push(peer)
  }
  return peers
}

function parseFilters(r: BencodeValue): Answer['filters'] {
  const [seeds, peers] = ['BFsd', 'BFpe'].map(key => r.get(key)?.bytes)
  if (seeds?.length !== FILTER_BYTES || peers?.length !== FILTER_BYTES) return undefined
  return { seeds: Buffer.from(seeds), peers: Buffer.from(peers) }
}

/** BEP 42: an address and a port. */
function seenAs(bytes: Buffer | undefined): string | undefined {
  return bytes && (bytes.length === 6 || bytes.length === 18) ? addressFromBytes(bytes.subarray(0, -2)) : undefined
}

function compact(address: PeerAddress): Buffer {
  return address.host.includes(':') ? encodeCompactPeers6([address]) : encodeCompactPeers4([address])
}

function decodeQuietly(datagram: Buffer): BencodeValue | undefined {
  try {
    return decode(datagram, { maxDepth: DHT_MAX_DEPTH, maxTokens: DHT_MAX_TOKENS }).value
  } catch {
    return undefined
  }
}
