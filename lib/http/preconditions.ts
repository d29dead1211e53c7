/** Conditional requests (RFC 9110, section 13) by entity tag alone: a torrent's bytes never change, and it says no time that is true. */
import type { IncomingHttpHeaders } from 'node:http'

/** `proceed`: as if nothing had been asked. */
export type Precondition = 'proceed' | 'failed' | 'unchanged'

/** `tag`: the strong entity tag with its quotes. */
export function checkPreconditions(headers: IncomingHttpHeaders, tag: string): Precondition {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (match !== undefined && !lists(match, tag, false)) return 'failed'
  // Weak comparison: section 13.1.2.
  return noneMatch !== undefined && lists(noneMatch, tag, true) ? 'unchanged' : 'proceed'
}

/** Whether a `Range` is to be heeded: `If-Range` names what the client has (section 13.1.5). We give no dates, so none matches. */
export function isRangeCurrent(headers: IncomingHttpHeaders, tag: string): boolean {
  const condition = headers['if-range']
  return condition === undefined || String(condition).trim() === tag
}

function lists(header: string, tag: string, isWeak: boolean): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some(listed => (isWeak ? listed.replace(/^W\//, '') : listed) === tag)
}
