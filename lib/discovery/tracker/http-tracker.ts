/** Asks a tracker over HTTP (BEP 3) once; when and how often is not decided here. */
import type { Clock } from '../../clock.js'
import type { TrackerError } from '../../errors.js'
import { HTTP_TOTAL_MS, MAX_TRACKER_RESPONSE_BYTES } from '../../limits.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import { addressScope } from '../../policy/address-rules.js'
import { fetchBytes } from '../../transport/fetch-bytes.js'
import type { NameLookup } from '../../transport/name-lookup.js'
import { TransportError } from '../../transport/transport-error.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import type { AnnounceRequest, AnnounceResponse, PeerName, ScrapeEntry } from './announce.js'
import { parseAnnounceResponse, parseScrapeResponse, quoteOf, refusalOf } from './http-response.js'
import { fromTransport, trackerError } from './tracker-fault.js'
import { scrapeUrlOf, type TrackerUrl } from './tracker-url.js'

export interface HttpTrackerOptions {
  readonly userAgent: string
  readonly names: NameLookup
  readonly clock: Clock
}

export class HttpTracker {
  readonly #options: HttpTrackerOptions

  constructor(options: HttpTrackerOptions) {
    this.#options = options
  }

  /** Rejects with a `TrackerError`, or with the signal's reason. */
  async announce(
    tracker: TrackerUrl,
    request: AnnounceRequest,
    signal: AbortSignal,
    timeoutMs = HTTP_TOTAL_MS
  ): Promise<AnnounceResponse> {
    const body = await this.#get(withQuery(tracker.url, announceQuery(request)), signal, timeoutMs)
    const response = parseAnnounceResponse(body)
    const named = await Promise.all((response.names ?? []).map(name => this.#addressOf(name, signal)))
    return { ...response, peers: [...response.peers, ...named.flat()] }
  }

  /** An entry for each info-hash that the tracker knows, in order. Rejects as `announce` does. */
  async scrape(tracker: TrackerUrl, infoHashes: readonly InfoHash[], signal: AbortSignal) {
    const url = scrapeUrlOf(tracker)
    if (!url) throw trackerError('ERR_BT_TRACKER_URL', 'this tracker has no scrape URL')
    const query = infoHashes.map(infoHash => `info_hash=${percentEncode(infoHash)}`).join('&')
    const body = await this.#get(withQuery(url, query), signal, HTTP_TOTAL_MS)
    return parseScrapeResponse(body, infoHashes) satisfies (ScrapeEntry | undefined)[]
  }

  async #get(url: string, signal: AbortSignal, totalMs: number): Promise<Buffer> {
    try {
      const maxBytes = MAX_TRACKER_RESPONSE_BYTES
      return await fetchBytes(url, { ...this.#options, trust: 'tracker', maxBytes, totalMs, signal })
    } catch (error) {
      throw error instanceof TransportError ? asTrackerError(error) : error
    }
  }

  /** Names come from the tracker: they lead to the internet or nowhere. */
  async #addressOf({ name, port }: PeerName, signal: AbortSignal): Promise<PeerAddress[]> {
    try {
      const addresses = await this.#options.names.resolve(name, signal)
      const global = addresses.filter(address => addressScope(address) === 'global')
      // One of each family: which of them works is found out by dialling both.
      const hosts = [global.find(host => !host.includes(':')), global.find(host => host.includes(':'))]
      return hosts.flatMap(host => (host === undefined ? [] : [{ host, port }]))
    } catch {
      signal.throwIfAborted()
      return []
    }
  }
}

/** The query of BEP 3 with `compact=1` (BEP 23), binary values percent-encoded byte by byte. */
export function announceQuery(request: AnnounceRequest): string {
  const { infoHash, peerId, key, port, uploaded, downloaded, left, event, numWant, trackerId } = request
  const pairs = [
    `info_hash=${percentEncode(infoHash)}`,
    `peer_id=${percentEncode(peerId)}`,
    `port=${port}`,
    `uploaded=${uploaded}`,
    `downloaded=${downloaded}`,
    `left=${left}`,
    `key=${key.toString(16).padStart(8, '0')}`,
    `numwant=${numWant}`,
    'compact=1'
  ]
  if (event) pairs.push(`event=${event}`)
  if (trackerId) pairs.push(`trackerid=${percentEncode(trackerId)}`)
  return pairs.join('&')
}

/** RFC 3986: unreserved characters stand for themselves, every other byte is `%XX`. */
function percentEncode(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/[^\w.~-]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** Adds to the query that the URL may have: some trackers keep a passkey there. */
function withQuery(url: URL, query: string): string {
  const whole = new URL(url)
  whole.hash = ''
  whole.search = url.search === '' ? query : `${url.search}&${query}`
  return whole.href
}

/** With an HTTP error there may be the tracker's own reason, or words that help to see who answered. */
function asTrackerError(error: TransportError): TrackerError {
  if (!error.body) return fromTransport(error)
  return refusalOf(error.body) ?? fromTransport(error, quoteOf(error.body))
}
