/**
 * A torrent as files in a folder. It knows which pieces are stored and when they are safe; which bytes lie in which file, and how to get at a
 * file without harm, others of this folder know. It trusts its caller that a piece is verified.
 *
 * Life: `open` → hash `candidates` through `readInto` → `adopt` → `write` and `read` → `finish` when complete → `close`.
 */
import { join } from 'node:path'
import { systemClock, type Clock } from '../clock.js'
import { StorageError } from '../errors.js'
import type { Metainfo } from '../metainfo/metainfo.js'
import type { Geometry, PieceIndex } from '../pieces/geometry.js'
import type { TransferTotals } from '../policy/transfer-totals.js'
import type { Lease, Storage, VerifiedPiece } from '../streams/storage.js'
import { Checkpoint, type Landing } from './checkpoint.js'
import type { DiskSpan } from './disk-hasher.js'
import { diskError, diskFullError, freeBytes, isDiskFull, systemCode } from './disk-error.js'
import { byteCount, nodeFileSystem, type FileSystem } from './file-system.js'
import { FileTable, type PieceSet } from './file-table.js'
import { LockFile } from './lock-file.js'
import { PartStore } from './part-store.js'
import { PayloadFiles } from './payload-files.js'
import { recordName, refuseRecordPaths, ResumeRecord } from './resume-record.js'
import { TargetFolder } from './target-folder.js'

export interface FileStorageOptions {
  /** Target folder; made when it is not there. */
  readonly dir: string
  readonly metainfo: Metainfo
  readonly geometry: Geometry
  /** Positions in `metainfo.files` of the files to keep; no other is ever made or read. */
  readonly selected: ReadonlySet<number>
  /** Files that are there, are not ours and do not verify: write over them rather than refuse. */
  readonly overwrite: boolean
  /** For seeding: nothing is made, locked or written, and what is missing stays missing. Default false. */
  readonly readOnly?: boolean
  /** Kept with the record. */
  readonly totals?: TransferTotals
  readonly fileSystem?: FileSystem | undefined
  readonly clock?: Clock
}

/** What `open` found and made. `record` and `lock` are absent when read-only. */
interface Parts {
  readonly target: TargetFolder
  readonly table: FileTable
  readonly record: ResumeRecord | undefined
  readonly lock: LockFile | undefined
  readonly parts: PartStore
}

export class FileStorage implements Storage {
  readonly #options: FileStorageOptions
  readonly #fileSystem: FileSystem
  readonly #geometry: Geometry
  readonly #target: TargetFolder
  readonly #table: FileTable
  readonly #record: ResumeRecord | undefined
  readonly #lock: LockFile | undefined
  readonly #files: PayloadFiles
  readonly #parts: PartStore
  readonly #checkpoint: Checkpoint
  /** 1: every selected byte of the piece is in its file. */
  readonly #stored: Uint8Array
  readonly #have: PieceSet = { has: index => this.#stored[index] === 1 }
  /** Calls that change something and have not ended; `close` waits for them. */
  readonly #busy = new Set<Promise<void>>()
  #adopted = false
  #closing: Promise<void> | undefined

  private constructor(options: FileStorageOptions, fileSystem: FileSystem, parts: Parts) {
    const { metainfo, geometry, clock = systemClock } = options
    this.#options = options
    this.#fileSystem = fileSystem
    this.#geometry = geometry
    this.#target = parts.target
    this.#table = parts.table
    this.#record = parts.record
    this.#lock = parts.lock
    this.#parts = parts.parts
    this.#files = new PayloadFiles(fileSystem, parts.target, parts.table, metainfo.files, clock)
    this.#checkpoint = new Checkpoint(landing => this.#makeDurable(landing), clock)
    this.#stored = new Uint8Array(geometry.pieceCount)
  }

