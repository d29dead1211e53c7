/** From files, or a stream, to a .torrent: finds the files, has them hashed, and checks that the result says what they are. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MetainfoError, StorageError, TorrentError } from './errors.js'
import { USER_AGENT } from './limits.js'
import {
  checkPieceCount,
  checkPieceLength,
  checkTrackers,
  checkWebSeeds,
  choosePieceLength,
  encodeNewTorrent,
  placeFiles,
  type NewInfo,
  type PlacedFile
} from './metainfo/create.js'
import { parseMetainfo, type Metainfo } from './metainfo/metainfo.js'
import { displayText } from './metainfo/display-text.js'
import { FileMap } from './pieces/file-map.js'
import type { DiskPiece, DiskSpan } from './storage/disk-hasher.js'
import type { SourceFile } from './storage/source-tree.js'
import { throwIfAborted } from './torrent-source.js'

export interface CreateOptions {
  /** Name of the torrent. Default: that of the only path; needed for several paths and for a stream. */
  readonly name?: string
  /** Trackers in tiers (BEP 12): of a tier any one will do; later tiers are asked when the earlier do not answer. A string is a tier of its own. */
  readonly trackers?: readonly (string | readonly string[])[]
  /** URLs where the same files can be had over HTTP (BEP 19). */
  readonly webSeeds?: readonly string[]
  /** Peers only from the torrent's own trackers (BEP 27). Default false. */
  readonly private?: boolean
  readonly comment?: string
  /** Becomes part of what is hashed: the same files have another info-hash for each source. */
  readonly source?: string
  /** Bytes of a piece, a power of two from 16 KiB to 256 MiB. Default: what makes at most 2,048 pieces, from 32 KiB to 16 MiB; of a stream 1 MiB. */
  readonly pieceLength?: number
  /** Each file begins with a piece of its own (BEP 47). Default false. */
  readonly padding?: boolean
  /** Patterns of files and folders to leave out: `*.tmp` by name in any folder, `docs/**` by path below the torrent's name. */
  readonly exclude?: readonly string[]
  /** Default: none, so that the same input always gives the same bytes. */
  readonly creationDate?: Date
  /** Threads that read and hash. Default: one for each core. */
  readonly threads?: number
  readonly signal?: AbortSignal
  /** Bytes hashed so far, of how many; of a stream `total` is undefined. */
  readonly onProgress?: (hashed: number, total: number | undefined) => void
}

export interface CreatedTorrent {
  /** The .torrent. */
  readonly bytes: Buffer
  /** What it says. */
  readonly metainfo: Metainfo
  /** What was left out, and names that others will not be able to keep as they are: a sentence each. */
  readonly warnings: readonly string[]
}

/**
 * Makes a .torrent of a file, of a folder, of several of them, or of a stream, which becomes one file. Files are taken in the order of the bytes of
 * their paths; symbolic links are left out. Rejects with `ERR_BT_OPTION`, `ERR_BT_INPUT`, `ERR_BT_ABORTED`, or
 * `ERR_BT_METAINFO_TOO_LARGE` when the .torrent would be too large to be read again.
 */
export async function createTorrent(
  input: string | readonly string[] | Readable,
  options: CreateOptions = {}
): Promise<CreatedTorrent> {
  throwIfAborted(options.signal)
  checkTrackers(tiersOf(options))
  checkWebSeeds(options.webSeeds ?? [])
  if (options.pieceLength !== undefined) checkPieceLength(options.pieceLength)
  if (input instanceof Readable) return await createFromStream(input, options)
  const { assertUnchanged, readSourceTree } = await import('./storage/source-tree.js')
  const { exclude = [], padding = false } = options
  const tree = await readSourceTree(typeof input === 'string' ? [input] : input, { name: options.name, exclude })
  const length = tree.files.reduce((sum, file) => sum + file.length, 0)
  const pieceLength = options.pieceLength ?? choosePieceLength(length)
  const placed = placeFiles(tree.files, pieceLength, padding)
  const last = placed.at(-1)
  const total = last ? last.offset + last.length : 0
  checkPieceCount(total, pieceLength)
  const digests = await hashFiles(placed, tree.files, { ...options, pieceLength, total })
  await assertUnchanged(tree.files)
  return finish({ ...infoOf(options, pieceLength), ...tree }, placed, digests, options, tree.warnings)
}

async function createFromStream(input: Readable, options: CreateOptions): Promise<CreatedTorrent> {
  const { name, pieceLength = choosePieceLength(undefined), onProgress, signal } = options
  if (name === undefined) throw new TorrentError('ERR_BT_OPTION', 'a torrent of a stream needs a name')
  const { PieceHashes } = await import('./streams/piece-hashes.js')
  const hashes = new PieceHashes(pieceLength, length => {
    checkPieceCount(length, pieceLength)
    onProgress?.(length, undefined)
  })
  try {
    await pipeline(input, hashes, { ...(signal && { signal }) })
  } catch (error) {
    throwIfAborted(signal)
    if (error instanceof TorrentError) throw error
    throw new StorageError('ERR_BT_INPUT', `cannot read the stream: ${(error as Error).message}`, { cause: error })
  }
  if (hashes.length === 0) throw new StorageError('ERR_BT_INPUT', 'there is not one byte to share in the stream')
  const files = placeFiles([{ elements: [], length: hashes.length }], pieceLength, false)
  const info = { ...infoOf(options, pieceLength), name: Buffer.from(name), isSingleFile: true }
  return finish(info, files, hashes.digests, options, [])
}

