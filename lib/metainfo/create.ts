/**
 * What a new .torrent says: the pieces' length, the order and padding of files, and the bytes of `info`. It is given the lengths and the hashes and
 * reads nothing; the same arguments always give the same bytes.
 */
import { TorrentError } from '../errors.js'
import { BLOCK_LENGTH, MAX_PIECES, MAX_PIECE_LENGTH, MAX_TRACKERS, MAX_URL_BYTES, MAX_WEB_SEEDS } from '../limits.js'
import { encode, type Encodable } from './bencode.js'
import type { MetainfoFile } from './safe-files.js'
import { surround, type TorrentSurroundings } from './torrent-bytes.js'

/** A file to be shared. Names are bytes: file systems do not promise UTF-8, and a torrent says what is there. */
export interface NewFile {
  /** Below the torrent's name; empty for a torrent of one file. */
  readonly elements: readonly Buffer[]
  /** Bytes. */
  readonly length: number
}

/** A file, or padding before the next one, at its place in the torrent's bytes. */
export interface PlacedFile extends Pick<MetainfoFile, 'path' | 'length' | 'offset' | 'padding'> {
  readonly elements: readonly Buffer[]
}

export interface NewInfo {
  readonly name: Buffer
  /** True for one file without a folder. */
  readonly isSingleFile: boolean
  readonly pieceLength: number
  readonly private: boolean
  /** Tells the torrents of several trackers apart that share the same files. */
  readonly source: string | undefined
}

/** More pieces make the .torrent longer, larger ones wait longer for their check: between these two the choice is made. */
const WANTED_PIECES = 2048
const LEAST_CHOSEN = 32 * 1024
const MOST_CHOSEN = 16 * 2 ** 20
/** Of a stream nobody knows the length. */
const OF_UNKNOWN_LENGTH = 2 ** 20

/** The smallest power of two that makes at most 2,048 pieces, from 32 KiB to 16 MiB; 1 MiB for an unknown length. */
export function choosePieceLength(length: number | undefined): number {
  if (length === undefined) return OF_UNKNOWN_LENGTH
  let chosen = LEAST_CHOSEN
  while (chosen < MOST_CHOSEN && length / chosen > WANTED_PIECES) chosen *= 2
  return chosen
}

/** Throws `ERR_BT_OPTION` unless it is a power of two from 16 KiB to 256 MiB. */
export function checkPieceLength(pieceLength: number): number {
  const isPower = Number.isInteger(Math.log2(pieceLength))
  if (isPower && pieceLength >= BLOCK_LENGTH && pieceLength <= MAX_PIECE_LENGTH) return pieceLength
  throw new TorrentError(
    'ERR_BT_OPTION',
    `a piece length of ${pieceLength}: it is a power of two from 16 KiB to 256 MiB`
  )
}

/** Throws `ERR_BT_OPTION` for a length that makes too many pieces. */
export function checkPieceCount(length: number, pieceLength: number): void {
  const count = Math.ceil(length / pieceLength)
  if (count <= MAX_PIECES) return
  throw new TorrentError('ERR_BT_OPTION', `${count} pieces are more than ${MAX_PIECES}: choose longer ones`)
}

/**
 * The files in their order: that of the bytes of their paths, so that no file system or language decides. With `padding` each file that has
 * content begins at a piece. BEP 47: > Padding files are synthetic files inserted into the file list to let the following file start at a piece boundary.
 */
export function placeFiles(files: readonly NewFile[], pieceLength: number, padding: boolean): PlacedFile[] {
  const sorted = files.map(file => ({ file, key: pathBytes(file) })).sort((a, b) => Buffer.compare(a.key, b.key))
  const placed: PlacedFile[] = []
  let offset = 0
  const place = (elements: readonly Buffer[], length: number, isPadding: boolean): void => {
    placed.push({ elements, path: '', length, offset, padding: isPadding })
    offset += length
  }
  for (const { file } of sorted) {
    const gap = (pieceLength - (offset % pieceLength)) % pieceLength
    if (padding && gap > 0 && file.length > 0) place([Buffer.from('.pad'), Buffer.from(String(gap))], gap, true)
    place(file.elements, file.length, false)
  }
  return placed
}

const SLASH = Buffer.from('/')

function pathBytes({ elements }: NewFile): Buffer {
  return Buffer.concat(elements.flatMap((element, i) => (i === 0 ? [element] : [SLASH, element])))
}

/** The bytes of a .torrent. `pieceHashes`: 20 bytes a piece. */
export function encodeNewTorrent(
  info: NewInfo,
  files: readonly PlacedFile[],
  pieceHashes: Uint8Array,
  around: TorrentSurroundings
): Buffer {
  const { isSingleFile, name, pieceLength, source } = info
  const list = files.map(({ elements, length, padding }) => ({
    attr: padding ? 'p' : undefined,
    length,
    path: elements
  }))
  const dictionary: Record<string, Encodable | undefined> = {
    ...(isSingleFile ? { length: files[0]?.length } : { files: list }),
    name,
    'piece length': pieceLength,
    pieces: pieceHashes,
    private: info.private ? 1 : undefined,
    source
  }
  return surround(encode(dictionary), around)
}

const TRACKER_SCHEMES = new Set(['http:', 'https:', 'udp:', 'ws:', 'wss:'])
const WEB_SEED_SCHEMES = new Set(['http:', 'https:', 'ftp:'])

/** Throws `ERR_BT_OPTION` for a URL that no client could use. */
export function checkTrackers(tiers: readonly (readonly string[])[]): void {
  checkUrls(tiers.flat(), 'tracker', TRACKER_SCHEMES, MAX_TRACKERS)
}

export function checkWebSeeds(urls: readonly string[]): void {
  checkUrls(urls, 'web seed', WEB_SEED_SCHEMES, MAX_WEB_SEEDS)
}

function checkUrls(urls: readonly string[], what: string, schemes: ReadonlySet<string>, most: number): void {
  if (urls.length > most) throw new TorrentError('ERR_BT_OPTION', `${urls.length} ${what}s are more than ${most}`)
  for (const url of urls) {
    const isUrl = URL.canParse(url) && schemes.has(new URL(url).protocol)
    if (isUrl && Buffer.byteLength(url) <= MAX_URL_BYTES) continue
    throw new TorrentError('ERR_BT_OPTION', `${JSON.stringify(url)} is not the URL of a ${what}`)
  }
}
