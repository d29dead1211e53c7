/**
 * Patterns for paths, as shells have them: `*` and `?` stay within an element, `**` is any number of elements, `[a-z]` and `[!a-z]` are one
 * character, `\` takes the next one as it is. Knows no files; takes time in proportion to pattern × path, whatever either holds.
 */

/** Whether a text has anything in it that makes it a pattern. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text)
}

/**
 * `path` has `/` between its elements. A pattern without a slash is compared with the last element alone: `*.tmp` finds such files in any
 * folder. One with a slash is compared with the whole path.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  const wanted = pattern.replace(/^\/|\/$/g, '').split('/')
  const elements = path.split('/')
  if (wanted.length === 1 && !pattern.startsWith('/'))
    return matchesElement(pattern.replace(/\/$/, ''), elements.at(-1) ?? '')
  return matchesRun(wanted, elements, part => part === '**', matchesElement)
}

function matchesElement(pattern: string, element: string): boolean {
  return matchesRun(tokensOf(pattern), charactersOf(element), token => token === '*', matchesCharacter)
}

/**
 * Whether a row of patterns fits a row of things, where a wildcard fits any number of them. Only the latest wildcard is ever tried again:
 * one before it could take no more than this one can.
 */
function matchesRun(
  patterns: readonly string[],
  things: readonly string[],
  isWildcard: (pattern: string) => boolean,
  fits: (pattern: string, thing: string) => boolean
): boolean {
  let [at, thing] = [0, 0]
  let retry: { at: number; thing: number } | undefined
  while (thing < things.length) {
    const pattern = patterns[at]
    if (pattern !== undefined && isWildcard(pattern)) {
      retry = { at, thing }
      at++
    } else if (pattern !== undefined && fits(pattern, things[thing] ?? '')) {
      at++
      thing++
    } else if (retry) {
      retry = { at: retry.at, thing: retry.thing + 1 }
      at = retry.at + 1
      thing = retry.thing
    } else return false
  }
  return patterns.slice(at).every(isWildcard)
}

/** `*`, `?`, `[…]`, `\x` and plain characters; a bracket that is never closed is a plain character. */
function tokensOf(pattern: string): string[] {
  return pattern.match(/\*+|\[[!^]?\]?[^\]]*\]|\\[^]|[^]/gu)?.map(token => (token.startsWith('**') ? '*' : token)) ?? []
}

function matchesCharacter(token: string, character: string): boolean {
  if (token === '?') return true
  if (token.length > 2 && token.startsWith('[')) return isInSet(token.slice(1, -1), character)
  return (token.length > 1 && token.startsWith('\\') ? token.slice(1) : token) === character
}

function isInSet(set: string, character: string): boolean {
  const isNegated = /^[!^]/.test(set)
  const members = charactersOf(isNegated ? set.slice(1) : set)
  let isMember = false
  for (let i = 0; i < members.length; i++) {
    const first = members[i] ?? ''
    const isRange = members[i + 1] === '-' && i + 2 < members.length
    const last = isRange ? (members[i + 2] ?? '') : first
    if (first <= character && character <= last) isMember = true
    if (isRange) i += 2
  }
  return isMember !== isNegated
}

/** Code points: one beyond U+FFFF is one character. */
function charactersOf(text: string): string[] {
  return text.match(/[^]/gu) ?? []
}