function infoOf(options: CreateOptions, pieceLength: number): Omit<NewInfo, 'name' | 'isSingleFile'> {
  return { pieceLength, private: options.private ?? false, source: options.source }
}

function tiersOf({ trackers = [] }: CreateOptions): string[][] {
  return trackers.map(tier => (typeof tier === 'string' ? [tier] : [...tier])).filter(tier => tier.length > 0)
}

type HashOptions = CreateOptions & { readonly pieceLength: number; readonly total: number }

/** 20 bytes a piece. */
async function hashFiles(
  placed: readonly PlacedFile[],
  files: readonly SourceFile[],
  { pieceLength, total, signal, onProgress, threads }: HashOptions
): Promise<Buffer> {
  const { hashOnDisk } = await import('./storage/disk-hasher.js')
  const digests = Buffer.alloc(Math.ceil(total / pieceLength) * 20)
  let hashed = 0
  await hashOnDisk({
    pieces: piecesOf(placed, files, pieceLength, total),
    threads,
    isStopped: () => signal?.aborted === true,
    onDigest: ({ index, spans }, digest) => {
      if (!digest)
        throw new StorageError('ERR_BT_INPUT', `${pathsOf(spans)} became shorter while it was read: try again`)
      digest.copy(digests, index * 20)
      hashed += spans.reduce((sum, span) => sum + span.length, 0)
      onProgress?.(hashed, total)
    }
  })
  throwIfAborted(signal)
  return digests
}

/** What each piece is made of, one after the other: torrents may have two million of them. */
function* piecesOf(
  placed: readonly PlacedFile[],
  files: readonly SourceFile[],
  pieceLength: number,
  total: number
): Generator<DiskPiece> {
  const pathOf = new Map(files.map(({ elements, path }) => [elements, path]))
  const paths = placed.map(({ elements }) => pathOf.get(elements))
  const map = new FileMap(placed.map(file => ({ ...file, padding: false })))
  for (let index = 0; index * pieceLength < total; index++) {
    const start = index * pieceLength
    const spans = map.spans(start, Math.min(pieceLength, total - start))
    yield {
      index,
      spans: spans.map(({ file, fileOffset, length }) => ({ path: paths[file], position: fileOffset, length }))
    }
  }
}

function pathsOf(spans: readonly DiskSpan[]): string {
  return spans.map(({ path }) => path?.toString() ?? '').join(', ')
}

function finish(
  info: NewInfo,
  files: readonly PlacedFile[],
  digests: Buffer,
  options: CreateOptions,
  leftOut: readonly string[]
): CreatedTorrent {
  const { comment, creationDate, webSeeds = [] } = options
  const bytes = encodeNewTorrent(info, files, digests, {
    trackers: tiersOf(options),
    webSeeds,
    comment,
    createdBy: USER_AGENT,
    creationDate: creationDate && Math.floor(creationDate.getTime() / 1000)
  })
  const metainfo = readAgain(bytes)
  return { bytes, metainfo, warnings: [...leftOut, ...metainfo.warnings, ...warnOfNames(info, files, metainfo)] }
}

/** Who downloads has files of safe names; with others the folder that the torrent was made of is not found to be whole. */
function warnOfNames({ name }: NewInfo, placed: readonly PlacedFile[], { files }: Metainfo): string[] {
  const changes = files.flatMap(({ path, padding }, at) => {
    const own = [name, ...(placed[at]?.elements ?? [])].join('/')
    return padding || own === path ? [] : [{ own, path }]
  })
  const [first] = changes
  if (!first) return []
  const example = `${displayText(Buffer.from(first.own), MAX_NAME_SHOWN)} as ${first.path}`
  return [
    `seed and verify look for safe names, and find ${changes.length} of these files once they are renamed: ${example}`
  ]
}

/** Bytes of a name in a message. */
const MAX_NAME_SHOWN = 256

/** Nobody is given a .torrent that we would refuse ourselves. */
function readAgain(bytes: Buffer): Metainfo {
  try {
    return parseMetainfo(bytes)
  } catch (error) {
    if (!(error instanceof MetainfoError)) throw error
    const advice = error.code === 'ERR_BT_METAINFO_TOO_LARGE' ? ': choose a larger piece length' : ''
    throw new MetainfoError(error.code, `the torrent cannot be made: ${error.message}${advice}`, { cause: error })
  }
}
