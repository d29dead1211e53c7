/** Compares documents with the code they speak of. Knows nothing of the disk. */

/** A Markdown table row: the text of its cells, the first without backticks. */
export interface Row {
  readonly name: string
  readonly cells: readonly string[]
}

/** The rows whose first cell is one name in backticks. */
export function rowsOf(markdown: string): Row[] {
  return [...markdown.matchAll(/^\| *`(\w+)` *\|(.*)\|\s*$/gm)].map(([, name = '', rest = '']) => ({
    name,
    cells: rest.split('|').map(cell => cell.trim())
  }))
}

/**
 * Paths of the repository that stand in backticks: `lib/…`, `bin/…`, `test/…` or `docs/…`. What holds a placeholder (`*`, `<name>`, `…`) is cut to
 * the folder before it.
 */
export function pathsIn(markdown: string): string[] {
  const named = [...markdown.matchAll(/`((?:lib|bin|test|docs)\/[^`\s]*)`/g)].map(([, path = '']) => path)
  return named.map(path => path.replace(/[^/]*[*<…{].*$/u, '').replace(/:\d+$/, ''))
}

/** The members that an interface of this source declares. */
export function membersOf(name: string, source: string): string[] {
  const body = new RegExp(`^export interface ${name}\\b.*\\{\\n((?: .*\\n)*)\\}`, 'm').exec(source)?.[1] ?? ''
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??: /gm)].map(([, member = '']) => member)
}

/** The names that this source exports by `export { … } from`, those of types too. */
export function exportsOf(source: string): string[] {
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\} from/gm)].map(([, list = '']) => list)
  return lists.flatMap(list => list.split(',')).map(name => name.trim().replace(/^type /, ''))
}

/** The members of a class of this source that are not private. */
export function publicMembersOf(name: string, source: string): string[] {
  const body = new RegExp(`^export class ${name}\\b.*\\{\\n((?:(?: .*)?\\n)*)\\}`, 'm').exec(source)?.[1] ?? ''
  const declared = [...body.matchAll(/^ {2}(?:readonly |get |async )*([a-z]\w*)(?:<[^>]*>)?(?:\(|: |\?: )/gm)]
  return declared.map(([, member = '']) => member).filter(member => member !== 'constructor')
}

/** Error codes that are named anywhere. */
export function codesIn(text: string): Set<string> {
  return new Set(text.match(/\bERR_BT_[A-Z0-9_]*[A-Z0-9]\b/g))
}

/** Error codes that lib/errors.ts declares → what is said about each there, and its class. */
export function declaredCodes(source: string): Map<string, { className: string; meaning: string }> {
  const codes = new Map<string, { className: string; meaning: string }>()
  for (const [, className = '', union = ''] of source.matchAll(/^export type (\w+)Code =\n((?: {2}\| '.*\n)+)/gm)) {
    for (const [, code = '', meaning = ''] of union.matchAll(/\| '(ERR_BT_\w+)'(?: *\/\/ *(.*))?/g)) {
      codes.set(code, { className, meaning })
    }
  }
  return codes
}

/** One fault a line: codes without a row, rows without a code, and rows that are not filled in. */
export function errorFaults(source: string, markdown: string): string[] {
  const declared = declaredCodes(source)
  const rows = new Map(rowsOf(markdown).map(row => [row.name, row.cells]))
  const faults: string[] = []
  for (const [code, { className, meaning }] of declared) {
    const [documentedClass, ...told] = (rows.get(code) ?? []).map(cell => cell.replaceAll('`', ''))
    if (documentedClass === undefined) {
      faults.push(`add | \`${code}\` | \`${className}\` | ${meaning} | <what to do> | <exit> |`)
    } else if (documentedClass !== className || told.length !== 3 || told.includes('')) {
      faults.push(`complete the row of ${code}: class ${className}, meaning, what to do, exit`)
    }
  }
  for (const name of rows.keys()) if (!declared.has(name)) faults.push(`remove the row of ${name}`)
  return faults
}

/** One fault a line: limits without a row, rows without a limit, and rows with another value. */
export function limitFaults(limits: Readonly<Record<string, unknown>>, source: string, markdown: string): string[] {
  const rows = new Map(rowsOf(markdown).map(row => [row.name, row.cells]))
  const faults: string[] = []
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === 'function') continue
    const [documented, ...told] = rows.get(name) ?? []
    if (documented === undefined) {
      faults.push(`add | \`${name}\` | ${shown(value)} | ${commentAbove(name, source)} | <BEP or reason> |`)
    } else if (!says(documented, value)) {
      faults.push(`the value of ${name} is ${shown(value)}, not ${documented}`)
    } else if (told.length !== 2 || told.includes('')) {
      faults.push(`complete the row of ${name}: value, what for, source`)
    }
  }
  for (const name of rows.keys()) if (!Object.hasOwn(limits, name)) faults.push(`remove the row of ${name}`)
  return faults
}

/** `2048` as `2,048`; a list element by element. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(' · ')
  return typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 6 }) : JSON.stringify(value)
}

/** A cell holds the value and, for a reader, a unit after it. */
function says(cell: string, value: unknown): boolean {
  return cell === shown(value) || cell.startsWith(`${shown(value)} `)
}

/** The comment of a constant in one line; '' when it has none. */
function commentAbove(name: string, source: string): string {
  const above = source.slice(0, source.indexOf(`export const ${name} `))
  const comment = /\/\*\*((?:(?!\*\/)[^])*)\*\/\n$/.exec(above)?.[1] ?? ''
  return comment
    .replace(/\n *\*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
