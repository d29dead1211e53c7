/**
 * The bytes of the torrent in its files: ranges of the torrent go in and come out. It knows which file may be written and keeps
 * descriptors few; it knows nothing of pieces that were checked, or of records.
 */
import { constants } from 'node:fs'
import { dirname, posix } from 'node:path'
import type { Clock } from '../clock.js'
import { StorageError } from '../errors.js'
import { FileMap, type FileSpan } from '../pieces/file-map.js'
import type { MetainfoFile } from '../metainfo/metainfo.js'
import { forEachBounded } from './bounded-walk.js'
import type { DiskSpan } from './disk-hasher.js'
import { diskError, isDiskFull } from './disk-error.js'
import { byteCount, byteRange, readAll, writeAll, type FileSystem, type OpenFile } from './file-system.js'
import type { FileTable, StoredFile } from './file-table.js'
import { FileWatch } from './file-watch.js'
import { OpenFiles } from './open-files.js'
import type { FileMark } from './resume-record.js'
import type { TargetFolder } from './target-folder.js'

export class PayloadFiles {
  readonly #fileSystem: FileSystem
  readonly #target: TargetFolder
  readonly #table: FileTable
  readonly #map: FileMap
  readonly #open: OpenFiles
  readonly #watch = new FileWatch()
  #writable = false

  constructor(
    fileSystem: FileSystem,
    target: TargetFolder,
    table: FileTable,
    files: readonly MetainfoFile[],
    clock: Clock
  ) {
    this.#fileSystem = fileSystem
    this.#target = target
    this.#table = table
    this.#map = new FileMap(files)
    this.#open = new OpenFiles(position => this.#openFile(position), clock)
  }

  /** True when every file of this range (padding apart) is selected. */
  keeps(offset: number, length: number): boolean {
    return this.#map.spans(offset, length).every(span => this.#table.at(span.file) !== undefined)
  }

