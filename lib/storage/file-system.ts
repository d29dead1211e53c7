/**
 * The calls of the file system that storage makes, and no others. It knows nothing of torrents: a seam, so that tests can let
 * any call fail, fall short or come late.
 */
import { readv, type Stats, type StatsFs } from 'node:fs'
import { access, lstat, mkdir, open, realpath, rename, stat, statfs, unlink } from 'node:fs/promises'
import { StorageError } from '../errors.js'

export type FileStat = Pick<Stats, 'size' | 'mtimeMs' | 'dev' | 'ino' | 'blocks' | 'isFile' | 'isDirectory'>
export type SpaceStat = Pick<StatsFs, 'bavail' | 'bsize' | 'blocks'>

export interface OpenFile {
  /** One positional scatter read; resolves to the bytes read, which may be fewer than there is room for, 0 at the end of the file. */
  read(targets: readonly Buffer[], position: number): Promise<number>
  /** One positional gather write; resolves to the bytes written, which may be fewer than given. */
  write(buffers: readonly Buffer[], position: number): Promise<number>
  stat(): Promise<FileStat>
  truncate(length: number): Promise<void>
  datasync(): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/** Errors are those of node:fs, with its `code`. */
export interface FileSystem {
  /** `flags` of `fs.constants`. */
  open(path: string, flags: number): Promise<OpenFile>
  stat(path: string): Promise<FileStat>
  /** Like `stat`, but of a symbolic link itself. */
  lstat(path: string): Promise<FileStat>
  realpath(path: string): Promise<string>
  /** Makes one folder; the parent must exist. */
  mkdir(path: string): Promise<void>
  /** Makes a folder and its parents; fine when they exist. */
  mkdirs(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** `mode` of `fs.constants`, such as `W_OK`. */
  access(path: string, mode: number): Promise<void>
  statfs(path: string): Promise<SpaceStat>
}

/** The machine's own. */
export const nodeFileSystem: FileSystem = {
  async open(path, flags) {
    const handle = await open(path, flags, 0o666)
    return {
      // By the descriptor: a handle's own methods cost more than the copy of a block.
      read: (targets, position) =>
        new Promise((resolve, reject) => {
          readv(handle.fd, targets, position, (error, count) => (error ? reject(error) : resolve(count)))
        }),
      write: async (buffers, position) => (await handle.writev(buffers, position)).bytesWritten,
      stat: () => handle.stat(),
      truncate: length => handle.truncate(length),
      datasync: () => handle.datasync(),
      sync: () => handle.sync(),
      close: () => handle.close()
    }
  },
  stat: path => stat(path),
  lstat: path => lstat(path),
  realpath: path => realpath(path),
  mkdir: path => mkdir(path),
  async mkdirs(path) {
    await mkdir(path, { recursive: true })
  },
  rename,
  unlink,
  access,
  statfs: path => statfs(path)
}

/** Writes all of `buffers`, as often as the system takes only a part. Taking nothing is an error: it would go on for ever. */
export async function writeAll(file: OpenFile, buffers: readonly Buffer[], position: number): Promise<void> {
  let rest = buffers
  let left = byteCount(buffers)
  let at = position
  while (left > 0) {
    const written = await file.write(rest, at)
    if (written <= 0) throw new StorageError('ERR_BT_DISK', 'the disk took 0 bytes of a write')
    left -= written
    at += written
    if (left > 0) rest = byteRange(rest, written, left)
  }
}

/** Fills `targets`, one after the other, as far as the file goes; resolves to the bytes read. */
export async function readAll(file: OpenFile, targets: readonly Buffer[], position: number): Promise<number> {
  const length = byteCount(targets)
  let rest = targets
  let filled = 0
  while (filled < length) {
    const count = await file.read(rest, position + filled)
    if (count === 0) break
    filled += count
    if (filled < length) rest = byteRange(targets, filled, length - filled)
  }
  return filled
}

/** Views of `[start, start + length)` of the buffers' bytes, laid end to end. */
export function byteRange(buffers: readonly Buffer[], start: number, length: number): Buffer[] {
  const views: Buffer[] = []
  let skip = start
  let left = length
  for (const buffer of buffers) {
    if (left === 0) break
    if (skip >= buffer.length) {
      skip -= buffer.length
      continue
    }
    const view = buffer.subarray(skip, skip + left)
    views.push(view)
    left -= view.length
    skip = 0
  }
  return views
}

export function byteCount(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0)
}
