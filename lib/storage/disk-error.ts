/** Errors of the file system in our words: what we were doing, which file, and what the user can do about it. */
import { StorageError } from '../errors.js'
import type { FileSystem } from './file-system.js'

/** The `code` of a system error, `ENOENT` for one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** No room for more, on the disk or in the user's quota. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** `doing` begins the message: "cannot write /a/b". A `StorageError` passes as it is. */
export function diskError(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error
  const code = systemCode(error)
  const cause = { cause: error }
  if (isDiskFull(error)) return new StorageError('ERR_BT_DISK_FULL', `${doing}: no space left (${code ?? ''})`, cause)
  return new StorageError('ERR_BT_DISK', `${doing}: ${reasonOf(code, error)}`, cause)
}

const READ_ONLY = new Set(['EACCES', 'EPERM', 'EROFS'])

function reasonOf(code: string | undefined, error: unknown): string {
  if (code === 'EFBIG') {
    return 'the file would be larger than its file system or a limit of the user allows (EFBIG; FAT32 holds 4 GiB less one byte a file)'
  }
  if (code !== undefined && READ_ONLY.has(code)) return `it is read-only or not ours to change (${code})`
  if (code === 'ENOENT') return 'it is not there (ENOENT)'
  return error instanceof Error ? error.message : String(error)
}

/** Says how much room there is and how much is needed. */
export async function diskFullError(
  fileSystem: FileSystem,
  folder: string,
  neededBytes: number,
  cause?: unknown
): Promise<StorageError> {
  const free = await freeBytes(fileSystem, folder)
  const code = systemCode(cause)
  const reason = code === 'EDQUOT' ? 'the disk quota is used up' : 'the disk has no room'
  const room = free === undefined ? '' : `, ${free} bytes are free`
  return new StorageError(
    'ERR_BT_DISK_FULL',
    `${reason} in ${folder}: ${neededBytes} bytes more are needed${room}`,
    cause === undefined ? undefined : { cause }
  )
}

/** What an ordinary user may still write, bytes; `undefined` where the file system does not tell. */
export async function freeBytes(fileSystem: FileSystem, folder: string): Promise<number | undefined> {
  try {
    const space = await fileSystem.statfs(folder)
    return space.blocks > 0 ? space.bavail * space.bsize : undefined
  } catch {
    return undefined // A file system without this call is no reason not to download.
  }
}
