/**
 * The file `.<info-hash>.bt-stream` beside a download: which files are ours, and which pieces of them are on the disk for certain.
 * Ownership is taken from any line that is whole; the rest is a hint, used only when every byte of the record is right.
 * It knows no pieces' content and opens no payload file.
 *
 *     bt-stream resume record 1
 *     {"infoHash":"…","pieceCount":3,"pieces":"oA==",      bitfield, base64, high bit first
 *      "uploaded":0,"downloaded":32768}                   bytes, in all sessions
 *     [0,1024,1700000000000.5,"a/b.txt"]                  position, bytes on disk (-1: not made yet), mtime in ms, path below the torrent's folder
 *     sha256 …                                            of everything above
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { MAX_RECORD_BYTES } from '../limits.js'
import type { Metainfo } from '../metainfo/metainfo.js'
import { StorageError } from '../errors.js'
import { asTransferFigures, TransferTotals } from '../policy/transfer-totals.js'
import { forEachBounded } from './bounded-walk.js'
import { systemCode } from './disk-error.js'
import { readAll, writeAll, type FileSystem, type OpenFile } from './file-system.js'
import type { TargetFolder } from './target-folder.js'

const TITLE = 'bt-stream resume record 1'
/** Between steps of this size other work gets its turn: torrents may have 400,000 files. */
const LINES_A_STEP = 4096
const BYTES_A_STEP = 2 ** 20
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const OLD_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** What a file looked like when it was last synced; `size` is -1 before it is made. */
export interface FileMark {
  readonly size: number
  readonly mtimeMs: number
}

export class ResumeRecord {
  readonly #fileSystem: FileSystem
  readonly #target: TargetFolder
  readonly #metainfo: Metainfo
  readonly #path: string
  readonly #temporaryPath: string
  readonly #totals: TransferTotals
  readonly #pieces: Buffer
  readonly #marks = new Map<number, FileMark>()
  #state: 'none' | 'damaged' | 'whole' = 'none'
  #savedUploaded = 0

  private constructor(fileSystem: FileSystem, target: TargetFolder, metainfo: Metainfo, totals: TransferTotals) {
    this.#fileSystem = fileSystem
    this.#target = target
    this.#metainfo = metainfo
    this.#path = join(target.path, recordName(metainfo))
    this.#temporaryPath = `${this.#path}.tmp`
    this.#totals = totals
    this.#pieces = Buffer.alloc(Math.ceil(metainfo.pieceHashes.length / 20 / 8))
  }

  /**
   * Reads the record, if there is one. A record of any content loads; rejects only with errors of node:fs such as EIO. `totals` learns what
   * it says, and each save writes what they are then.
   */
  static async load(
    fileSystem: FileSystem,
    target: TargetFolder,
    metainfo: Metainfo,
    totals = new TransferTotals()
  ): Promise<ResumeRecord> {
    const record = new ResumeRecord(fileSystem, target, metainfo, totals)
    const bytes = await record.#readFile()
    if (bytes) await record.#parse(bytes)
    return record
  }

  /** True when a record was there and something in it was wrong: its pieces and marks are then unknown. */
  get damaged(): boolean {
    return this.#state === 'damaged'
  }

  /** True when a record was there and every byte of it was right. */
  get whole(): boolean {
    return this.#state === 'whole'
  }

  /** True when the file at this position was made (or is about to be made) by us. */
  owns(position: number): boolean {
    return this.#marks.has(position)
  }

  /** How the file looked when the record was written; `undefined` when that is not known for certain. */
  markOf(position: number): FileMark | undefined {
    return this.#state === 'whole' ? this.#marks.get(position) : undefined
  }

  /** Makes the file ours, or notes how it looks now. In memory; `save` makes it last. */
  mark(position: number, mark: FileMark): void {
    this.#marks.set(position, mark)
  }

