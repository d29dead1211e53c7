/**
 * The files that a new torrent is made of: regular files below the given paths, each with what it looked like, so that a later look can tell whether
 * somebody changed it. A link may be named, but none below that is followed: nobody finds files by it again. It reads names, not contents.
 */
import type { Stats } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { StorageError, TorrentError } from '../errors.js'
import { MAX_PATH_DEPTH, MAX_SOURCE_FILES } from '../limits.js'
import { matchesGlob } from '../metainfo/glob.js'
import { forEachBounded } from './bounded-walk.js'
import { systemCode } from './disk-error.js'

export interface SourceFile {
  /** Names below the torrent's own, as the file system has them; empty when the torrent is this one file. */
  readonly elements: readonly Buffer[]
  /** Where it can be opened without following a link. */
  readonly path: Buffer
  /** Bytes. */
  readonly length: number
  readonly mtimeMs: number
  readonly ino: number
}

export interface SourceTree {
  readonly name: Buffer
  readonly isSingleFile: boolean
  readonly files: readonly SourceFile[]
  /** What was left out and is worth a line to the user. */
  readonly warnings: readonly string[]
}

export interface SourceTreeOptions {
  /** Default: the last element of the only path. Needed for several paths. */
  readonly name?: string | undefined
  /** Patterns of what is left out, compared with paths below the torrent's name. */
  readonly exclude: readonly string[]
}

/** Rejects with ERR_BT_INPUT (not there, unreadable, no content, too many files) or ERR_BT_OPTION (no name, a name twice). */
export async function readSourceTree(paths: readonly string[], options: SourceTreeOptions): Promise<SourceTree> {
  const [first, ...more] = paths
  if (first === undefined) throw new TorrentError('ERR_BT_OPTION', 'name a file or folder to make a torrent of')
  const walk = new Walk(options.exclude)
  const name = options.name ?? basename(resolve(first))
  if (more.length > 0 && options.name === undefined)
    throw new TorrentError('ERR_BT_OPTION', 'several paths need a name for the torrent that holds them')
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    throw new TorrentError('ERR_BT_OPTION', `a torrent cannot be named ${JSON.stringify(name)}`)
  let isSingleFile = false
  const names = new Set<string>()
  for (const path of paths) {
    const element = basename(resolve(path))
    if (names.has(element)) throw new TorrentError('ERR_BT_OPTION', `${element} is given twice`)
    names.add(element)
    isSingleFile = await walk.add(path, more.length > 0 ? [Buffer.from(element)] : [])
  }
  if (!walk.files.some(({ length }) => length > 0))
    throw new StorageError('ERR_BT_INPUT', `there is not one byte to share in ${paths.join(', ')}`)
  return {
    name: Buffer.from(name),
    isSingleFile: isSingleFile && more.length === 0,
    files: walk.files,
    warnings: walk.warnings()
  }
}

/** Rejects with ERR_BT_INPUT when a file does not look as it did: what was read is then no one state of it. */
export async function assertUnchanged(files: readonly SourceFile[]): Promise<void> {
  await forEachBounded(files, async ({ path, length, mtimeMs, ino }) => {
    const now = await lstat(path).catch(() => undefined)
    if (now?.size === length && now.mtimeMs === mtimeMs && now.ino === ino) return
    throw new StorageError('ERR_BT_INPUT', `${path.toString()} was changed while it was read: try again`)
  })
}

interface Entry {
  readonly elements: readonly Buffer[]
  readonly path: Buffer
}

const SLASH = Buffer.from('/')

class Walk {
  readonly files: SourceFile[] = []
  readonly #exclude: readonly string[]
  readonly #leftOut = { links: [] as string[], others: [] as string[] }

  constructor(exclude: readonly string[]) {
    this.#exclude = exclude
  }

  /** Takes a file, or all below a folder; true for a file. What the user names may be a link. */
  async add(path: string, elements: readonly Buffer[]): Promise<boolean> {
    const real = await attempt(path, () => realpath(path))
    const stat = await attempt(path, () => lstat(real))
    if (stat.isFile()) {
      this.#take({ elements, path: Buffer.from(real) }, stat)
      return true
    }
    if (!stat.isDirectory()) throw new StorageError('ERR_BT_INPUT', `${path} is neither a file nor a folder`)
    let folders: Entry[] = [{ elements, path: Buffer.from(real) }]
    while (folders.length > 0) {
      const below: Entry[] = []
      await forEachBounded(folders, async folder => {
        below.push(...(await this.#list(folder)))
      })
      folders = below
    }
    return false
  }

  warnings(): string[] {
    const { links, others } = this.#leftOut
    return [
      ...(links.length > 0 ? [`symbolic links left out: ${links.length}, the first: ${links.sort()[0]}`] : []),
      ...(others.length > 0 ? [`left out, as they are no files: ${others.length}, the first: ${others.sort()[0]}`] : [])
    ]
  }

  /** Takes the files of a folder; resolves to the folders in it. */
  async #list(folder: Entry): Promise<Entry[]> {
    if (folder.elements.length >= MAX_PATH_DEPTH)
      throw new StorageError('ERR_BT_INPUT', `${folder.path.toString()} lies more than ${MAX_PATH_DEPTH} folders deep`)
    const names = await attempt(folder.path, () => readdir(folder.path, { encoding: 'buffer' }))
    const folders: Entry[] = []
    for (const name of names) {
      const entry = { elements: [...folder.elements, name], path: Buffer.concat([folder.path, SLASH, name]) }
      if (this.#isExcluded(entry)) continue
      if (await this.#look(entry)) folders.push(entry)
    }
    return folders
  }

  /** True for a folder. */
  async #look(entry: Entry): Promise<boolean> {
    const stat = await attempt(entry.path, () => lstat(entry.path))
    if (stat.isDirectory()) return true
    if (stat.isFile()) this.#take(entry, stat)
    else if (stat.isSymbolicLink()) this.#leftOut.links.push(entry.path.toString())
    else this.#leftOut.others.push(entry.path.toString())
    return false
  }

  #take({ elements, path }: Entry, { size, mtimeMs, ino }: Stats): void {
    if (this.files.length >= MAX_SOURCE_FILES)
      throw new StorageError('ERR_BT_INPUT', `more than ${MAX_SOURCE_FILES} files are too many for a torrent`)
    this.files.push({ elements, path, length: size, mtimeMs, ino })
  }

  #isExcluded({ elements }: Entry): boolean {
    if (this.#exclude.length === 0) return false
    const path = elements.map(element => element.toString()).join('/')
    return this.#exclude.some(pattern => matchesGlob(pattern, path))
  }
}

async function attempt<T>(path: string | Buffer, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    const code = systemCode(error) ?? ''
    const reason = code === 'ENOENT' ? 'there is no such file or folder' : (error as Error).message
    throw new StorageError('ERR_BT_INPUT', `cannot read ${path.toString()}: ${reason}`, { cause: error })
  }
}
