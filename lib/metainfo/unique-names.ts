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
  const folders = foldersOf(folded)
  const files = new Set<string>()
  const probes = new Map<string, number>()
  const isTaken = (name: string) => files.has(name) || isFolder(name, folders)
  return paths.map((path, i) => {
    const name = folded[i] ?? path
    const unique = isTaken(name) ? freePath(path, name, isTaken, probes) : path
    files.add(unique === path ? name : fold(unique))
    return unique
  })
}

/** One spelling for all that file systems may hold for the same name: caseless, and composed (NFC) before and after that. */
function fold(path: string): string {
  if (/^[\0-\x7f]*$/.test(path)) return path.toUpperCase()
  return path.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC')
}

/** Folders that hold a file, sorted, each with a slash at its end. Their parents are not named: see `isFolder`. */
function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths) folders.add(path.slice(0, path.lastIndexOf('/') + 1))
  folders.delete('')
  return [...folders].sort()
}

/** Whether `name` is a folder or the parent of one: then the first of `folders` from `name/` on begins with it. */
function isFolder(name: string, folders: readonly string[]): boolean {
  const prefix = `${name}/`
  let low = 0
  let high = folders.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((folders[middle] ?? '') < prefix) low = middle + 1
    else high = middle
  }
  return folders[low]?.startsWith(prefix) ?? false
}

/** Each name goes on counting where it stopped, so that all files together need few tries. */
function freePath(path: string, name: string, isTaken: (name: string) => boolean, probes: Map<string, number>): string {
  const [stem, extension] = splitExtension(path)
  for (let n = (probes.get(name) ?? 0) + 1; n < MAX_NAME_PROBES; n++) {
    const candidate = `${stem}.${n}${extension}`
    if (isTaken(fold(candidate))) continue
    probes.set(name, n)
    return candidate
  }
  throw new MetainfoError('ERR_BT_METAINFO', `more than ${MAX_NAME_PROBES} files of one name`)
}

function splitExtension(path: string): [stem: string, extension: string] {
  const dot = path.lastIndexOf('.')
  return dot > path.lastIndexOf('/') + 1 ? [path.slice(0, dot), path.slice(dot)] : [path, '']
}