  /** True when some bytes of this range are in selected files and others in files that are not. */
  straddles(offset: number, length: number): boolean {
    const selected = new Set(this.#map.spans(offset, length).map(span => this.#table.at(span.file) !== undefined))
    return selected.size === 2
  }

  /** Paths of the files in a range, for messages. */
  pathsOf(offset: number, length: number): string {
    const paths = this.#map.spans(offset, length).map(span => this.#pathOf(this.#table.at(span.file)))
    return paths.join(', ')
  }

  /** A range as runs of files on disk, and of zeros between them. Of a file that is not selected there is an empty path: nothing can be read there. */
  diskSpans(offset: number, length: number): DiskSpan[] {
    const found: DiskSpan[] = []
    let at = 0
    const addZeros = (end: number): void => {
      if (end > at) found.push({ path: undefined, position: 0, length: end - at })
    }
    for (const span of this.#map.spans(offset, length)) {
      addZeros(span.rangeOffset)
      const file = this.#table.at(span.file)
      found.push({ path: file ? this.#pathOf(file) : '', position: span.fileOffset, length: span.length })
      at = span.rangeOffset + span.length
    }
    addZeros(length)
    return found
  }

  /** Fills `targets`, one after the other, with the torrent's bytes from `offset`, padding as zeros; false when a file is too short, or not selected. */
  async fill(offset: number, targets: readonly Buffer[]): Promise<boolean> {
    const length = byteCount(targets)
    const spans = this.#map.spans(offset, length)
    if (spans.reduce((sum, span) => sum + span.length, 0) < length) for (const target of targets) target.fill(0)
    for (const span of spans) {
      const file = this.#table.at(span.file)
      if (!file) return false
      const parts = span.length === length ? targets : byteRange(targets, span.rangeOffset, span.length)
      try {
        const count = await this.#open.use(span.file, opened => readAll(opened, parts, span.fileOffset))
        if (count < span.length) return false
      } catch (error) {
        throw diskError(error, `cannot read ${this.#pathOf(file)}`)
      }
    }
    return true
  }

  /** True when no selected file has other bytes in this range. Once we may write, one that lacks them has others; before that it says nothing. */
  async agree(offset: number, expected: Buffer): Promise<boolean> {
    for (const span of this.#map.spans(offset, expected.length)) {
      const file = this.#table.at(span.file)
      if (!file || (!this.#writable && file.size <= span.fileOffset)) continue
      const actual = Buffer.allocUnsafe(span.length)
      const count = await this.#open.use(span.file, opened => readAll(opened, [actual], span.fileOffset))
      if (this.#writable && count < span.length) return false
      if (!actual.subarray(0, count).equals(expected.subarray(span.rangeOffset, span.rangeOffset + count))) return false
    }
    return true
  }

  /**
   * Writes the buffers, end to end, from the torrent's byte `offset` on; one system call a file. Bytes of files that were not
   * selected are dropped. Resolves to the positions of the files it touched. Rejects with StorageError, or with ENOSPC and EDQUOT as they are.
   */
  async write(offset: number, buffers: readonly Buffer[]): Promise<number[]> {
    const touched: number[] = []
    for (const span of this.#map.spans(offset, byteCount(buffers))) {
      const file = this.#table.at(span.file)
      if (!file) continue
      await this.#writeSpan(file, span, byteRange(buffers, span.rangeOffset, span.length))
      touched.push(span.file)
    }
    return touched
  }

  async #writeSpan(file: StoredFile, span: FileSpan, buffers: readonly Buffer[]): Promise<void> {
    const path = this.#pathOf(file)
    try {
      await this.#open.use(span.file, opened =>
        file.owned
          ? this.#watch.change(file, opened, () => writeAll(opened, buffers, span.fileOffset))
          : assertSame(opened, buffers, span.fileOffset, path)
      )
    } catch (error) {
      throw isDiskFull(error) ? error : diskError(error, `cannot write ${path}`)
    }
  }

  /**
   * Makes the folders of the files that are ours and not complete, and sees that they can be written; cuts those that are too
   * long, which only overwriting lets come so far.
   */
  async prepare(unfinished: readonly StoredFile[]): Promise<void> {
    await this.#open.closeAll() // Opened for the check, they can only be read.
    this.#writable = true
    const folders = new Set(unfinished.map(file => posix.dirname(file.path)))
    await forEachBounded(folders, async folder => {
      await this.#fileSystem.access(await this.#target.makeFolder(folder), constants.W_OK)
    })
    await forEachBounded(unfinished, async file => {
      if (file.size === -1) return
      await this.#fileSystem.access(this.#pathOf(file), constants.W_OK)
      if (file.size <= file.length) return
      await this.#open.use(file.position, opened =>
        this.#watch.change(file, opened, () => opened.truncate(file.length))
      )
      file.size = file.length
    })
  }

  /** Makes written bytes last, and the names of new files; resolves to what the files of ours among them look like then. */
  async sync(positions: Iterable<number>): Promise<Map<number, FileMark>> {
    const marks = new Map<number, FileMark>()
    await forEachBounded(positions, async position => {
      const file = this.#table.at(position)
      const mark = file && (await this.#syncFile(file))
      if (mark) marks.set(position, mark)
    })
    await this.withRoom(() => this.#target.syncFolders())
    return marks
  }

  async #syncFile(file: StoredFile): Promise<FileMark | undefined> {
    return this.#open.use(file.position, async opened => {
      await opened.datasync()
      if (!file.owned) return undefined
      const { size, mtimeMs, ino, dev } = await this.#watch.look(file, opened)
      const named = await this.#fileSystem.lstat(this.#pathOf(file)).catch(() => undefined)
      if (named?.ino === ino && named.dev === dev) return { size, mtimeMs }
      throw new StorageError('ERR_BT_DISK', `${this.#pathOf(file)} was moved or removed while it was written`)
    })
  }

  /** Positions of the files that somebody else changed since they were last looked at; asked again, it tells of later changes alone. */
  async disturbed(): Promise<number[]> {
    await forEachBounded(this.#table.files(), async file => {
      const path = this.#pathOf(file)
      const stat = await this.#target.look(dirname(path), posix.basename(file.path))
      if (stat) this.#watch.compare(file, stat)
    })
    return this.#watch.takeDisturbed()
  }

  /** Makes the empty files that nothing is ever written to, and sees that each file is there with its full length. */
  async complete(): Promise<void> {
    await forEachBounded(this.#table.files(), async file => {
      if (file.length > 0 || file.size >= 0) return
      const opened = await this.withRoom(() => this.#openFile(file.position))
      await opened.close()
    })
    await this.withRoom(() => this.#target.syncFolders())
    await forEachBounded(this.#table.files(), file => this.#assertThere(file))
  }

  async #assertThere(file: StoredFile): Promise<void> {
    const path = this.#pathOf(file)
    const stat = await this.#target.look(dirname(path), posix.basename(file.path))
    if (stat?.size === file.length) return
    const state = stat ? `is ${stat.size} bytes long, not ${file.length}` : 'is not there any more'
    throw new StorageError('ERR_BT_DISK', `${path} ${state}: something else changed it`)
  }

  /** For others of this storage that open a file now and then: see `OpenFiles`. */
  withRoom<T>(open: () => Promise<T>): Promise<T> {
    return this.#open.withRoom(open)
  }

  /** Nothing can be read or written any more. */
  close(): Promise<void> {
    return this.#open.close()
  }

  /** A file of ours is made when it is first written, and never again: one that vanished is an error, not a hole. */
  async #openFile(position: number): Promise<OpenFile> {
    const file = this.#table.at(position)
    if (!file) throw new StorageError('ERR_BT_DISK', `file ${position} of the torrent is not selected`)
    if (!this.#writable || !file.owned) return this.#target.openFile(file.path, 'read')
    if (file.size >= 0) return this.#target.openFile(file.path, 'write')
    const opened = await this.#target.openFile(file.path, 'create')
    file.size = 0
    this.#watch.begin(file, await opened.stat())
    return opened
  }

  #pathOf(file: StoredFile | undefined): string {
    return this.#target.pathOf(file?.path ?? '')
  }
}

/** A file that is not ours is compared, not written: nothing we do changes it. */
async function assertSame(file: OpenFile, buffers: readonly Buffer[], position: number, path: string): Promise<void> {
  let at = position
  for (const expected of buffers) {
    const actual = Buffer.allocUnsafe(expected.length)
    if ((await readAll(file, [actual], at)) < expected.length || !actual.equals(expected)) {
      throw new StorageError(
        'ERR_BT_FILE_EXISTS',
        `${path}: another file stands there; it is left as it is unless overwriting is asked for`
      )
    }
    at += expected.length
  }
}
