/** The datagrams of the UDP tracker protocol (BEP 15, BEP 41), encode and decode. Pure; knows no socket. */
import { MAX_TRACKER_PEERS, MAX_TRACKER_TEXT_BYTES } from '../../limits.js'
import { displayText } from '../../metainfo/display-text.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import { isDialable } from '../../policy/address-rules.js'
import { parseCompactPeers4, parseCompactPeers6 } from '../../wire/compact-peers.js'
import type { AnnounceRequest, AnnounceResponse, ScrapeEntry } from './announce.js'

export const ACTIONS = { connect: 0, announce: 1, scrape: 2, error: 3 } as const
export type Action = (typeof ACTIONS)[keyof typeof ACTIONS]

/** BEP 15: "0x41727101980 // magic constant". */
const PROTOCOL_ID = 0x417_2710_1980n
const EVENTS = { none: 0, completed: 1, started: 2, stopped: 3 } as const
/** BEP 41: URL data goes in options of at most 255 bytes. */
const URL_DATA_OPTION = 2
const MAX_OPTION_BYTES = 255
const ANNOUNCE_BYTES = 98
/** BEP 15: an error has a text; an answer shorter than this for its action is not one. */
const SHORTEST = { [ACTIONS.connect]: 16, [ACTIONS.announce]: 20, [ACTIONS.scrape]: 8, [ACTIONS.error]: 8 } as const

export interface DatagramHead {
  readonly action: Action
  readonly transactionId: number
}

/** Action and transaction id of an answer; undefined when it is too short for its action or has an unknown one. */
export function readHead(datagram: Buffer): DatagramHead | undefined {
  if (datagram.length < 8) return undefined
  const action = Object.values(ACTIONS).find(known => known === datagram.readUInt32BE(0))
  if (action === undefined || datagram.length < SHORTEST[action]) return undefined
  return { action, transactionId: datagram.readUInt32BE(4) }
}

export function encodeConnect(transactionId: number): Buffer {
  const datagram = Buffer.alloc(16)
  datagram.writeBigUInt64BE(PROTOCOL_ID, 0)
  datagram.writeUInt32BE(ACTIONS.connect, 8)
  datagram.writeUInt32BE(transactionId, 12)
  return datagram
}

/** The 8 bytes that every later request begins with. */
export function readConnectionId(datagram: Buffer): Buffer {
  return Buffer.from(datagram.subarray(8, 16))
}

/** `urlData`: path and query of the announce URL, sent as BEP 41 options; empty for none. */
export function encodeAnnounce(
  connectionId: Buffer,
  transactionId: number,
  request: AnnounceRequest,
  urlData = ''
): Buffer {
  const datagram = Buffer.alloc(ANNOUNCE_BYTES)
  connectionId.copy(datagram, 0)
  datagram.writeUInt32BE(ACTIONS.announce, 8)
  datagram.writeUInt32BE(transactionId, 12)
  request.infoHash.copy(datagram, 16)
  request.peerId.copy(datagram, 36)
  datagram.writeBigUInt64BE(BigInt(request.downloaded), 56)
  datagram.writeBigUInt64BE(BigInt(request.left), 64)
  datagram.writeBigUInt64BE(BigInt(request.uploaded), 72)
  datagram.writeUInt32BE(EVENTS[request.event ?? 'none'], 80)
  // 84: our address, 0 for the one the datagram comes from
  datagram.writeUInt32BE(request.key, 88)
  datagram.writeInt32BE(request.numWant, 92)
  datagram.writeUInt16BE(request.port, 96)
  return Buffer.concat([datagram, ...urlDataOptions(urlData)])
}

/** An announce answer; its peers have 18 bytes when it came over IPv6. The head was read before. */
export function readAnnounce(datagram: Buffer, family: 4 | 6): AnnounceResponse {
  const parse = family === 4 ? parseCompactPeers4 : parseCompactPeers6
  const intervalSeconds = datagram.readUInt32BE(8)
  return {
    intervalMs: intervalSeconds > 0 ? intervalSeconds * 1000 : undefined,
    leechers: datagram.readUInt32BE(12),
    seeders: datagram.readUInt32BE(16),
    peers: parse(datagram.subarray(20), MAX_TRACKER_PEERS).filter(peer => isDialable(peer.host))
  }
}

export function encodeScrape(connectionId: Buffer, transactionId: number, infoHashes: readonly InfoHash[]): Buffer {
  const head = Buffer.alloc(16)
  connectionId.copy(head, 0)
  head.writeUInt32BE(ACTIONS.scrape, 8)
  head.writeUInt32BE(transactionId, 12)
  return Buffer.concat([head, ...infoHashes])
}

/** An entry for each of the `count` info-hashes asked for; undefined where the answer is too short. */
export function readScrape(datagram: Buffer, count: number): (ScrapeEntry | undefined)[] {
  return Array.from({ length: count }, (_, index) => {
    const at = 8 + 12 * index
    if (at + 12 > datagram.length) return undefined
    return {
      seeders: datagram.readUInt32BE(at),
      completed: datagram.readUInt32BE(at + 4),
      leechers: datagram.readUInt32BE(at + 8)
    }
  })
}

/** Text of an error answer, fit for a terminal. */
export function readError(datagram: Buffer): string {
  return displayText(datagram.subarray(8), MAX_TRACKER_TEXT_BYTES)
}

function urlDataOptions(urlData: string): Buffer[] {
  const bytes = Buffer.from(urlData)
  const options: Buffer[] = []
  for (let at = 0; at < bytes.length; at += MAX_OPTION_BYTES) {
    const part = bytes.subarray(at, at + MAX_OPTION_BYTES)
    options.push(Buffer.from([URL_DATA_OPTION, part.length]), part)
  }
  return options
}
