/** A tracker's URL, read and judged before anything is sent to it. */
import { announceKeyRefusal, isInternationalName, urlRefusal } from '../../policy/url-rules.js'
import { redactUrl } from '../../policy/redact.js'
import { MAX_URL_BYTES } from '../../limits.js'
import { trackerError } from './tracker-fault.js'

export interface TrackerUrl {
  readonly protocol: 'http' | 'udp'
  readonly url: URL
  /** Name or address, without brackets. */
  readonly host: string
  /** 1–65535. */
  readonly port: number
  /** For messages: without passkeys and credentials. */
  readonly redacted: string
}

/** Reads an announce URL of a torrent. Throws `TrackerError` with ERR_BT_TRACKER_URL. */
export function parseTrackerUrl(text: string): TrackerUrl {
  if (Buffer.byteLength(text) > MAX_URL_BYTES || !URL.canParse(text))
    throw trackerError('ERR_BT_TRACKER_URL', 'not a usable URL')
  const url = new URL(text)
  const redacted = redactUrl(text)
  if (url.protocol === 'udp:') return { protocol: 'udp', redacted, ...udpParts(url) }
  const refusal = urlRefusal(url, 'tracker') ?? announceKeyRefusal(url)
  if (refusal !== undefined) throw trackerError('ERR_BT_TRACKER_URL', refusal)
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { protocol: 'http', url, redacted, host: bareHost(url), port }
}

/** BEP 48: the announce URL with `scrape` for `announce` after its last slash; undefined when the tracker has none. */
export function scrapeUrlOf({ url }: TrackerUrl): URL | undefined {
  const at = url.pathname.lastIndexOf('/') + 1
  if (!url.pathname.startsWith('announce', at)) return undefined
  const scrape = new URL(url)
  scrape.pathname = `${url.pathname.slice(0, at)}scrape${url.pathname.slice(at + 'announce'.length)}`
  return scrape
}

/** The URL standard leaves hosts of schemes it does not know as they are; read as http they get their one spelling. */
function udpParts(url: URL): { url: URL; host: string; port: number } {
  const asHttp = `http://${url.host}${url.pathname}${url.search}`
  if (url.host === '' || !URL.canParse(asHttp)) throw trackerError('ERR_BT_TRACKER_URL', 'no host')
  const standard = new URL(asHttp)
  const port = Number(url.port)
  if (port === 0) throw trackerError('ERR_BT_TRACKER_URL', 'a udp tracker needs a port')
  if (url.username !== '' || url.password !== '') throw trackerError('ERR_BT_TRACKER_URL', 'udp has no credentials')
  if (isInternationalName(standard.hostname)) {
    throw trackerError('ERR_BT_TRACKER_URL', 'international host names are not allowed')
  }
  const refusal = announceKeyRefusal(standard)
  if (refusal !== undefined) throw trackerError('ERR_BT_TRACKER_URL', refusal)
  return { url: standard, host: bareHost(standard), port }
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}
