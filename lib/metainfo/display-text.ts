/** Words of strangers, made fit for a terminal, a log or a page: no control, no invisible character. */

/**
 * Characters that show nothing and reorder or hide what stands around them: bidirectional marks and overrides, zero-width spaces
 * and joiners, invisible operators, the byte order mark.
 */
export const INVISIBLE = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g

/** UTF-8 text of at most `maxBytes`: line breaks and tabs become spaces, other controls and invisible characters go. */
export function displayText(bytes: Uint8Array, maxBytes: number): string {
  const text = Buffer.from(bytes.subarray(0, maxBytes)).toString('utf8')
  const whole = bytes.length > maxBytes ? text.replace(/\ufffd$/, '') : text
  return whole
    .replace(/[\t\r\n]+/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .replace(INVISIBLE, '')
    .trim()
}
