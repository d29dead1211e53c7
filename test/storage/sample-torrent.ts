/** Torrents made up for storage tests: a shape in, `Metainfo`, geometry, content and pieces out. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import type { Metainfo, MetainfoFile } from '../../lib/metainfo/metainfo.js'
import { Geometry, type PieceIndex } from '../../lib/pieces/geometry.js'
import type { FileStorage } from '../../lib/storage/file-storage.js'
import type { VerifiedPiece } from '../../lib/streams/storage.js'

export interface ShapeFile {
  path: string
  length: number
  padding?: boolean
}

export interface SampleTorrent {
  metainfo: Metainfo
  geometry: Geometry
  /** The whole byte stream; zeros where there is padding. */
  content: Buffer
  all: Set<number>
  piece(index: number): PieceIndex
  bytesOf(index: number): Buffer
  /** What a file must hold. */
  fileBytes(position: number): Buffer
}

/** One file a shape entry; `root` is put before each path unless the torrent has a single file. */
export function sampleTorrent(shape: ShapeFile[], pieceLength: number, root = 'root'): SampleTorrent {
  let offset = 0
  const singleFile = shape.length === 1
  const files = shape.map(({ path, length, padding = false }): MetainfoFile => {
    const file = { path: singleFile ? path : `${root}/${path}`, length, offset, padding }
    offset += length
    return file
  })
  const content = Buffer.alloc(offset)
  for (let i = 0; i < offset; i++) content[i] = 1 + ((i * 7 + (i >> 8) * 13) % 251)
  for (const file of files) if (file.padding) content.fill(0, file.offset, file.offset + file.length)
  const geometry = new Geometry(offset, pieceLength)
  const metainfo: Metainfo = {
    infoHash: asInfoHash(
      createHash('sha1')
        .update(JSON.stringify([files, pieceLength]))
        .digest()
    ),
    infoBytes: Buffer.alloc(0),
    name: singleFile ? (shape[0]?.path ?? '') : root,
    singleFile,
    pieceLength,
    pieceHashes: Buffer.alloc(geometry.pieceCount * 20),
    length: offset,
    files,
    private: false,
    trackers: [],
    webSeeds: [],
    dhtNodes: [],
    comment: undefined,
    createdBy: undefined,
    creationDate: undefined,
    warnings: []
  }
  const piece = (n: number) => geometry.pieceIndex(n) ?? expectPiece(n)
  return {
    metainfo,
    geometry,
    content,
    all: new Set(files.keys()),
    piece,
    bytesOf: n => content.subarray(n * pieceLength, n * pieceLength + geometry.lengthOf(piece(n))),
    fileBytes: position => {
      const file = files[position]
      return content.subarray(file?.offset, (file?.offset ?? 0) + (file?.length ?? 0))
    }
  }
}

function expectPiece(n: number): never {
  throw new RangeError(`the sample has no piece ${n}`)
}

/** A verified piece over shared memory, as the pool gives it. */
export function verified(torrent: SampleTorrent, index: number, onRelease = () => {}): VerifiedPiece {
  const bytes = Buffer.from(new SharedArrayBuffer(torrent.bytesOf(index).length))
  torrent.bytesOf(index).copy(bytes)
  return { index: torrent.piece(index), bytes, release: onRelease }
}

/** Checks the candidates as the torrent would: by content. */
export async function check(storage: FileStorage, torrent: SampleTorrent): Promise<Set<PieceIndex>> {
  const have = new Set<PieceIndex>()
  for (const index of storage.candidates()) {
    const bytes = Buffer.from(new SharedArrayBuffer(torrent.geometry.lengthOf(index))).fill(0xee)
    const isRight = async () => (await storage.readInto(index, bytes)) && bytes.equals(torrent.bytesOf(index))
    if ((await isRight()) || (storage.dropPart(index) && (await isRight()))) have.add(index)
  }
  return have
}

/** Every file under a folder: relative path → bytes. */
export async function filesUnder(folder: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.set(path.slice(folder.length + 1), await readFile(path))
  }
  return found
}

export async function put(folder: string, path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), bytes)
}

/** A fresh folder for each test of the suite that calls this; resolves late, so give it as `() => dir()`. */
export function temporaryFolder(): () => string {
  let path = ''
  beforeEach(async () => {
    path = await realpath(await mkdtemp(join(tmpdir(), 'bt-stream-storage-')))
  })
  afterEach(() => rm(path, { recursive: true, force: true }))
  return () => path
}
