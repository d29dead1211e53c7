/**
 * Magnet links (BEP 9, 53): the info-hash, and hints where to find the rest. Whatever is wrong with a hint leaves it out; only the
 * hash must be right. Asks nobody, and does not judge whether an address or URL may be used.
 */
import { MetainfoError } from '../errors.js'
import {
  MAX_MAGNET_LENGTH,
  MAX_MAGNET_PEERS,
  MAX_SELECTED_INDEX,
  MAX_TRACKERS,
  MAX_URL_BYTES,
  MAX_WEB_SEEDS
} from '../limits.js'
import { sanitizeElement } from './file-path.js'
import { asInfoHash, type InfoHash } from './info-hash.js'

export interface Magnet {
  readonly infoHash: InfoHash
  /** `dn`: what somebody calls it, made safe. A hint until the metadata is here. */
  readonly name: string | undefined
  /** `tr`: each tracker is a tier of its own, in the order of the link. */
  readonly trackers: readonly (readonly string[])[]
  /** `x.pe`: addresses of peers as they stand in the link. */
  readonly peers: readonly string[]
  /** `ws`: web seeds (BEP 19). */
  readonly webSeeds: readonly string[]
  /** `xs`: `http(s)` URLs of the .torrent itself. */
  readonly exactSources: readonly string[]
  /** `dht`: addresses of DHT nodes as they stand in the link. */
  readonly dhtNodes: readonly string[]
  /** `so` (BEP 53): positions in the torrent's list of files, rising. */
  readonly selected: readonly number[] | undefined
}

const MAGNET = /^magnet:\/*\?/i
const HEX = /^[\da-f]{40}$/i
const BASE32 = /^[a-z2-7]{32}$/i
/** BEP 9 in the form of BEP 52: a multihash, of which only SHA-256 is one: `12` its kind, `20` its length. */
const MULTIHASH = /^1220[\da-f]{64}$/i

/** True for a magnet link and for a bare info-hash: 40 hexadecimal digits, or 32 letters and digits of base32. Blanks around it do not count. */
export function isMagnet(text: string): boolean {
  const trimmed = text.trim()
  return /^magnet:/i.test(trimmed) || HEX.test(trimmed) || BASE32.test(trimmed)
}

/** Reads a magnet link or a bare info-hash. Throws `MetainfoError` with ERR_BT_MAGNET, or ERR_BT_METAINFO_V2_ONLY. */
export function parseMagnet(text: string): Magnet {
  if (text.length > MAX_MAGNET_LENGTH) refuse(`it is longer than ${MAX_MAGNET_LENGTH} characters`)
  const bare = hashFrom(text)
  const prefix = MAGNET.exec(text)?.[0]
  if (!bare && prefix === undefined) refuse('it does not begin with magnet:?')
  const parameters = new Parameters(bare ? '' : text.slice(prefix?.length ?? 0))
  return {
    infoHash: bare ?? infoHashIn(parameters),
    name: sanitizeElement(parameters.first('dn')?.replaceAll('+', ' ') ?? '', { windows: false }) || undefined,
    trackers: urls(parameters.all('tr'), /^(?:https?|udp):\/\//i, MAX_TRACKERS).map(url => [url]),
    peers: [...new Set(parameters.all('x.pe'))].slice(0, MAX_MAGNET_PEERS),
    webSeeds: urls(parameters.all('ws'), /^https?:\/\//i, MAX_WEB_SEEDS),
    exactSources: urls(parameters.all('xs'), /^https?:\/\//i, MAX_WEB_SEEDS),
    dhtNodes: [...new Set(parameters.all('dht'))].slice(0, MAX_MAGNET_PEERS),
    selected: selection(parameters.all('so'))
  }
}

function refuse(cause: string): never {
  throw new MetainfoError('ERR_BT_MAGNET', `not a usable magnet link: ${cause}`)
}

/** Keys and values in their order. A key may be numbered (`tr.1`), and is written in any case; what cannot be decoded is left out. */
class Parameters {
  readonly #pairs: [key: string, value: string][] = []

  constructor(query: string) {
    for (const part of query.split('&')) {
      const at = part.indexOf('=')
      const key = part.slice(0, Math.max(0, at)).toLowerCase()
      const value = at < 0 ? undefined : decoded(part.slice(at + 1))
      if (value !== undefined && value !== '') this.#pairs.push([key.replace(/\.\d+$/, ''), value])
    }
  }

  all(key: string): string[] {
    return this.#pairs.filter(([name]) => name === key).map(([, value]) => value)
  }

  first(key: string): string | undefined {
    return this.#pairs.find(([name]) => name === key)?.[1]
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Of several topics one may be BitTorrent's; another hash kind beside it (BEP 52) changes nothing. */
function infoHashIn(parameters: Parameters): InfoHash {
  let found: InfoHash | undefined
  let isV2 = false
  for (const topic of parameters.all('xt')) {
    const [, kind, hash = ''] = /^urn:(btih|btmh):(.*)$/is.exec(topic) ?? []
    if (kind?.toLowerCase() === 'btih') {
      const infoHash = hashFrom(hash) ?? refuse('its info-hash is neither 40 hexadecimal digits nor 32 of base32')
      if (found && !found.equals(infoHash)) refuse('it names two torrents')
      found = infoHash
    } else if (kind !== undefined) {
      if (!MULTIHASH.test(hash)) refuse('its version 2 hash (urn:btmh) is no SHA-256 multihash')
      isV2 = true
    }
  }
  if (!found && isV2) {
    throw new MetainfoError('ERR_BT_METAINFO_V2_ONLY', 'the magnet link names only a version 2 torrent (BEP 52)')
  }
  return found ?? refuse('it names no torrent (xt=urn:btih:…)')
}

function hashFrom(text: string): InfoHash | undefined {
  if (HEX.test(text)) return asInfoHash(Buffer.from(text, 'hex'))
  return BASE32.test(text) ? asInfoHash(fromBase32(text)) : undefined
}

/** RFC 4648: 32 characters of five bits are 20 bytes. */
function fromBase32(text: string): Buffer {
  const bytes = Buffer.alloc(20)
  let bits = 0
  let held = 0
  let at = 0
  for (const letter of text.toUpperCase()) {
    bits = ((bits << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter)) & 0xfff
    held += 5
    if (held < 8) continue
    held -= 8
    bytes[at++] = (bits >> held) & 0xff
  }
  return bytes
}

function urls(values: readonly string[], scheme: RegExp, max: number): string[] {
  const usable = values.filter(
    url => scheme.test(url) && Buffer.byteLength(url) <= MAX_URL_BYTES && !/\p{Cc}/u.test(url)
  )
  return [...new Set(usable)].slice(0, max)
}

/** BEP 53: > so=0,2,4,6-8 … Dashes mean inclusive ranges. A range that is none, or that would be endless, is left out. */
function selection(values: readonly string[]): number[] | undefined {
  const ranges: [first: number, last: number][] = []
  for (const range of values.flatMap(value => value.split(','))) {
    const [, first, last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range) ?? []
    if (first !== undefined && Number(last) <= MAX_SELECTED_INDEX) ranges.push([Number(first), Number(last)])
  }
  // In their order each index is written once, however often a link repeats a range.
  const indexes: number[] = []
  for (const [first, last] of ranges.sort(([a], [b]) => a - b))
    for (let index = Math.max(first, (indexes.at(-1) ?? -1) + 1); index <= last; index++) indexes.push(index)
  return indexes.length > 0 ? indexes : undefined
}
