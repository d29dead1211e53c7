/**
 * What stands on disk of the files that were asked for: whose each file is, which pieces may be there, how many bytes are missing.
 * It decides who may write where; it opens and writes nothing.
 */
import { posix } from 'node:path'
import { StorageError } from '../errors.js'
import type { Metainfo, MetainfoFile } from '../metainfo/metainfo.js'
import type { Geometry, PieceIndex } from '../pieces/geometry.js'
import { forEachBounded } from './bounded-walk.js'
import type { ResumeRecord } from './resume-record.js'
import type { TargetFolder } from './target-folder.js'

/** A set of pieces: a `Set`, a bitfield. */
export interface PieceSet {
  has(index: PieceIndex): boolean
}

export interface StoredFile extends Omit<MetainfoFile, 'padding'> {
  /** Position in `metainfo.files`. */
  readonly position: number
  /** Bytes on disk; -1 while there is no file. */
  size: number
  mtimeMs: number
  /** Bytes of disk that the file occupies: fewer than `size` when it is sparse. */
  allocated: number
  /** We made it (or were told to overwrite it), so we may write to it. Any other file is only read. */
  owned: boolean
}

export class FileTable {
  readonly #geometry: Geometry
  /** By position; padding and files that were not asked for are `undefined`. */
  readonly #files: readonly (StoredFile | undefined)[]
  /** 1: some of its bytes are in no file that we may read. */
  readonly #absent: Uint8Array
  /** 1: the record cannot tell whether the piece landed. */
  readonly #doubtful: Uint8Array
  /** 1: some of its bytes are in a file that is not ours. */
  readonly #foreign: Uint8Array
  readonly #all: readonly MetainfoFile[]
  readonly #record: ResumeRecord | undefined

  private constructor(
    geometry: Geometry,
    metainfo: Metainfo,
    files: readonly (StoredFile | undefined)[],
    record: ResumeRecord | undefined
  ) {
    this.#geometry = geometry
    this.#files = files
    this.#record = record
    this.#all = metainfo.files
    this.#foreign = new Uint8Array(geometry.pieceCount)
    this.#absent = new Uint8Array(geometry.pieceCount)
    this.#doubtful = new Uint8Array(geometry.pieceCount).fill(record?.whole ? 0 : 1)
    metainfo.files.forEach((file, position) => {
      if (!file.padding) this.#markPieces(file, files[position])
    })
  }

  /** Looks at each selected file. Rejects with ERR_BT_FILE_TYPE, ERR_BT_PATH or errors of node:fs. */
  static async survey(
    target: TargetFolder,
    metainfo: Metainfo,
    geometry: Geometry,
    selected: ReadonlySet<number>,
    record: ResumeRecord | undefined
  ): Promise<FileTable> {
    const files = metainfo.files.map((file, position): StoredFile | undefined => {
      if (file.padding || !selected.has(position)) return undefined
      const { path, length, offset } = file
      const owned = record?.owns(position) ?? false
      return { path, length, offset, position, size: -1, mtimeMs: 0, allocated: 0, owned }
    })
    await lookAtAll(
      target,
      files.filter(file => file !== undefined)
    )
    return new FileTable(geometry, metainfo, files, record)
  }

