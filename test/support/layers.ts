/** The layers of the source and what each may import, as tables: `architecture.ts` checks a tree of files against them. */

/** Lower layers first. Folders and files of one line never import each other. Imports go down only. */
const LAYERS: readonly (readonly string[])[] = [
  ['errors', 'limits', 'clock'],
  ['metainfo'],
  ['pieces'],
  ['wire'],
  ['policy'],
  ['transport'],
  ['streams'],
  ['http', 'net', 'discovery', 'storage'],
  ['options'],
  ['torrent'],
  ['client', 'demo'],
  ['index'],
  ['bin']
]

/** Decide everything and wait for nothing: no network, no disk, no clock, no chance. */
const PURE: ReadonlySet<string> = new Set(['metainfo', 'pieces', 'wire', 'policy'])

/** Modules of Node that a pure folder does without, with all that stands below them (`node:fs/promises`). */
export const IMPURE_MODULES: ReadonlySet<string> = new Set(
  (
    'net tls dgram dns http http2 https fs stream timers worker_threads child_process cluster process perf_hooks ' +
    'readline repl inspector'
  ).split(' ')
)

/** The only importers of each package: a file, or a folder with all below it. */
export const PACKAGE_HOMES: Readonly<Record<string, string>> = {
  bl: 'lib/wire/frame-buffer.ts',
  streamsearch: 'lib/net/mse/',
  undici: 'lib/transport/',
  'ipaddr.js': 'lib/',
  commander: 'bin/',
  'pretty-bytes': 'bin/'
}

/** Costs 58 ms to load: only when it is needed. */
export const NEVER_STATIC: ReadonlySet<string> = new Set(['undici'])

/** The files that read `lib/options.ts`; the others are given what they need. */
export const OPTION_READERS: ReadonlySet<string> = new Set([
  'lib/index.ts',
  'lib/client.ts',
  'lib/torrent.ts',
  'lib/torrent-open.ts',
  'lib/torrent-file.ts'
])

/**
 * The folder or file of `lib` that a path belongs to, or `bin`. `torrent-file.ts` is of the unit `torrent`, as is everything else
 * named `torrent-…`.
 */
export function unitOf(path: string): string {
  const [top = '', below = ''] = path.split('/')
  if (top !== 'lib') return top
  const name = below.replace(/\.ts$/, '')
  return name.startsWith('torrent-') ? 'torrent' : name
}

/** Height of a unit; `undefined` for one that the table does not know. */
export function levelOf(unit: string): number | undefined {
  const level = LAYERS.findIndex(units => units.includes(unit))
  return level === -1 ? undefined : level
}

export function isPure(path: string): boolean {
  return PURE.has(unitOf(path))
}
