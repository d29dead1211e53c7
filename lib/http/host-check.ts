/** Which `Host` a request may name. A foreign name that resolves to us (DNS rebinding) would let any page on the web read what we serve. */
import { isIP } from 'node:net'

/** Loopback, any IP address in figures, and `allowed` names pass: a name that an attacker owns is none of these. */
export function isHostAllowed(header: string | undefined, allowed: ReadonlySet<string>): boolean {
  if (header === undefined) return false
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/i.exec(header) ?? []
  if (bracketed !== undefined) return isIP(bracketed) === 6
  if (plain === undefined) return false
  const name = plain.toLowerCase().replace(/\.$/, '')
  return isIP(name) === 4 || name === 'localhost' || name.endsWith('.localhost') || allowed.has(name)
}