  /**
   * A piece with bytes in a file that was not asked for is never a candidate: those bytes are kept nowhere, so it is fetched again
   * when it is wanted.
   */
  #markPieces(file: MetainfoFile, stored: StoredFile | undefined): void {
    const present = Math.max(0, stored?.size ?? -1)
    const [from, to] = this.#pieceRange(file)
    if (!stored) this.#absent.fill(1, from, to)
    else if (present < file.length)
      this.#absent.fill(1, Math.floor((file.offset + present) / this.#geometry.pieceLength), to)
    const mark = stored && this.#record?.markOf(stored.position)
    if (mark?.size !== stored?.size || mark?.mtimeMs !== stored?.mtimeMs) this.#doubtful.fill(1, from, to)
  }

  at(position: number): StoredFile | undefined {
    return this.#files[position]
  }

  /** The selected files, in the order of the torrent. */
  *files(): Generator<StoredFile> {
    for (const file of this.#files) if (file) yield file
  }

  /** Pieces whose every byte (padding apart) lies in an existing file, less those that a trusted record says never landed. */
  candidates(): PieceIndex[] {
    const found: PieceIndex[] = []
    for (let n = 0; n < this.#geometry.pieceCount; n++) {
      const index = this.#geometry.pieceIndex(n)
      if (index !== undefined && this.isCandidate(n)) found.push(index)
    }
    return found
  }

  /** See `candidates`. */
  isCandidate(n: number): boolean {
    return this.#absent[n] === 0 && (this.#doubtful[n] === 1 || (this.#record?.hasPiece(n) ?? false))
  }

  /**
   * After the check: decides about files that are there and not ours. One that is as long as it must be and of which no piece failed
   * is left as it is and only read: where a piece of it could not be checked (its neighbour is missing), the bytes are compared
   * when they come. One that is shorter, of which every byte lies in a right piece, becomes ours: nothing in it can be lost. Any other
   * does so with `overwrite`, or is refused with ERR_BT_FILE_EXISTS. A file of ours that somebody made longer is refused too: the rest
   * is not ours to cut.
   */
  decide(have: PieceSet, overwrite: boolean): void {
    const ours = new Uint8Array(this.#geometry.pieceCount)
    for (const file of this.files()) if (file.owned) ours.fill(1, ...this.#pieceRange(file))
    const clashes: StoredFile[] = []
    for (const file of this.files()) {
      const fits = file.owned ? file.size <= file.length : this.#mayBeComplete(file, have, ours)
      const isFree = file.size === -1 || this.#isRightBeginning(file, have)
      if (isFree || (overwrite && !this.isComplete(file, have))) file.owned = true
      else if (!fits) clashes.push(file)
    }
    this.#noteOthers()
    const [first] = clashes
    if (first === undefined) return
    const others = clashes.length > 1 ? ` and ${clashes.length - 1} more` : ''
    const text = `${first.path}${others}: another file stands there, which is not (or not only) what the torrent holds`
    const left = `it is left as it is unless overwriting is asked for (--overwrite)${this.#whatOverwritingKeeps(clashes, have)}`
    throw new StorageError('ERR_BT_FILE_EXISTS', `${text}; ${left}`)
  }

  #whatOverwritingKeeps(clashes: readonly StoredFile[], have: PieceSet): string {
    const pieces = new Set(clashes.flatMap(file => [...this.piecesOf(file)]))
    const right = [...pieces].filter(index => have.has(index)).length
    return right === 0 ? '' : `, which keeps the ${right} of ${pieces.size} pieces that are right and replaces the rest`
  }

  /** True when every byte of it is known to be right, and more must follow. */
  #isRightBeginning({ offset, size, length }: StoredFile, have: PieceSet): boolean {
    if (size <= 0 || size >= length) return false
    for (const index of this.piecesOf({ offset, length: size })) if (!have.has(index)) return false
    return true
  }

  /** Once it is decided whose each file is. */
  #noteOthers(): void {
    this.#foreign.fill(0)
    this.#all.forEach((file, position) => {
      if (!file.padding && !this.#files[position]?.owned) this.#foreign.fill(1, ...this.#pieceRange(file))
    })
  }

  /** True when the piece lies wholly in files of ours, so that a record can speak for it. Not before `decide`. */
  isOwn(index: PieceIndex): boolean {
    return this.#foreign[index] === 0
  }

  /** False when the length is wrong, or when a piece failed for which no file of ours can be blamed. */
  #mayBeComplete(file: StoredFile, have: PieceSet, ours: Uint8Array): boolean {
    if (file.size !== file.length) return false
    for (const index of this.piecesOf(file)) {
      if (!have.has(index) && ours[index] === 0 && this.#absent[index] === 0) return false
    }
    return true
  }

  /** Every piece that the file has a byte in is in `have`, and the file is as long as it must be. */
  isComplete(file: StoredFile, have: PieceSet): boolean {
    if (file.size !== file.length) return false
    for (const index of this.piecesOf(file)) if (!have.has(index)) return false
    return true
  }

  /** True when each piece of each selected file is in `have`. */
  hasAll(have: PieceSet): boolean {
    for (const file of this.files()) {
      for (const index of this.piecesOf(file)) if (!have.has(index)) return false
    }
    return true
  }

  /** Bytes of selected files in pieces that are not in `have`. */
  missingBytes(have: PieceSet): number {
    let sum = 0
    for (const file of this.files()) sum += this.#missingIn(file, have)
    return sum
  }

  /** Bytes of disk that the rest will take: a sparse file has reserved nothing, unverified bytes that are allocated are written over. */
  spaceNeeded(have: PieceSet): number {
    let sum = 0
    for (const file of this.files()) {
      if (!file.owned) continue
      const missing = this.#missingIn(file, have)
      const rewritable = Math.max(0, file.allocated - (file.length - missing))
      sum += Math.max(0, missing - rewritable)
    }
    return sum
  }

  #missingIn(file: StoredFile, have: PieceSet): number {
    let sum = 0
    for (const index of this.piecesOf(file)) {
      if (have.has(index)) continue
      const start = this.#geometry.pieceOffset(index)
      const end = start + this.#geometry.lengthOf(index)
      sum += Math.min(end, file.offset + file.length) - Math.max(start, file.offset)
    }
    return sum
  }

  /** Each piece once that one of the files at these positions has a byte in, in order. */
  piecesOfAll(positions: Iterable<number>): PieceIndex[] {
    const found = new Set<PieceIndex>()
    for (const position of positions) {
      const file = this.#files[position]
      if (file) for (const index of this.piecesOf(file)) found.add(index)
    }
    return [...found].sort((a, b) => a - b)
  }

  /** The pieces that the file has a byte in. */
  *piecesOf(file: Pick<StoredFile, 'offset' | 'length'>): Generator<PieceIndex> {
    const [from, to] = this.#pieceRange(file)
    for (let n = from; n < to; n++) {
      const index = this.#geometry.pieceIndex(n)
      if (index !== undefined) yield index
    }
  }

  /** First piece of the file and the one after its last; equal when it is empty. */
  #pieceRange(file: Pick<MetainfoFile, 'offset' | 'length'>): [from: number, to: number] {
    const { pieceLength } = this.#geometry
    const from = Math.floor(file.offset / pieceLength)
    return [from, file.length === 0 ? from : Math.ceil((file.offset + file.length) / pieceLength)]
  }
}

/** Each folder once, then the files of those that exist: a new download looks at none. */
async function lookAtAll(target: TargetFolder, files: readonly StoredFile[]): Promise<void> {
  const folders = new Map<string, string | undefined>()
  for (const file of files) folders.set(posix.dirname(file.path), undefined)
  await forEachBounded([...folders.keys()], async folder => {
    folders.set(folder, await target.realFolder(folder))
  })
  const standing = files.filter(file => folders.get(posix.dirname(file.path)) !== undefined)
  await forEachBounded(standing, async file => {
    const stat = await target.look(folders.get(posix.dirname(file.path)) ?? '', posix.basename(file.path))
    if (!stat) return
    file.size = stat.size
    file.mtimeMs = stat.mtimeMs
    file.allocated = Math.min(stat.size, stat.blocks * 512)
  })
}
