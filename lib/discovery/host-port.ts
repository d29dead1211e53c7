/** A server named by host and port, as in options and .torrent files. Looks nothing up. */
import { canonicalHost, isPort } from '../wire/peer-address.js'

export interface HostPort {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

/** `router.example.org:6881` or `[::1]:6881`; undefined when it is neither. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([\da-fA-F:.]*:[\da-fA-F:.]*)\]|([^\s\p{Cc}:[\]/\\@?#%]{1,253})):(\d{1,5})$/u.exec(text)
  const [, bracketed, plain, digits = ''] = match ?? []
  const host = bracketed === undefined ? plain : canonicalHost(bracketed)
  const port = Number(digits)
  return host !== undefined && isPort(port) ? { host, port } : undefined
}
