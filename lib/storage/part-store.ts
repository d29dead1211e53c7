/**
 * Pieces that reach into files nobody asked for, whole, in one hidden file beside the download: so those files are never made, and the pieces are there
 * when their files are asked for later. It does not know whether what it finds is right: whoever uses it hashes it first.
 *
 * The file is a row of slots, each "BTPS", the piece's index, and room for a piece. A slot is named after its bytes are written.
 */
import type { Metainfo } from '../metainfo/metainfo.js'
import type { Geometry, PieceIndex } from '../pieces/geometry.js'
import { systemCode } from './disk-error.js'
import type { DiskSpan } from './disk-hasher.js'
import { byteCount, readAll, writeAll, type FileSystem, type OpenFile } from './file-system.js'
import { recordName } from './resume-record.js'
import type { TargetFolder } from './target-folder.js'

const MARK = Buffer.from('BTPS')
const HEAD_BYTES = 8
const NO_HEAD = Buffer.alloc(HEAD_BYTES)

export class PartStore {
  readonly #fileSystem: FileSystem
  readonly #target: TargetFolder
  readonly #geometry: Geometry
  readonly #name: string
  /** Piece → number of its slot. */
  readonly #slots = new Map<PieceIndex, number>()
  readonly #taken = new Set<number>()
  #file: Promise<OpenFile> | undefined
  /** Reads that have not ended: the file is not closed under them. */
  readonly #reading = new Set<Promise<boolean>>()
  #isThere = false
  #isDirty = false

  private constructor(fileSystem: FileSystem, target: TargetFolder, metainfo: Metainfo, geometry: Geometry) {
    this.#fileSystem = fileSystem
    this.#target = target
    this.#geometry = geometry
    this.#name = `${recordName(metainfo)}.parts`
  }

  /** Finds what earlier sessions put there; makes nothing. Whatever the file holds, it loads. Rejects with ERR_BT_FILE_TYPE or errors of node:fs. */
  static async load(
    fileSystem: FileSystem,
    target: TargetFolder,
    metainfo: Metainfo,
    geometry: Geometry
  ): Promise<PartStore> {
    const store = new PartStore(fileSystem, target, metainfo, geometry)
    let file: OpenFile
    try {
      file = await target.openFile(store.#name, 'read')
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return store
      throw error
    }
    try {
      store.#isThere = true
      await store.#readHeads(file)
    } finally {
      await file.close()
    }
    return store
  }

  /** The pieces that are in it, in no order. */
  pieces(): PieceIndex[] {
    return [...this.#slots.keys()]
  }

  has(index: PieceIndex): boolean {
    return this.#slots.has(index)
  }

  /** Where the piece lies on disk. */
  spanOf(index: PieceIndex): DiskSpan | undefined {
    const slot = this.#slots.get(index)
    if (slot === undefined) return undefined
    const path = this.#target.pathOf(this.#name)
    return { path, position: this.#positionOf(slot) + HEAD_BYTES, length: this.#geometry.lengthOf(index) }
  }

  /** Fills `into` with the piece's bytes from `begin`; false when they are not there. */
  async read(index: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean> {
    const span = this.spanOf(index)
    if (!span) return false
    const reading = this.#fill(span.position + begin, targets)
    this.#reading.add(reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(reading)
    }
  }

  async #fill(position: number, targets: readonly Buffer[]): Promise<boolean> {
    const kept = this.#file
    const file = await (kept ?? this.#target.openFile(this.#name, 'read'))
    try {
      return (await readAll(file, targets, position)) === byteCount(targets)
    } finally {
      if (!kept) await file.close()
    }
  }

  /** Rejects with errors of node:fs or `StorageError`. */
  async write(index: PieceIndex, bytes: Buffer): Promise<void> {
    const slot = this.#slots.get(index) ?? this.#freeSlot()
    this.#taken.add(slot)
    const file = await this.#open()
    this.#isDirty = true
    const head = Buffer.concat([MARK, NO_HEAD.subarray(MARK.length)])
    head.writeUInt32BE(index, MARK.length)
    await writeAll(file, [bytes], this.#positionOf(slot) + HEAD_BYTES)
    await writeAll(file, [head], this.#positionOf(slot))
    this.#slots.set(index, slot)
  }

  /** The piece is not right, or needed no longer: its slot is for others. On disk that shows after `tidy`. */
  drop(index: PieceIndex): void {
    this.#slots.delete(index)
  }

  /** Makes what was written last. */
  async sync(): Promise<void> {
    if (!this.#isDirty || !this.#file) return
    this.#isDirty = false
    await (await this.#file).datasync()
    await this.#target.syncFolders()
  }

  /** Removes the file when it holds nothing any more, else the names of slots that were dropped. */
  async tidy(): Promise<void> {
    if (!this.#isThere) return
    if (this.#slots.size === 0) {
      await this.close()
      await this.#fileSystem.unlink(this.#target.pathOf(this.#name))
      this.#isThere = false
      this.#taken.clear()
      await this.#target.syncOwn()
      return
    }
    const used = new Set(this.#slots.values())
    for (const slot of [...this.#taken].filter(each => !used.has(each))) {
      await writeAll(await this.#open(), [NO_HEAD], this.#positionOf(slot))
      this.#taken.delete(slot)
      this.#isDirty = true
    }
    await this.sync()
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await Promise.allSettled(this.#reading)
    await (await file)?.close()
  }

  async #readHeads(file: OpenFile): Promise<void> {
    const { size } = await file.stat()
    const count = Math.min(Math.ceil(size / this.#slotBytes), this.#geometry.pieceCount)
    const head = Buffer.alloc(HEAD_BYTES)
    for (let slot = 0; slot < count; slot++) {
      if ((await readAll(file, [head], this.#positionOf(slot))) < HEAD_BYTES) return
      const index = this.#geometry.pieceIndex(head.readUInt32BE(MARK.length))
      if (index === undefined || !head.subarray(0, MARK.length).equals(MARK) || this.#slots.has(index)) continue
      this.#slots.set(index, slot)
      this.#taken.add(slot)
    }
  }

  /** Not one that was dropped in this session: its name on disk is still there. */
  #freeSlot(): number {
    let slot = 0
    while (this.#taken.has(slot)) slot++
    return slot
  }

  #open(): Promise<OpenFile> {
    this.#file ??= this.#target.openFile(this.#name, this.#isThere ? 'write' : 'create')
    this.#file.catch(() => (this.#file = undefined))
    this.#isThere = true
    return this.#file
  }

  get #slotBytes(): number {
    return HEAD_BYTES + this.#geometry.pieceLength
  }

  #positionOf(slot: number): number {
    return slot * this.#slotBytes
  }
}
