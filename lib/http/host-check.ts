/** Who may ask: requests that call us by a name of ours, and that no foreign page had sent. Pure. */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/**
 * Loopback, any IP address in figures, and `allowed` names (in lower case) pass. A name that an attacker owns is none of these: one that
 * was made to resolve to us (DNS rebinding) would let any page on the web read what we serve.
 */
export function isHostAllowed(header: string | undefined, allowed: ReadonlySet<string>): boolean {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? '') ?? []
  if (bracketed !== undefined) return isIP(bracketed) === 6
  if (plain === undefined) return false
  const name = plain.toLowerCase().replace(/\.$/, '')
  return isIP(name) === 4 || name === 'localhost' || name.endsWith('.localhost') || allowed.has(name)
}

/**
 * A page of another site asks, by an image, a script or `fetch`. It could not read the answer, but it could make us download. To follow
 * a link to us is fine. Browsers say who asks, and pages cannot change it (Fetch Metadata, W3C).
 */
export function isForeignRequest({ 'sec-fetch-site': site, 'sec-fetch-mode': mode }: IncomingHttpHeaders): boolean {
  return (site === 'cross-site' || site === 'same-site') && mode !== 'navigate'
}
