/**
 * The URLs that a .torrent names: trackers in tiers (BEP 3, 12) and web seeds (BEP 19). All of it is optional, so what is wrong is
 * left out with a warning. Whether a URL may be asked is for those to say who ask it.
 */
import { DHT_MAX_GIVEN_NODES, MAX_TRACKERS, MAX_URL_BYTES, MAX_WEB_SEEDS } from '../limits.js'
import type { BencodeValue } from './bencode.js'

/**
 * Tiers of tracker URLs, no URL twice, in the order of the file; the shuffle within a tier is for the one who announces.
 * BEP 12: > If the client is compatible with the multitracker specification, and if the "announce-list" key is present, the client
 * will ignore the "announce" key. It is heeded all the same when the list has no usable URL.
 */
export function readTrackers(root: BencodeValue, warnings: string[]): string[][] {
  const urls = new UrlCollector('tracker', MAX_TRACKERS)
  const tiers: string[][] = []
  const list = root.get('announce-list')
  if (list && !list.items()) urls.ignored++
  for (const tier of list?.items() ?? []) {
    if (!tier.items()) urls.ignored++
    const accepted = urls.accept(tier.items() ?? [])
    if (accepted.length > 0) tiers.push(accepted)
  }
  const announce = root.get('announce')
  if (tiers.length === 0 && announce) tiers.push(urls.accept([announce]))
  urls.report(warnings)
  return tiers.filter(tier => tier.length > 0)
}

/** Web seeds, no URL twice. That of a folder ends with a slash, as BEP 19 wants, whether or not the file says so. */
export function readWebSeeds(root: BencodeValue, hasManyFiles: boolean, warnings: string[]): string[] {
  const urls = new UrlCollector('web seed', MAX_WEB_SEEDS)
  const value = root.get('url-list')
  const listed = value?.kind === 'string' ? [value] : value?.items()
  if (value && !listed) urls.ignored++
  const seeds = urls.accept(listed ?? [])
  urls.report(warnings)
  return seeds.map(url => (hasManyFiles && !url.endsWith('/') ? `${url}/` : url).replaceAll(' ', '%20'))
}

/** BEP 5: `nodes`, a list of host and port each, for torrents without a tracker. As `host:port`; what makes no sense is left out. */
export function readDhtNodes(root: BencodeValue): string[] {
  const nodes: string[] = []
  for (const node of root.get('nodes')?.items() ?? []) {
    const [host, port] = [...(node.items() ?? [])]
    const [name, number] = [host?.text, port?.safeInteger]
    if (nodes.length >= DHT_MAX_GIVEN_NODES) break
    if (name !== undefined && number !== undefined && /^[\w.:-]{1,253}$/.test(name))
      nodes.push(`${name.includes(':') ? `[${name}]` : name}:${number}`)
  }
  return nodes
}

class UrlCollector {
  readonly #what: string
  readonly #max: number
  readonly #seen = new Set<string>()
  #surplus = 0
  /** Parts that were not what they must be. */
  ignored = 0

  constructor(what: string, max: number) {
    this.#what = what
    this.#max = max
  }

  /** The usable URLs of `values` that were not there before. An empty string says "none" and is no fault. */
  accept(values: Iterable<BencodeValue>): string[] {
    const accepted: string[] = []
    for (const value of values) {
      const bytes = value.bytes
      const url = bytes && bytes.length <= MAX_URL_BYTES ? bytes.toString('utf8').trim() : undefined
      if (url === undefined || /\p{Cc}/u.test(url)) this.ignored++
      else if (url !== '' && !this.#seen.has(url) && this.#hasRoom()) {
        this.#seen.add(url)
        accepted.push(url)
      }
    }
    return accepted
  }

  #hasRoom(): boolean {
    if (this.#seen.size < this.#max) return true
    this.#surplus++
    return false
  }

  report(warnings: string[]): void {
    if (this.ignored > 0) warnings.push(`unusable ${this.#what} entries ignored: ${this.ignored}`)
    if (this.#surplus > 0) warnings.push(`${this.#what} URLs ignored beyond the first ${this.#max}: ${this.#surplus}`)
  }
}