  hasPiece(index: number): boolean {
    return ((this.#pieces[index >>> 3] ?? 0) & (0x80 >>> (index & 7))) !== 0
  }

  /** Only for pieces whose bytes are synced. */
  addPiece(index: number): void {
    this.#pieces[index >>> 3] = (this.#pieces[index >>> 3] ?? 0) | (0x80 >>> (index & 7))
  }

  /** Its bytes are there no more. */
  dropPiece(index: number): void {
    this.#pieces[index >>> 3] = (this.#pieces[index >>> 3] ?? 0) & ~(0x80 >>> (index & 7))
  }

  /** The file is complete, or gone: it is ours no longer. */
  forget(position: number): void {
    this.#marks.delete(position)
  }

  /**
   * Drops pieces that did not verify. Files of ours outside this session's selection stay ours if they are still there, but what is in
   * them is unknown from now on: their pieces were not checked.
   */
  async keepOnly(isSelected: (position: number) => boolean, isStored: (index: number) => boolean): Promise<void> {
    for (let index = 0; index < this.#pieceCount; index++) {
      if (!isStored(index)) this.dropPiece(index)
    }
    const others = [...this.#marks.keys()].filter(position => !isSelected(position))
    await forEachBounded(others, async position => {
      const path = this.#target.pathOf(this.#metainfo.files[position]?.path ?? '')
      const stat = await this.#fileSystem.lstat(path).catch(() => undefined)
      if (stat?.isFile()) this.#marks.set(position, { size: -1, mtimeMs: 0 })
      else this.#marks.delete(position)
    })
  }

  /**
   * Replaces the record on disk: temporary file, sync, rename, sync of the folder. At each moment the old or the new record
   * is whole. Rejects with errors of node:fs; the old record is then still there.
   */
  async save(): Promise<void> {
    await this.#unlink(this.#temporaryPath)
    const file = await this.#fileSystem.open(this.#temporaryPath, NEW_FILE)
    try {
      await this.#write(file)
      await file.sync()
    } catch (error) {
      await this.#unlink(this.#temporaryPath).catch(() => undefined)
      throw error
    } finally {
      await file.close()
    }
    await this.#fileSystem.rename(this.#temporaryPath, this.#path)
    await this.#target.syncOwn()
    this.#state = 'whole'
  }

  /** Saves it once more at the end, when there is one and more was given since. */
  async saveTotals(): Promise<void> {
    const isKept = this.#state === 'whole' && this.#marks.size > 0
    if (isKept && this.#totals.now.uploaded !== this.#savedUploaded) await this.save()
  }

  /** Removes the record when it names no file any more. */
  async saveOrRemove(): Promise<void> {
    if (this.#marks.size > 0) return this.save()
    await this.#unlink(this.#path)
    await this.#target.syncOwn()
  }

  async #write(file: OpenFile): Promise<void> {
    const hash = createHash('sha256')
    let position = 0
    const append = async (lines: string[]) => {
      const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
      hash.update(bytes)
      await writeAll(file, [bytes], position)
      position += bytes.length
    }
    const { infoHash } = this.#metainfo
    const head = {
      infoHash: infoHash.toString('hex'),
      pieceCount: this.#pieceCount,
      pieces: this.#pieces.toString('base64'),
      ...this.#totals.now
    }
    this.#savedUploaded = head.uploaded
    let lines = [TITLE, JSON.stringify(head)]
    for (const [at, mark] of this.#marks) {
      lines.push(JSON.stringify([at, mark.size, mark.mtimeMs, this.#shortPath(at)]))
      if (lines.length < LINES_A_STEP) continue
      await append(lines)
      lines = []
    }
    await append(lines)
    await append([`sha256 ${hash.copy().digest('hex')}`])
  }

  async #readFile(): Promise<Buffer | undefined> {
    let file: OpenFile
    try {
      file = await this.#fileSystem.open(this.#path, OLD_FILE)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      if (systemCode(error) !== 'ELOOP' && systemCode(error) !== 'ENXIO') throw error
      this.#state = 'damaged' // A link or a socket; saving replaces it.
      return undefined
    }
    try {
      const stat = await file.stat()
      if (!stat.isFile() || stat.size > MAX_RECORD_BYTES) {
        this.#state = 'damaged'
        return undefined
      }
      const bytes = Buffer.alloc(stat.size)
      return bytes.subarray(0, await readAll(file, [bytes], 0))
    } finally {
      await file.close()
    }
  }

  async #parse(bytes: Buffer): Promise<void> {
    this.#state = 'damaged'
    const lastLine = bytes.lastIndexOf('\nsha256 ') + 1
    const lines = bytes.toString('utf8').split('\n')
    const head = parseJson(lines[1])
    if (lines[0] !== TITLE || (isHead(head) && head.infoHash !== this.#metainfo.infoHash.toString('hex'))) return
    for (let i = 2; i < lines.length; i++) {
      this.#claim(parseJson(lines[i]))
      if (i % LINES_A_STEP === 0) await breathe()
    }
    if (!isHead(head)) return
    const trailer = bytes.toString('latin1', lastLine)
    const pieces = Buffer.from(head.pieces, 'base64')
    if (trailer !== `sha256 ${await digest(bytes.subarray(0, lastLine))}\n`) return
    if (head.pieceCount !== this.#pieceCount || pieces.length !== this.#pieces.length) return
    pieces.copy(this.#pieces)
    const figures = asTransferFigures(head)
    if (figures) this.#totals.learn(figures)
    this.#savedUploaded = this.#totals.now.uploaded
    this.#state = 'whole'
  }

  /** A line counts only when it names the very path that this torrent has at that position. */
  #claim(line: unknown): void {
    if (!Array.isArray(line) || line.length !== 4) return
    const [position, size, mtimeMs, path] = line as unknown[]
    if (typeof position !== 'number' || typeof size !== 'number' || typeof mtimeMs !== 'number') return
    if (path !== undefined && path === this.#shortPath(position)) this.#marks.set(position, { size, mtimeMs })
  }

  /** Without the torrent's own folder, which all files share. */
  #shortPath(position: number): string | undefined {
    const file = this.#metainfo.files[position]
    if (!file || file.padding) return undefined
    return file.path.slice(file.path.indexOf('/') + 1)
  }

  get #pieceCount(): number {
    return this.#metainfo.pieceHashes.length / 20
  }

  async #unlink(path: string): Promise<void> {
    try {
      await this.#fileSystem.unlink(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }
}

/** Name of the record in the target folder. */
export function recordName(metainfo: Metainfo): string {
  return `.${metainfo.infoHash.toString('hex')}.bt-stream`
}

/** True for paths that records and locks use: a torrent that brought one could make files of others look like ours. */
export function isRecordPath(path: string): boolean {
  return /^\.[0-9a-f]{40}\.bt-stream/i.test(path)
}

interface Head {
  infoHash: string
  pieceCount: number
  pieces: string
}

function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false
  const head = value as Partial<Record<keyof Head, unknown>>
  return typeof head.infoHash === 'string' && typeof head.pieceCount === 'number' && typeof head.pieces === 'string'
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown
  } catch {
    return undefined
  }
}

async function digest(bytes: Buffer): Promise<string> {
  const hash = createHash('sha256')
  for (let at = 0; at < bytes.length; at += BYTES_A_STEP) {
    hash.update(bytes.subarray(at, at + BYTES_A_STEP))
    await breathe()
  }
  return hash.digest('hex')
}

/** A torrent must not bring files in the place of our records. Throws `StorageError`. */
export function refuseRecordPaths(metainfo: Metainfo): void {
  const bad = metainfo.files.find(file => isRecordPath(file.path))
  if (bad)
    throw new StorageError(
      'ERR_BT_PATH',
      `${bad.path}: a torrent must not bring a file with the name of a resume record`
    )
}
