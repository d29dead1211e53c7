/** Judges a tree of source files by the rules of `layers.ts` and docs/architecture.md. Knows nothing of the disk. */
import { posix } from 'node:path'
import { IMPURE_MODULES, NEVER_STATIC, OPTION_READERS, PACKAGE_HOMES, isPure, levelOf, unitOf } from './layers.js'
import { readSource, type Import, type SourceFacts } from './source-facts.js'

const MAX_LINES = 400

/** Every violation in `files` (path from the root of the repository → text), a sentence each; none when all is well. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  const graph = new Map<string, string[]>()
  for (const [path, text] of files) {
    const facts = readSource(path, text)
    graph.set(
      path,
      facts.imports.map(({ specifier }) => targetOf(path, specifier)).filter(target => target !== undefined)
    )
    const report = (line: number, message: string) => found.push(`${path}:${line} ${message}`)
    if (levelOf(unitOf(path)) === undefined) report(1, `is in no layer: add ${unitOf(path)} to test/support/layers.ts`)
    if (text.trimEnd().split('\n').length > MAX_LINES) report(MAX_LINES + 1, `is longer than ${MAX_LINES} lines`)
    for (const one of facts.imports) {
      const fault = importFault(path, one)
      if (fault) report(one.line, fault)
    }
    for (const { line, name } of forbiddenUses(path, facts)) report(line, `uses ${name}`)
    if (path.startsWith('lib/')) for (const line of facts.topLevelAwaits) report(line, 'awaits outside a function')
  }
  return [...found, ...cycles(graph)]
}

/** The path of a relative import, or undefined for a package. */
function targetOf(path: string, specifier: string | undefined): string | undefined {
  if (!specifier?.startsWith('.')) return undefined
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')
}

function importFault(path: string, { specifier, kind }: Import): string | undefined {
  if (specifier === undefined) return 'imports what only the running program knows'
  const target = targetOf(path, specifier)
  if (target !== undefined) return layerFault(path, target)
  if (specifier.startsWith('node:')) {
    const [module = ''] = specifier.slice('node:'.length).split('/')
    return isPure(path) && IMPURE_MODULES.has(module) ? `is pure, and imports ${specifier}` : undefined
  }
  const home = PACKAGE_HOMES[specifier]
  if (home === undefined) return `imports ${specifier}, which no line of test/support/layers.ts allows`
  if (path !== home && !(home.endsWith('/') && path.startsWith(home))) return `imports ${specifier}: only ${home} does`
  return NEVER_STATIC.has(specifier) && kind === 'static' ? `imports ${specifier} statically` : undefined
}

function layerFault(path: string, target: string): string | undefined {
  const from = unitOf(path)
  const to = unitOf(target)
  if (target === 'lib/options.ts' && !OPTION_READERS.has(path)) return `reads ${target}`
  if (from === to) return undefined
  if (from === 'bin') return target === 'lib/index.ts' ? undefined : `imports ${target}: bin imports lib/index.ts only`
  return (levelOf(to) ?? Infinity) < (levelOf(from) ?? -1) ? undefined : `imports ${target}, which is not below it`
}

function forbiddenUses(path: string, { uses }: SourceFacts): SourceFacts['uses'] {
  if (isPure(path)) return uses
  return path.startsWith('lib/') ? uses.filter(({ name }) => name === 'console') : []
}

/** Each cycle of imports once, as `a → b → a`. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    const here = [...trail, path]
    if (state.get(path) === 'open') {
      found.push(`cycle: ${here.slice(here.indexOf(path)).join(' → ')}`)
      return
    }
    state.set(path, 'open')
    for (const next of graph.get(path) ?? []) visit(next, here)
    state.set(path, 'done')
  }
  for (const path of graph.keys()) visit(path, [])
  return found
}
