/** A server named by host and port, as in options and .torrent files. Looks nothing up. */
import { isPort } from '../wire/peer-address.js'

export interface HostPort {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

/** `router.example.org:6881` or `[::1]:6881`; undefined when it is neither. */
export function parseHostPort(text: string): HostPort | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]/]{1,253})):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host !== undefined && isPort(port) ? { host, port } : undefined
}
