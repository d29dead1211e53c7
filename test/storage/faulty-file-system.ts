/** The real file system with faults to order: a call that fails, falls short or comes late; and a log of what was called. */
import { nodeFileSystem, type FileSystem, type OpenFile } from '../../lib/storage/file-system.js'

export interface Call {
  name: keyof FileSystem | keyof OpenFile
  path: string
  /** What was given beside the path. */
  detail?: unknown
}

/** May reject in place of the call, or wait before it. */
export type Fault = (call: Call) => void | Promise<void>

export class FaultyFileSystem implements FileSystem {
  readonly calls: Call[] = []
  /** A write takes no more bytes than this. */
  maxWriteBytes = Infinity
  /** The process has no more descriptors than this. */
  maxDescriptors = Infinity
  openFiles = 0
  maxOpenFiles = 0
  readonly #fault: Fault
  readonly #space: { bavail: number; bsize: number; blocks: number } | undefined

  constructor(fault: Fault = () => {}, freeBytes?: number) {
    this.#fault = fault
    if (freeBytes !== undefined) this.#space = { bavail: freeBytes, bsize: 1, blocks: 2 ** 40 }
  }

  /** How often this call was made on paths that end so. */
  count(name: Call['name'], ending = ''): number {
    return this.calls.filter(call => call.name === name && call.path.endsWith(ending)).length
  }

  async #call<T>(call: Call, action: () => Promise<T>): Promise<T> {
    this.calls.push(call)
    await this.#fault(call)
    return action()
  }

  async open(path: string, flags: number): Promise<OpenFile> {
    const file = await this.#call({ name: 'open', path, detail: flags }, () => this.#open(path, flags))
    return {
      read: (target, position) => this.#call({ name: 'read', path }, () => file.read(target, position)),
      write: (buffers, position) =>
        this.#call({ name: 'write', path, detail: { buffers, position } }, () => this.#write(file, buffers, position)),
      stat: () => this.#call({ name: 'stat', path }, () => file.stat()),
      truncate: length => this.#call({ name: 'truncate', path, detail: length }, () => file.truncate(length)),
      datasync: () => this.#call({ name: 'datasync', path }, () => file.datasync()),
      sync: () => this.#call({ name: 'sync', path }, () => file.sync()),
      close: () => {
        this.openFiles--
        return this.#call({ name: 'close', path }, () => file.close())
      }
    }
  }

  async #open(path: string, flags: number): Promise<OpenFile> {
    if (this.openFiles >= this.maxDescriptors) throw systemError('EMFILE')
    this.maxOpenFiles = Math.max(this.maxOpenFiles, ++this.openFiles)
    try {
      return await nodeFileSystem.open(path, flags)
    } catch (error) {
      this.openFiles--
      throw error
    }
  }

  #write(file: OpenFile, buffers: readonly Buffer[], position: number): Promise<number> {
    if (this.maxWriteBytes === Infinity) return file.write(buffers, position)
    if (this.maxWriteBytes === 0) return Promise.resolve(0)
    return file.write([Buffer.concat(buffers).subarray(0, this.maxWriteBytes)], position)
  }

  stat = (path: string) => this.#call({ name: 'stat', path }, () => nodeFileSystem.stat(path))
  lstat = (path: string) => this.#call({ name: 'lstat', path }, () => nodeFileSystem.lstat(path))
  realpath = (path: string) => this.#call({ name: 'realpath', path }, () => nodeFileSystem.realpath(path))
  mkdir = (path: string) => this.#call({ name: 'mkdir', path }, () => nodeFileSystem.mkdir(path))
  mkdirs = (path: string) => this.#call({ name: 'mkdirs', path }, () => nodeFileSystem.mkdirs(path))
  rename = (from: string, to: string) =>
    this.#call({ name: 'rename', path: to, detail: from }, () => nodeFileSystem.rename(from, to))
  unlink = (path: string) => this.#call({ name: 'unlink', path }, () => nodeFileSystem.unlink(path))
  access = (path: string, mode: number) => this.#call({ name: 'access', path }, () => nodeFileSystem.access(path, mode))
  statfs = (path: string) =>
    this.#call({ name: 'statfs', path }, async () => this.#space ?? (await nodeFileSystem.statfs(path)))
}

/** An error as node:fs makes it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made for a test`), { code })
}

/** Fails the nth call (from 1) of this name on a path that ends so; the others pass. */
export function failing(name: Call['name'], code: string, ending = '', nth = 1): Fault {
  let seen = 0
  return call => {
    if (call.name !== name || !call.path.endsWith(ending)) return
    if (++seen === nth) throw systemError(code)
  }
}