  /**
   * Looks at what is there; makes nothing but the folder and a lock. Rejects with ERR_BT_LOCKED, ERR_BT_FILE_TYPE, ERR_BT_PATH, or
   * ERR_BT_DISK (a folder that cannot be written, for one).
   */
  static async open(options: FileStorageOptions): Promise<FileStorage> {
    const { dir, metainfo, geometry, selected, readOnly = false, totals, fileSystem = nodeFileSystem } = options
    refuseRecordPaths(metainfo)
    let lock: LockFile | undefined
    try {
      const target = await TargetFolder.open(fileSystem, dir, { create: !readOnly })
      if (!readOnly) lock = await LockFile.take(fileSystem, join(target.path, `${recordName(metainfo)}.lock`))
      const record = readOnly ? undefined : await ResumeRecord.load(fileSystem, target, metainfo, totals)
      const table = await FileTable.survey(target, metainfo, geometry, selected, record)
      const parts = await PartStore.load(fileSystem, target, metainfo, geometry)
      return new FileStorage(options, fileSystem, { target, table, record, lock, parts })
    } catch (error) {
      await lock?.release().catch(() => undefined) // The first error is the one to tell.
      throw diskError(error, `cannot ${readOnly ? 'read' : 'write to'} the folder ${dir}`)
    }
  }

  /** What was odd and is worth a line to the user. */
  get warnings(): readonly string[] {
    return this.#record?.damaged ? ['the resume record is damaged: every file is checked'] : []
  }

  /** A write, or what makes ready for one, is under way. */
  get isWriting(): boolean {
    return this.#busy.size > 0
  }

