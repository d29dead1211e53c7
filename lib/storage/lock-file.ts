/** One instance a target: a file that names the process which works there. A lock whose process has ended is taken over. */
import { constants } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { StorageError } from '../errors.js'
import { systemCode } from './disk-error.js'
import { readAll, writeAll, type FileSystem } from './file-system.js'
import { asIdentity, mayRun, ownIdentity } from './process-identity.js'

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
/** Longer than any lock of ours. */
const MAX_LOCK_BYTES = 4096
const MAX_ATTEMPTS = 5
/** Between making the file and naming the process in it another instance may look: it looks again. */
const HALF_WRITTEN_MS = 50
/** Taking over takes milliseconds: whoever began longer ago was killed while at it. */
const ABANDONED_MS = 10_000

export class LockFile {
  readonly #fileSystem: FileSystem
  readonly #path: string
  #held = true

  private constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem
    this.#path = path
  }

  /** Rejects with ERR_BT_LOCKED when another instance may be at work, or with errors of node:fs. */
  static async take(fileSystem: FileSystem, path: string): Promise<LockFile> {
    const own = Buffer.from(`${JSON.stringify(await ownIdentity())}\n`)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (await create(fileSystem, path, own)) return new LockFile(fileSystem, path)
      await clearIfStale(fileSystem, path, attempt === MAX_ATTEMPTS - 2)
    }
    throw lockedError(path)
  }

  /** Safe to call twice. */
  async release(): Promise<void> {
    if (!this.#held) return
    this.#held = false
    await removeIfThere(this.#fileSystem, this.#path)
  }
}

async function create(fileSystem: FileSystem, path: string, text: Buffer): Promise<boolean> {
  let file
  try {
    file = await fileSystem.open(path, CREATE)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
  try {
    await writeAll(file, [text], 0)
  } catch (error) {
    await removeIfThere(fileSystem, path)
    throw error
  } finally {
    await file.close()
  }
  return true
}

/** A lock that names nobody is either being written or was left by a crash: only the last attempt takes it for the latter. */
async function clearIfStale(fileSystem: FileSystem, path: string, patienceOver: boolean): Promise<void> {
  const found = await readLock(fileSystem, path)
  if (!found) return
  const holder = holderOf(found.text)
  if (holder && (await mayRun(holder))) throw lockedError(path, `process ${holder.pid} on ${holder.host}`)
  if (!holder && !patienceOver) return delay(HALF_WRITTEN_MS)

  // Several instances may find the same stale lock. One at a time may remove it, and only while it is still that very file.
  const guard = `${path}.takeover`
  if (!(await create(fileSystem, guard, Buffer.alloc(0)))) {
    const { mtimeMs } = await fileSystem.lstat(guard).catch(() => ({ mtimeMs: Infinity }))
    if (Date.now() - mtimeMs > ABANDONED_MS) await removeIfThere(fileSystem, guard)
    return delay(HALF_WRITTEN_MS)
  }
  try {
    const now = await readLock(fileSystem, path)
    if (now?.text === found.text && now.identity === found.identity) await removeIfThere(fileSystem, path)
  } finally {
    await removeIfThere(fileSystem, guard)
  }
}

interface FoundLock {
  readonly text: string
  /** Tells this file from a later one of the same name. */
  readonly identity: string
}

async function readLock(fileSystem: FileSystem, path: string): Promise<FoundLock | undefined> {
  let file
  try {
    file = await fileSystem.open(path, READ)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw lockedError(path, 'something that is not a file')
    const bytes = Buffer.alloc(MAX_LOCK_BYTES)
    const text = bytes.toString('utf8', 0, await readAll(file, [bytes], 0))
    return { text, identity: `${stat.ino}:${stat.mtimeMs}` }
  } finally {
    await file.close()
  }
}

function holderOf(text: string) {
  try {
    return asIdentity(JSON.parse(text))
  } catch {
    return undefined
  }
}

function lockedError(path: string, holder = 'another instance'): StorageError {
  return new StorageError('ERR_BT_LOCKED', `${holder} works on this torrent in this folder (if not, remove ${path})`)
}

async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
