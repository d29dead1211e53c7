/**
 * Which URLs and addresses may be asked, so that no torrent can use us against services on this machine or in this network.
 * A name proves nothing: whoever connects must judge the *address* it resolved to, on every redirect anew.
 */
import { addressScope } from './address-rules.js'
import { MAX_REQUEST_URL_LENGTH } from '../limits.js'

/**
 * Who gave us the URL, and so what it may reach:
 * - `user`: typed by the user; anything but a redirect from the internet into a private network
 * - `tracker`: from a torrent; on this machine only paths that begin with `/announce` (or, derived from it, `/scrape`)
 * - `swarm`: any other URL from a torrent or a peer; no query string to a host that is not on the internet
 */
export type UrlTrust = 'user' | 'tracker' | 'swarm'

/** Query keys that an announce adds. A URL that brings one of its own could forge the request (any letter case). */
const ANNOUNCE_KEYS = new Set('info_hash event port left key uploaded downloaded corrupt peer_id'.split(' '))

/** Why an http(s) URL may not be asked, fit for a message; undefined when it may. */
export function urlRefusal(url: URL, trust: UrlTrust): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `scheme ${url.protocol} is not allowed`
  if (url.href.length > MAX_REQUEST_URL_LENGTH) return 'URL is too long'
  if (url.hostname === '') return 'no host'
  if (url.port === '0') return 'port 0'
  if (trust !== 'user' && isInternationalName(url.hostname)) return 'international host names are not allowed'
  return undefined
}

/** Why this URL may not be asked at this address of its host; `cameFromGlobal`: a host on the internet redirected to it. */
export function addressRefusal(
  url: URL,
  address: string,
  trust: UrlTrust,
  { cameFromGlobal }: { cameFromGlobal: boolean }
): string | undefined {
  const scope = addressScope(address)
  if (scope === 'multicast' || scope === 'unusable') return `address ${address} is not a host`
  if (scope === 'global') return undefined
  if (cameFromGlobal) return `redirect from the internet to the ${scope} address ${address}`
  if (trust === 'tracker' && scope === 'loopback' && !/^\/(?:announce|scrape)/.test(url.pathname)) {
    return 'a tracker on this machine must have a path that begins with /announce'
  }
  if (trust === 'swarm' && url.search !== '') return `a query string to the ${scope} address ${address}`
  return undefined
}

/** True for a host name with letters beyond ASCII, written out or as `xn--` (look-alike names: refused from torrents). */
export function isInternationalName(host: string): boolean {
  return host.split('.').some(label => /^xn--/i.test(label) || /[^\x20-\x7e]/.test(label))
}

/** Why the query of a tracker's URL, as the torrent has it, is refused; undefined when it is not. */
export function announceKeyRefusal(url: URL): string | undefined {
  for (const key of url.searchParams.keys()) {
    if (ANNOUNCE_KEYS.has(key.toLowerCase())) return `the URL already has the key ${key.toLowerCase()}`
  }
  return undefined
}
