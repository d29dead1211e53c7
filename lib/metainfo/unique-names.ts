/** Gives every file a path of its own on any file system, also on one that ignores case or Unicode's several spellings. */
import { MetainfoError } from '../errors.js'
import { MAX_NAME_PROBES } from '../limits.js'

/**
 * `paths` with `/` between elements → as many paths, no two of which are one file or a file and a folder on a file system that
 * folds case and normalises. Folders keep their names; of files the first does, the next become `name.1.ext`, `name.2.ext`.
 * Throws `MetainfoError` with ERR_BT_METAINFO when a name would need more than MAX_NAME_PROBES tries.
 */
export function uniquePaths(paths: readonly string[]): string[] {
  const folded = paths.map(fold)
  const taken = foldersOf(folded)
  const probes = new Map<string, number>()
  return paths.map((path, i) => {
    const name = folded[i] ?? path
    const unique = taken.has(name) ? freePath(path, name, taken, probes) : path
    taken.add(unique === path ? name : fold(unique))
    return unique
  })
}

/** What file systems may hold for the same name: caseless, and composed (NFC). */
function fold(path: string): string {
  if (/^[\0-\x7f]*$/.test(path)) return path.toUpperCase()
  return path.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC')
}

function foldersOf(paths: readonly string[]): Set<string> {
  const folders = new Set<string>()
  for (const path of paths) {
    // A folder that is known has known parents.
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash)
      if (folders.has(folder)) break
      folders.add(folder)
    }
  }
  return folders
}

/** Each name goes on counting where it stopped, so that all files together need few tries. */
function freePath(path: string, name: string, taken: ReadonlySet<string>, probes: Map<string, number>): string {
  const [stem, extension] = splitExtension(path)
  for (let n = (probes.get(name) ?? 0) + 1; n < MAX_NAME_PROBES; n++) {
    const candidate = `${stem}.${n}${extension}`
    if (taken.has(fold(candidate))) continue
    probes.set(name, n)
    return candidate
  }
  throw new MetainfoError('ERR_BT_METAINFO', `more than ${MAX_NAME_PROBES} files of one name`)
}

function splitExtension(path: string): [stem: string, extension: string] {
  const dot = path.lastIndexOf('.')
  return dot > path.lastIndexOf('/') + 1 ? [path.slice(0, dot), path.slice(dot)] : [path, '']
}
