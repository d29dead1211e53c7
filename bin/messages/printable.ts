/** Text for a terminal or a log: nothing in it moves the cursor, rings, reorders or hides. */

/** Controls, line and paragraph separators, lone surrogates, marks that reorder or hide. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+/gu

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ')
}