  /** Pieces that may be there already and are worth hashing, in order. */
  candidates(): PieceIndex[] {
    const parts = this.#parts.pieces().filter(index => !this.#table.isCandidate(index))
    return [...this.#table.candidates(), ...parts].sort((a, b) => a - b)
  }

  /** The piece is checked where pieces are kept that reach into files nobody asked for, and is wrong there: true when the files may have it, too. */
  dropPart(index: PieceIndex): boolean {
    if (!this.#parts.has(index)) return false
    this.#parts.drop(index)
    return this.#table.isCandidate(index)
  }

  /**
   * Fills `target` (as long as the piece; any memory) for the check; padding is zeros. Resolves to false when a file is missing or
   * too short there, or was not selected; `target` then holds anything. Rejects with `StorageError`.
   */
  async readInto(index: PieceIndex, target: Buffer): Promise<boolean> {
    this.#assertOpen()
    try {
      if (this.#parts.has(index)) return await this.#parts.read(index, 0, [target])
      return await this.#files.fill(this.#geometry.pieceOffset(index), [target])
    } catch (error) {
      if (error instanceof StorageError && systemCode(error.cause) === 'ENOENT') return false
      throw error
    }
  }

  /** Pieces that are kept apart, as they reach into files that were not chosen when they came. */
  parts(): PieceIndex[] {
    return this.#parts.pieces()
  }

  /**
   * Whether the files that are there have the same bytes as a piece that is kept apart and right. At first, when we may write, `adopt` sees to that.
   */
  async agrees(index: PieceIndex): Promise<boolean> {
    if (this.#record && !this.#adopted) return true
    const bytes = Buffer.allocUnsafe(this.#geometry.lengthOf(index))
    return (
      (await this.#parts.read(index, 0, [bytes])) && (await this.#files.agree(this.#geometry.pieceOffset(index), bytes))
    )
  }

  /** The files are on this machine's disk: others may read them by their paths. */
  get isLocal(): boolean {
    return this.#fileSystem === nodeFileSystem
  }

  /** Where the bytes of a piece lie, for a check that reads for itself. */
  spansOf(index: PieceIndex): DiskSpan[] {
    const part = this.#parts.spanOf(index)
    return part ? [part] : this.#files.diskSpans(this.#geometry.pieceOffset(index), this.#geometry.lengthOf(index))
  }

  /** Bytes on disk of the file at this position when it was opened; -1 when there was none, `undefined` when it is not selected. */
  sizeOf(position: number): number | undefined {
    return this.#table.at(position)?.size
  }

  /**
   * Takes the result of the check and makes ready for writing: decides about files that are not ours, compares free space with what is
   * missing, writes the record, then makes the folders. Rejects with ERR_BT_FILE_EXISTS or ERR_BT_DISK_FULL before anything is made.
   */
  adopt(have: PieceSet): Promise<void> {
    return this.#track(this.#adopt(have))
  }

  /** Writes pieces that follow each other; a run of bytes in one file is one system call. See `Storage`. */
  async write(pieces: readonly VerifiedPiece[]): Promise<void> {
    try {
      await this.#track(this.#write(pieces))
    } finally {
      for (const piece of pieces) piece.release()
    }
  }

  /** Every byte of the piece is kept here: in files that were selected, or apart. */
  keeps(index: PieceIndex): boolean {
    return this.#parts.has(index) || this.#isInFiles(index)
  }

  #isInFiles(index: PieceIndex): boolean {
    return this.#files.keeps(this.#geometry.pieceOffset(index), this.#geometry.lengthOf(index))
  }

  /** Lends a copy in ordinary memory; `undefined` when the piece is not kept here. See `Storage`. */
  async read(index: PieceIndex, begin: number, length: number): Promise<Lease | undefined> {
    if (!this.#have.has(index)) return undefined
    const bytes = Buffer.allocUnsafeSlow(length)
    return (await this.fill(index, begin, [bytes])) ? { bytes, release: () => undefined } : undefined
  }

  /** See `Storage`. */
  async fill(index: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean> {
    this.#assertOpen()
    const length = byteCount(targets)
    const offset = this.#geometry.pieceOffset(index) + begin
    if (!this.#have.has(index)) return false
    const isApart = this.#parts.has(index)
    if (!isApart && !this.#files.keeps(offset, length)) return false
    if (await (isApart ? this.#parts.read(index, begin, targets) : this.#files.fill(offset, targets))) return true
    const paths = this.#files.pathsOf(offset, length)
    throw new StorageError('ERR_BT_DISK', `${paths}: shorter than it was: something else changed it`)
  }

  /**
   * When every selected piece is written: syncs, makes empty files, sees that each file is there and as long as it must be, and removes
   * the record. Resolves to pieces that have to be checked again first, as something else changed their files meanwhile: nothing is finished then.
   * Rejects with `StorageError`; the record is then still there.
   */
  async finish(): Promise<PieceIndex[]> {
    const doubtful: PieceIndex[] = []
    await this.#track(this.#finish(doubtful))
    return doubtful
  }

  /** These pieces turned out to be wrong: they are written again when they come. */
  forget(indexes: Iterable<PieceIndex>): void {
    for (const index of indexes) {
      this.#stored[index] = 0
      this.#record?.dropPiece(index)
      this.#parts.drop(index)
    }
  }

  /** Waits for writes, makes durable what landed, closes the files and gives back the lock. See `Storage`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#busy.add(work)
    try {
      await work
    } finally {
      this.#busy.delete(work)
    }
  }

  async #adopt(have: PieceSet): Promise<void> {
    this.#assertOpen()
    const found = this.candidates().filter(index => have.has(index))
    for (const index of found) this.#stored[index] = 1
    if (this.#record) {
      this.#table.decide(this.#have, this.#options.overwrite)
      const needed = this.#table.spaceNeeded(this.#have) + this.#partBytesNeeded()
      const free = await freeBytes(this.#fileSystem, this.#target.path)
      if (free !== undefined && free < needed) throw await diskFullError(this.#fileSystem, this.#target.path, needed)
      await this.#claim(this.#record, found)
        .then(() => this.#restore(found))
        .catch((error: unknown) => this.#fail(error, 'cannot write to'))
    }
    this.#adopted = true
  }

  /** The record before the folders, the folders before any file; then what was found is synced: nobody knows whether it ever was. */
  async #claim(record: ResumeRecord, found: readonly PieceIndex[]): Promise<void> {
    const owned = [...this.#table.files()].filter(file => file.owned)
    const unsure = found.filter(index => !record.hasPiece(index) && this.#table.isOwn(index))
    await record.keepOnly(
      position => this.#table.at(position) !== undefined,
      index => this.#stored[index] === 1
    )
    for (const file of owned) record.mark(file.position, { size: file.size, mtimeMs: file.mtimeMs })
    if (owned.length > 0) await record.save()
    await this.#files.prepare(owned.filter(file => !this.#table.isComplete(file, this.#have)))
    if (unsure.length === 0) return
    const standing = owned.filter(file => file.size > 0)
    this.#checkpoint.landed(
      unsure,
      standing.map(file => file.position),
      0
    )
  }

  #partBytesNeeded(): number {
    let sum = 0
    for (let n = 0; n < this.#geometry.pieceCount; n++) {
      const index = this.#geometry.pieceIndex(n)
      if (index === undefined || this.#have.has(index)) continue
      const length = this.#geometry.lengthOf(index)
      if (this.#files.straddles(this.#geometry.pieceOffset(index), length)) sum += length
    }
    return sum
  }

  /** Pieces that were kept apart go to the files that were chosen since; where they are there already, nothing changes. */
  async #restore(found: readonly PieceIndex[]): Promise<void> {
    for (const index of found.filter(each => this.#parts.has(each))) {
      const bytes = Buffer.allocUnsafe(this.#geometry.lengthOf(index))
      if (!(await this.#parts.read(index, 0, [bytes]))) continue
      const touched = await this.#files.write(this.#geometry.pieceOffset(index), [bytes])
      this.#checkpoint.landed([index], touched, bytes.length)
    }
  }

  async #write(pieces: readonly VerifiedPiece[]): Promise<void> {
    this.#assertOpen()
    this.#checkpoint.throwIfFailed()
    const [first] = pieces
    if (!first) return
    if (!this.#record || !this.#adopted)
      throw new StorageError('ERR_BT_DISK', 'these files were not opened for writing')
    const buffers = pieces.map(piece => piece.bytes)
    const indexes = pieces.map(piece => piece.index)
    try {
      const touched = await this.#files.write(this.#geometry.pieceOffset(first.index), buffers)
      for (const { index, bytes } of pieces) if (!this.#isInFiles(index)) await this.#parts.write(index, bytes)
      for (const index of indexes) this.#stored[index] = 1
      this.#checkpoint.landed(indexes, touched, byteCount(buffers))
    } catch (error) {
      await this.#fail(error, 'cannot write to')
    }
  }

  /** Data, names of new files, and only then the record. */
  async #makeDurable(landing: Landing): Promise<void> {
    const record = this.#record
    if (!record) return
    try {
      await this.#parts.sync()
      const marks = await this.#files.sync(landing.files)
      for (const [position, mark] of marks) record.mark(position, mark)
      for (const index of landing.pieces) if (this.#table.isOwn(index)) record.addPiece(index)
      await this.#files.withRoom(() => record.save())
    } catch (error) {
      await this.#fail(error, 'cannot make durable what was written to')
    }
  }

  async #finish(doubtful: PieceIndex[]): Promise<void> {
    this.#assertOpen()
    const record = this.#record
    if (!record) return
    if (!this.#adopted || !this.#table.hasAll(this.#have)) {
      throw new StorageError(
        'ERR_BT_DISK',
        `${this.#table.missingBytes(this.#have)} bytes of the files are still missing`
      )
    }
    await this.#checkpoint.drain()
    try {
      doubtful.push(...this.#table.piecesOfAll(await this.#files.disturbed()))
      if (doubtful.length > 0) return
      await this.#files.complete()
      for (const file of this.#table.files()) record.forget(file.position)
      await this.#files.withRoom(() => record.saveOrRemove())
      for (const index of this.#parts.pieces()) if (this.#isInFiles(index)) this.#parts.drop(index)
      await this.#parts.tidy()
    } catch (error) {
      await this.#fail(error, 'cannot finish the files in')
    }
  }

  async #close(): Promise<void> {
    const failures: unknown[] = []
    const note = (error: unknown) => failures.push(error)
    await Promise.allSettled(this.#busy)
    await this.#checkpoint.drain().catch(note)
    this.#checkpoint.stop()
    await this.#record?.saveTotals().catch(() => undefined)
    await this.#files.close().catch(note)
    await this.#parts.close().catch(note)
    await this.#lock?.release().catch(note)
    if (failures.length > 0) await this.#fail(failures[0], 'cannot close the files in')
  }

  /** Rejects with the error in our words; a full disk says how much is missing. */
  async #fail(error: unknown, doing: string): Promise<never> {
    const folder = this.#target.path
    if (!isDiskFull(error)) throw diskError(error, `${doing} ${folder}`)
    throw await diskFullError(this.#fileSystem, folder, this.#table.missingBytes(this.#have), error)
  }

  #assertOpen(): void {
    if (this.#closing) throw new StorageError('ERR_BT_DISK', 'the files are closed')
  }
}
