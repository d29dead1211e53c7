/**
 * The folder a torrent is written to, and the only way to a file in it: no symbolic link is followed out of it, nothing but
 * regular files is opened. It knows paths, not torrents.
 */
import { constants } from 'node:fs'
import { join, posix, resolve, sep } from 'node:path'
import { StorageError } from '../errors.js'
import { systemCode } from './disk-error.js'
import type { FileStat, FileSystem, OpenFile } from './file-system.js'

/** `create` makes a file that must not exist yet; `write` and `read` open one that does. */
export type Purpose = 'read' | 'write' | 'create'

const FLAGS: Record<Purpose, number> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
}
// A FIFO that nobody writes to would hold the opener for ever. (Both are missing on Windows, where `|` reads them as 0.)
const GUARDS = constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opening one of these as a regular file gives one of these codes: link, directory, FIFO or socket, device without driver. */
const WRONG_TYPE = new Set(['ELOOP', 'EMLINK', 'EISDIR', 'ENXIO', 'ENODEV', 'ENOTDIR'])

export class TargetFolder {
  /** Real path. */
  readonly path: string
  readonly #fileSystem: FileSystem
  readonly #identity: FileStat
  readonly #made = new Map<string, Promise<string>>()
  #unsynced = new Set<string>()

  private constructor(fileSystem: FileSystem, path: string, identity: FileStat) {
    this.#fileSystem = fileSystem
    this.path = path
    this.#identity = identity
  }

  /** Rejects with errors of node:fs, or ERR_BT_FILE_TYPE when `dir` is no folder. */
  static async open(fileSystem: FileSystem, dir: string, options: { create: boolean }): Promise<TargetFolder> {
    const wanted = resolve(dir)
    if (options.create) await fileSystem.mkdirs(wanted)
    const path = await fileSystem.realpath(wanted)
    const identity = await fileSystem.stat(path)
    if (!identity.isDirectory()) throw new StorageError('ERR_BT_FILE_TYPE', `${wanted} is not a folder`)
    return new TargetFolder(fileSystem, path, identity)
  }

  /** The plain path of a file, for messages. */
  pathOf(file: string): string {
    return join(this.path, file)
  }

  /** Real path of the folder `folder` (relative, '/' between elements), `undefined` when there is none. ERR_BT_PATH when it lies elsewhere. */
  async realFolder(folder: string): Promise<string | undefined> {
    const path = this.pathOf(folder)
    let real: string
    try {
      real = await this.#fileSystem.realpath(path)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      if (systemCode(error) === 'ENOTDIR')
        throw new StorageError('ERR_BT_FILE_TYPE', `${path}: a file stands where a folder must go`)
      throw error
    }
    this.#assertInside(path, real)
    return real
  }

  /** What stands at `name` in a folder given by `realFolder`; `undefined` when nothing does. ERR_BT_FILE_TYPE when it is not a regular file. */
  async look(realFolder: string, name: string): Promise<FileStat | undefined> {
    const path = join(realFolder, name)
    try {
      const stat = await this.#fileSystem.lstat(path)
      if (!stat.isFile()) throw wrongType(path)
      return stat
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      if (systemCode(error) === 'ENOTDIR') throw wrongType(realFolder)
      throw error
    }
  }

  /** Opens a file by its safe relative path. Rejects with ERR_BT_FILE_TYPE, ERR_BT_PATH, ERR_BT_FILE_EXISTS (create) or errors of node:fs. */
  async openFile(file: string, purpose: Purpose): Promise<OpenFile> {
    await this.#assertUnchanged()
    const folder = posix.dirname(file)
    const asked = purpose === 'create' ? await this.makeFolder(folder) : this.pathOf(folder)
    // Whatever was true when the folder was made or surveyed: it is looked at again on each open.
    const real = await this.#fileSystem.realpath(asked)
    this.#assertInside(asked, real)
    const path = join(real, posix.basename(file))
    const opened = await this.#openRegular(path, purpose)
    if (purpose === 'create') this.#unsynced.add(real)
    return opened
  }

  async #openRegular(path: string, purpose: Purpose): Promise<OpenFile> {
    let opened: OpenFile
    try {
      opened = await this.#fileSystem.open(path, FLAGS[purpose] | GUARDS)
    } catch (error) {
      const code = systemCode(error) ?? ''
      if (code === 'EEXIST')
        throw new StorageError('ERR_BT_FILE_EXISTS', `${path} appeared while we worked`, { cause: error })
      if (WRONG_TYPE.has(code)) throw wrongType(path, error)
      throw error
    }
    try {
      if (!(await opened.stat()).isFile()) throw wrongType(path)
      return opened
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  /**
   * Makes a folder and its parents one by one, so that a planted link is seen before anything is made behind it. Resolves to its real path.
   * Done once a folder.
   */
  makeFolder(folder: string): Promise<string> {
    if (folder === '.') return Promise.resolve(this.path)
    const known = this.#made.get(folder)
    if (known) return known
    const making = this.#makeFolder(folder)
    this.#made.set(folder, making)
    making.catch(() => this.#made.delete(folder))
    return making
  }

  async #makeFolder(folder: string): Promise<string> {
    const parent = await this.makeFolder(posix.dirname(folder))
    const path = join(parent, posix.basename(folder))
    try {
      await this.#fileSystem.mkdir(path)
      this.#unsynced.add(parent)
      return path
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
    const real = await this.#fileSystem.realpath(path).catch((error: unknown) => {
      throw wrongType(path, error) // A link to nowhere.
    })
    this.#assertInside(path, real)
    if (!(await this.#fileSystem.stat(real)).isDirectory()) throw wrongType(path)
    return real
  }

  /** Makes new entries of folders durable: a synced file whose name is lost is lost. */
  async syncFolders(): Promise<void> {
    const folders = this.#unsynced
    this.#unsynced = new Set()
    for (const folder of folders) await this.#sync(folder)
  }

  /** Makes entries of the target folder itself durable. */
  syncOwn(): Promise<void> {
    return this.#sync(this.path)
  }

  async #sync(folder: string): Promise<void> {
    if (process.platform === 'win32') return // Folders cannot be opened there; NTFS logs names itself.
    const opened = await this.#fileSystem.open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await opened.sync()
    } finally {
      await opened.close()
    }
  }

  async #assertUnchanged(): Promise<void> {
    const now = await this.#fileSystem.stat(this.path)
    if (now.dev !== this.#identity.dev || now.ino !== this.#identity.ino) {
      throw new StorageError('ERR_BT_PATH', `${this.path} is another folder or disk than at the start`)
    }
  }

  #assertInside(path: string, real: string): void {
    const inside = real === this.path || real.startsWith(this.path.endsWith(sep) ? this.path : this.path + sep)
    if (!inside) throw new StorageError('ERR_BT_PATH', `${path} leads out of ${this.path}, to ${real}`)
  }
}

function wrongType(path: string, cause?: unknown): StorageError {
  const text = `${path} is not a regular file or folder of the kind that must stand there (link, device, FIFO, folder?)`
  return new StorageError('ERR_BT_FILE_TYPE', text, cause === undefined ? undefined : { cause })
}
