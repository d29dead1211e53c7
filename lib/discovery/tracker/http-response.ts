/** Reads what an HTTP tracker answered (BEP 3, 7, 23, 24, 31, 48). Pure; every byte is a stranger's. */
import {
  MAX_TRACKER_BENCODE_DEPTH,
  MAX_TRACKER_BENCODE_TOKENS,
  MAX_TRACKER_PEERS,
  MAX_TRACKER_PEER_NAMES,
  MAX_TRACKER_TEXT_BYTES
} from '../../limits.js'
import { decode, type BencodeValue } from '../../metainfo/bencode.js'
import { displayText } from '../../metainfo/display-text.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import { isDialable } from '../../policy/address-rules.js'
import { addressFromBytes, parseCompactPeers4, parseCompactPeers6 } from '../../wire/compact-peers.js'
import { canonicalHost, isPort, type PeerAddress } from '../../wire/peer-address.js'
import type { AnnounceResponse, PeerName, ScrapeEntry } from './announce.js'
import { responseError, TrackerRefusal } from './tracker-fault.js'

/** Bytes of an unreadable answer that the error quotes. */
const QUOTE_BYTES = 64
/** A tracker id longer than this is not sent back, bytes. */
const MAX_TRACKER_ID = 256

/**
 * Reads an announce answer. Unusable peers are left out; an answer that has neither peers nor an interval is no answer.
 * Throws `TrackerRefusal` for a `failure reason`, else `TrackerError` with ERR_BT_TRACKER_RESPONSE.
 */
export function parseAnnounceResponse(body: Uint8Array): AnnounceResponse {
  const root = answerOf(body)
  const intervalMs = millisecondsOf(root.get('interval'))
  const lists = [root.get('peers'), root.get('peers6')]
  if (intervalMs === undefined && lists.every(list => list === undefined))
    throw responseError('an answer without peers')
  const trackerId = root.get('tracker id')?.bytes
  return {
    ...peersOf(root),
    intervalMs,
    minIntervalMs: millisecondsOf(root.get('min interval')),
    seeders: countOf(root.get('complete')),
    leechers: countOf(root.get('incomplete')),
    warning: textOf(root.get('warning message')),
    trackerId: trackerId && trackerId.length <= MAX_TRACKER_ID ? Buffer.from(trackerId) : undefined,
    externalHost: addressFromBytes(root.get('external ip')?.bytes ?? new Uint8Array())
  }
}

/** Reads a scrape answer (BEP 48): an entry for each of `infoHashes`, undefined where the tracker has none. Throws as above. */
export function parseScrapeResponse(body: Uint8Array, infoHashes: readonly InfoHash[]): (ScrapeEntry | undefined)[] {
  const files = answerOf(body).get('files')
  if (files?.kind !== 'dictionary') throw responseError('a scrape answer without files')
  return infoHashes.map(infoHash => {
    const file = files.get(infoHash.toString('latin1'))
    return file && scrapeEntryOf(file)
  })
}

/** The tracker's own reason if `body` is a refusal, as comes with some HTTP errors. */
export function refusalOf(body: Uint8Array): TrackerRefusal | undefined {
  try {
    answerOf(body)
  } catch (error) {
    if (error instanceof TrackerRefusal) return error
  }
  return undefined
}

/** The start of an answer that was no answer, for a message. */
export function quoteOf(body: Uint8Array): string {
  const text = displayText(body, QUOTE_BYTES)
  return text === '' ? 'nothing' : `"${text}"`
}

function answerOf(body: Uint8Array): BencodeValue {
  let root: BencodeValue
  try {
    const caps = { maxDepth: MAX_TRACKER_BENCODE_DEPTH, maxTokens: MAX_TRACKER_BENCODE_TOKENS }
    root = decode(body, { ...caps, allowTrailing: true }).value
  } catch {
    throw responseError(`not a tracker's answer: ${quoteOf(body)}`)
  }
  if (root.kind !== 'dictionary') throw responseError(`not a tracker's answer: ${quoteOf(body)}`)
  const failure = root.get('failure reason')
  if (failure) throw new TrackerRefusal(textOf(failure) ?? '', retryAfterMsOf(root.get('retry in')))
  return root
}

function peersOf(root: BencodeValue): { peers: PeerAddress[]; names: PeerName[] } {
  const found = new Map<string, PeerAddress>()
  const names = new Map<string, PeerName>()
  const add = (peer: PeerAddress) => {
    if (found.size < MAX_TRACKER_PEERS && isDialable(peer.host)) found.set(`${peer.host} ${peer.port}`, peer)
  }
  for (const [key, parse] of [
    ['peers', parseCompactPeers4],
    ['peers6', parseCompactPeers6]
  ] as const) {
    const list = root.get(key)
    parse(list?.bytes ?? new Uint8Array(), MAX_TRACKER_PEERS).forEach(add)
    let examined = 0
    for (const entry of list?.items() ?? []) {
      if (examined++ === MAX_TRACKER_PEERS) break
      const peer = dictionaryPeerOf(entry)
      if (!peer) continue
      if ('host' in peer) add(peer)
      else if (names.size < MAX_TRACKER_PEER_NAMES) names.set(`${peer.name} ${peer.port}`, peer)
    }
  }
  return { peers: [...found.values()], names: [...names.values()] }
}

/** BEP 3: a dictionary with `ip` ("dns name or ip address") and `port`. */
function dictionaryPeerOf(entry: BencodeValue): PeerAddress | PeerName | undefined {
  const ip = entry.get('ip')?.text
  const port = entry.get('port')?.safeInteger
  if (ip === undefined || port === undefined || !isPort(port)) return undefined
  const host = canonicalHost(ip)
  if (host !== undefined) return { host, port }
  return /^[\w.-]{1,253}$/.test(ip) ? { name: ip, port } : undefined
}

function scrapeEntryOf(file: BencodeValue): ScrapeEntry {
  return {
    seeders: countOf(file.get('complete')) ?? 0,
    leechers: countOf(file.get('incomplete')) ?? 0,
    completed: countOf(file.get('downloaded')) ?? 0
  }
}

function countOf(value: BencodeValue | undefined): number | undefined {
  const count = value?.safeInteger
  return count !== undefined && count >= 0 ? count : undefined
}

function millisecondsOf(value: BencodeValue | undefined): number | undefined {
  const seconds = value?.safeInteger
  return seconds !== undefined && seconds > 0 ? seconds * 1000 : undefined
}

/** BEP 31: minutes, or the word `never`. */
function retryAfterMsOf(value: BencodeValue | undefined): number | undefined {
  if (value?.text === 'never') return Infinity
  const minutes = value?.safeInteger ?? (/^\d{1,6}$/.test(value?.text ?? '') ? Number(value?.text) : undefined)
  return minutes !== undefined && minutes > 0 ? minutes * 60_000 : undefined
}

function textOf(value: BencodeValue | undefined): string | undefined {
  const bytes = value?.bytes
  return bytes && displayText(bytes, MAX_TRACKER_TEXT_BYTES)
}
