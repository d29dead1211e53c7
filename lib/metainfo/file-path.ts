/**
 * Names in a .torrent → names that are safe in any folder. The only place where such names are cleaned; it never refuses, it
 * repairs, and the same bytes always give the same name. Knows nothing of disks: whoever opens the file checks again.
 */
import { MAX_NAME_BYTES } from '../limits.js'
import { INVISIBLE } from './display-text.js'

export interface PathRules {
  /** Also obey the rules of Windows: reserved characters and names, no dot or space at the end. */
  readonly windows: boolean
}

/** What stands for an element, or a part of one, that cannot stay. */
const STAND_IN = '_'

/** An extension starts within this many last bytes of a name. */
const EXTENSION_BYTES = 9

/** A path of one or more elements, joined by `/`. An element of which nothing is left becomes `_`: never `.`, `..`, or empty. */
export function sanitizePath(elements: readonly string[], rules: PathRules): string {
  return elements.map(element => sanitizeElement(element, rules) || STAND_IN).join('/')
}

/**
 * One element of a path, as UTF-8 decoding gave it: empty when nothing is left of it, and never `.`, `..`, or with a slash in it.
 * A run of U+FFFD, which is what bad UTF-8 decodes to, becomes one `_`.
 */
export function sanitizeElement(name: string, rules: PathRules): string {
  if (!rules.windows && PLAIN.test(name)) return name
  const clean = name
    .replace(/[/\\]/g, '')
    .replace(INVISIBLE, '')
    .replace(/\p{Cc}|\ufffd+/gu, STAND_IN)
  const element = rules.windows ? fitWindows(shorten(clean.replace(/[?<>"|*:]/g, STAND_IN))) : shorten(clean)
  return element === '.' || element === '..' ? '' : element
}

/** Most names: short, printable ASCII without slashes, not led by a dot. Nothing below would change them. */
const PLAIN = /^[!--0-[\]-~][ -.0-[\]-~]{0,239}$/

/**
 * Cuts a name that file systems would refuse. The character that reaches MAX_NAME_BYTES is kept whole, and so is an extension:
 * at most 242 + 9 bytes, which leaves room for `.499` within the 255 that file systems take.
 */
function shorten(element: string): string {
  if (Buffer.byteLength(element) <= MAX_NAME_BYTES) return element
  let kept = ''
  let keptBytes = 0
  for (const character of element) {
    const size = Buffer.byteLength(character)
    if (keptBytes >= MAX_NAME_BYTES || keptBytes + size > MAX_NAME_BYTES + 2) break
    kept += character
    keptBytes += size
  }
  const dot = element.lastIndexOf('.')
  const extension = element.slice(Math.max(dot, 0))
  return dot >= kept.length && Buffer.byteLength(extension) <= EXTENSION_BYTES ? kept + extension : kept
}

/** Devices of DOS that Windows still finds in every folder, whatever the extension. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)/i

function fitWindows(element: string): string {
  const trimmed = element.replace(/[. ]+$/, '')
  return RESERVED.test(trimmed) ? STAND_IN + trimmed : trimmed
}
