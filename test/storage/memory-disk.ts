/**
 * A disk that knows what would be left of it after a crash: bytes count as safe when the file was synced, names when their folder was.
 * After `crashAfter` changes every call fails, as if the machine had stopped there.
 */
import { constants } from 'node:fs'
import { dirname } from 'node:path'
import type { FileStat, FileSystem, OpenFile, SpaceStat } from '../../lib/storage/file-system.js'
import { systemError } from './faulty-file-system.js'

interface Node {
  ino: number
  folder: boolean
  bytes: Buffer
  synced: Buffer
  mtimeMs: number
}

/** `kill`: the process ended, the system lives. `power`: nothing unsynced is left. `reordered`: names reached the disk before their bytes. */
export type Crash = 'kill' | 'power' | 'reordered'

export class MemoryDisk implements FileSystem {
  changes = 0
  crashAfter = Infinity
  #inodes = 1
  #names = new Map<string, Node>()
  #syncedNames = new Map<string, Node>()

  constructor(root: string) {
    this.#names.set(root, this.#node(true))
    this.#syncedNames = new Map(this.#names)
  }

  /** The disk as it is found after the crash; everything on it is safe. */
  afterCrash(crash: Crash): MemoryDisk {
    const found = new MemoryDisk('/unused')
    found.#inodes = this.#inodes
    const names = crash === 'power' ? this.#syncedNames : this.#names
    for (const [path, node] of names) {
      if (crash === 'power' && !hasParents(path, names)) continue
      const bytes = Buffer.from(crash === 'kill' ? node.bytes : node.synced)
      const mtimeMs = crash === 'kill' || node.bytes.equals(node.synced) ? node.mtimeMs : node.mtimeMs + 1
      found.#names.set(path, { ...node, mtimeMs, bytes, synced: Buffer.from(bytes) })
    }
    found.#syncedNames = new Map(found.#names)
    return found
  }

  /** Puts a safe file there, folders too. */
  put(path: string, bytes: Buffer): void {
    for (let folder = dirname(path); !this.#names.has(folder); folder = dirname(folder)) {
      this.#names.set(folder, this.#node(true))
    }
    this.#names.set(path, { ...this.#node(false), bytes: Buffer.from(bytes), synced: Buffer.from(bytes) })
    this.#syncedNames = new Map(this.#names)
  }

  remove(path: string): void {
    this.#names.delete(path)
    this.#syncedNames.delete(path)
  }

  get(path: string): Buffer | undefined {
    return this.#names.get(path)?.bytes
  }

  /** Paths of all files. */
  get paths(): string[] {
    return [...this.#names].filter(([, node]) => !node.folder).map(([path]) => path)
  }

  open(path: string, flags: number): Promise<OpenFile> {
    return later(() => {
      this.#assertRunning()
      let node = this.#names.get(path)
      if (node && flags & constants.O_EXCL) throw systemError('EEXIST')
      if (!node) {
        if (!(flags & constants.O_CREAT)) throw systemError('ENOENT')
        if (!this.#names.get(dirname(path))?.folder) throw systemError('ENOENT')
        this.#change()
        node = this.#node(false)
        this.#names.set(path, node)
      }
      return this.#openFile(path, node)
    })
  }

  #openFile(path: string, node: Node): OpenFile {
    return {
      read: (targets, position) =>
        later(() => {
          this.#assertRunning()
          return targets.reduce((sum, target) => sum + node.bytes.copy(target, 0, position + sum), 0)
        }),
      write: (buffers, position) =>
        later(() => {
          this.#change()
          const bytes = Buffer.concat(buffers)
          const grown = Buffer.alloc(Math.max(node.bytes.length, position + bytes.length))
          node.bytes.copy(grown)
          bytes.copy(grown, position)
          node.bytes = grown
          node.mtimeMs++
          return bytes.length
        }),
      stat: () => later(() => this.#statOf(node)),
      truncate: length =>
        later(() => {
          this.#change()
          node.bytes = Buffer.from(node.bytes.subarray(0, length))
        }),
      datasync: () => later(() => this.#sync(path, node)),
      sync: () => later(() => this.#sync(path, node)),
      close: () => Promise.resolve()
    }
  }

  #sync(path: string, node: Node): void {
    this.#change()
    node.synced = Buffer.from(node.bytes)
    if (!node.folder) return
    for (const known of [...this.#syncedNames.keys()]) {
      if (dirname(known) === path && !this.#names.has(known)) this.#syncedNames.delete(known)
    }
    for (const [name, child] of this.#names) if (dirname(name) === path) this.#syncedNames.set(name, child)
  }

  stat(path: string): Promise<FileStat> {
    return later(() => {
      this.#assertRunning()
      const node = this.#names.get(path)
      if (!node) throw systemError('ENOENT')
      return this.#statOf(node)
    })
  }

  lstat(path: string): Promise<FileStat> {
    return this.stat(path)
  }

  async realpath(path: string): Promise<string> {
    await this.stat(path)
    return path
  }

  mkdir(path: string): Promise<void> {
    return later(() => {
      if (this.#names.has(path)) throw systemError('EEXIST')
      this.#change()
      this.#names.set(path, this.#node(true))
    })
  }

  async mkdirs(path: string): Promise<void> {
    if (!this.#names.has(path)) await this.mkdir(path)
  }

  rename(from: string, to: string): Promise<void> {
    return later(() => {
      const node = this.#names.get(from)
      if (!node) throw systemError('ENOENT')
      this.#change()
      this.#names.delete(from)
      this.#names.set(to, node)
    })
  }

  unlink(path: string): Promise<void> {
    return later(() => {
      if (!this.#names.has(path)) throw systemError('ENOENT')
      this.#change()
      this.#names.delete(path)
    })
  }

  async access(path: string): Promise<void> {
    await this.stat(path)
  }

  statfs(): Promise<SpaceStat> {
    return later(() => {
      this.#assertRunning()
      return { bavail: 2 ** 30, bsize: 1, blocks: 2 ** 30 }
    })
  }

  #statOf(node: Node): FileStat {
    this.#assertRunning()
    const { ino, mtimeMs, folder } = node
    const blocks = Math.ceil(node.bytes.length / 512)
    return { size: node.bytes.length, mtimeMs, dev: 1, ino, blocks, isFile: () => !folder, isDirectory: () => folder }
  }

  #node(folder: boolean): Node {
    return { ino: this.#inodes++, folder, bytes: Buffer.alloc(0), synced: Buffer.alloc(0), mtimeMs: 1000 }
  }

  #change(): void {
    this.#assertRunning()
    this.changes++
  }

  #assertRunning(): void {
    if (this.changes >= this.crashAfter) throw systemError('ECRASH')
  }
}

/** Runs the call in a later turn, as a real disk would; its throw is a rejection. */
function later<T>(call: () => T): Promise<T> {
  return Promise.resolve().then(call)
}

function hasParents(path: string, names: ReadonlyMap<string, Node>): boolean {
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) if (!names.has(folder)) return false
  return true
}
