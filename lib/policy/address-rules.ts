/** What kind of network an IP address belongs to; who may be dialled there is decided by its callers. */
import ipaddr from 'ipaddr.js'

/**
 * - `loopback`: this machine
 * - `private`: everything that is not routed on the internet: home and company networks, link-local, carrier NAT, reserved ranges
 * - `multicast`: groups
 * - `unusable`: no host at all: `0.0.0.0/8`, `::`, broadcast, or text that is not an address
 * - `global`: the internet
 */
export type AddressScope = 'global' | 'private' | 'loopback' | 'multicast' | 'unusable'

const SCOPES: Readonly<Record<string, AddressScope>> = {
  unicast: 'global',
  teredo: 'global',
  loopback: 'loopback',
  multicast: 'multicast',
  unspecified: 'unusable',
  broadcast: 'unusable'
}

/** Scope of an address in text. IPv4 inside IPv6 (mapped, NAT64, 6to4) is judged by the IPv4 address it leads to. */
export function addressScope(host: string): AddressScope {
  if (!ipaddr.IPv4.isValidFourPartDecimal(host) && !(host.includes(':') && ipaddr.IPv6.isValid(host))) return 'unusable'
  const address = ipaddr.parse(host)
  const inner = address instanceof ipaddr.IPv6 ? innerIpv4(address) : undefined
  const scope = SCOPES[(inner ?? address).range()] ?? 'private'
  // RFC 4291: of IPv6, only 2000::/3 is handed out to the internet.
  if (scope === 'global' && !inner && address instanceof ipaddr.IPv6 && !isGlobalUnicast(address)) return 'private'
  return scope
}

/** Of addresses in their one spelling: `0.0.0.0/8`, `224.0.0.0/4`, broadcast, `::` and `ff00::/8`. */
const NO_HOST = /^(?:0\.|22[4-9]\.|23\d\.|255\.255\.255\.255$|::$|ff[\da-f]{2}:)/

/** True for an address that a peer can have; the host of a `PeerAddress`. Asked for thousands at once, so it is fast. */
export function isDialable(host: string): boolean {
  return !NO_HOST.test(host)
}

/** The network that an address is of, as far as one owner goes: /24 of IPv4, /64 of IPv6. */
export function networkOf(host: string): string {
  if (!host.includes(':')) return host.slice(0, host.lastIndexOf('.'))
  const [head = '', tail] = host.split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  return [
    ...groups,
    ...new Array<string>(missing).fill('0'),
    ...(tail === undefined || tail === '' ? [] : tail.split(':'))
  ]
    .slice(0, 4)
    .join(':')
}

function isGlobalUnicast(address: ipaddr.IPv6): boolean {
  return ((address.toByteArray()[0] ?? 0) & 0xe0) === 0x20
}

/** Ranges of IPv6 that hold an IPv4 address in their last 4 bytes: `::ffff:0:0/96`, `::ffff:0:0:0/96` and `64:ff9b::/96`. */
const MAPPED_RANGES = new Set(['ipv4Mapped', 'rfc6145', 'rfc6052'])

function innerIpv4(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray()
  const range = address.range()
  if (MAPPED_RANGES.has(range)) return new ipaddr.IPv4(bytes.slice(12))
  // RFC 3056: 2002:aabb:ccdd::/48 leads to aa.bb.cc.dd.
  return range === '6to4' ? new ipaddr.IPv4(bytes.slice(2, 6)) : undefined
}
