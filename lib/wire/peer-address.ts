/** Where a peer listens, as text. */

export interface PeerAddress {
  /** An IP address in text, never a name: `1.2.3.4` or `2001:db8::1`. */
  readonly host: string
  /** 1–65535. */
  readonly port: number
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const IPV6_LETTERS = /^[\da-f:.]{2,45}$/i
const MAPPED_IPV4 = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/

/**
 * One spelling for each IP address, or undefined when `text` is none: IPv6 is compressed and in lower case, an IPv4 address
 * mapped into IPv6 is written as IPv4. Short and octal forms of IPv4 and IPv6 zones are not addresses here.
 */
export function canonicalHost(text: string): string | undefined {
  if (IPV4.test(text)) return text
  if (!text.includes(':') || !IPV6_LETTERS.test(text)) return undefined
  // The URL parser is the fast one: ipaddr.js would need 80 µs, and trackers send us thousands.
  const url = `http://[${text}]`
  if (!URL.canParse(url)) return undefined
  const ipv6 = new URL(url).hostname.slice(1, -1)
  const mapped = MAPPED_IPV4.exec(ipv6)
  if (!mapped) return ipv6
  const [high = 0, low = 0] = mapped.slice(1).map(group => Number.parseInt(group, 16))
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** Reads `1.2.3.4:6881` or `[2001:db8::1]:6881`; undefined for anything else, port 0 included. */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  if (!match) return undefined
  const [, ipv6, ipv4, digits] = match
  if (ipv6 !== undefined && !ipv6.includes(':')) return undefined
  const host = canonicalHost(ipv6 ?? ipv4 ?? '')
  const port = Number(digits)
  return host !== undefined && isPort(port) ? { host, port } : undefined
}

/** The text that `parsePeerAddress` reads. */
export function formatPeerAddress({ host, port }: PeerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** True for a port that can be dialled: an integer from 1 to 65535. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}
