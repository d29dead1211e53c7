/** The torrents that the interop specs move about, and a folder for everything that a run leaves behind. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import {
  makeTorrent,
  randomBytesSeeded,
  writeContent,
  type SourceFile,
  type TorrentSource
} from '../support/make-torrent.js'
import type { TorrentOnDisk } from '../support/real-clients/real-client.js'

const PIECE_LENGTH = 64 * 1024

/** Nobody listens there. rTorrent refuses a torrent that names no tracker at all. */
const NO_TRACKER = 'http://127.0.0.1:1/announce'

/** Its last piece is short, and so is its last block. */
export const singleFile = {
  name: 'single file.bin',
  data: randomBytesSeeded('single', 5 * 1024 * 1024 + 4321),
  pieceLength: PIECE_LENGTH
}

/** Pieces straddle files, one file is empty, folders are nested, names are not all ASCII. */
export const multiFile = {
  name: 'häuser und 森',
  files: [
    { path: ['a.txt'], data: Buffer.from('a short file\n') },
    { path: ['leer'], data: Buffer.alloc(0) },
    { path: ['eins', 'zwei', 'drei.bin'], data: randomBytesSeeded('nested', 700_001) },
    { path: ['eins', 'größe – 木.bin'], data: randomBytesSeeded('names', 3 * PIECE_LENGTH) },
    { path: ['z'], data: randomBytesSeeded('last', 99_999) }
  ],
  pieceLength: PIECE_LENGTH
}

/** Its metadata is three pieces long, and the last of them short. */
export const threePieces = withMetadata('three pieces', 2 * 16_384 + 5000)

/** Its metadata is two pieces long, both of them full: a client that expects a rest waits for it for ever. */
export const twoFullPieces = withMetadata('two full pieces', 2 * 16_384)

/** Small files with long names, as many as make an info dictionary of this length in bytes. */
function withMetadata(name: string, length: number): TorrentSource & { files: unknown } {
  const file = (index: number, nameLength: number): SourceFile => {
    const start = `${index} `
    return { path: [start.padEnd(nameLength, 'n')], data: randomBytesSeeded(`${name} ${index}`, 100) }
  }
  const lengthOf = (files: SourceFile[]): number =>
    parseMetainfo(makeTorrent({ name, pieceLength: PIECE_LENGTH, files }).torrent).infoBytes.length
  const files: SourceFile[] = []
  for (let room = Infinity; room >= 250; room = length - lengthOf(files)) files.push(file(files.length, 100))
  files.push(file(files.length, 100))
  const last = 100 + length - lengthOf(files)
  files[files.length - 1] = file(files.length - 1, last)
  return { name, pieceLength: PIECE_LENGTH, files }
}

/** Makes its folder when it is first used, so that a suite that is skipped leaves nothing. */
export class Workspace {
  #dir: string | undefined

  /** A new empty folder. */
  folder(): string {
    if (this.#dir === undefined) {
      this.#dir = mkdtempSync(join(tmpdir(), 'bt-interop-'))
      process.once('exit', () => this.remove())
    }
    return mkdtempSync(join(this.#dir, 'f'))
  }

  /** Writes the .torrent file, in a new folder. Each tracker is a tier of its own. */
  torrent(source: TorrentSource, trackers = [NO_TRACKER]): TorrentOnDisk {
    const { torrent, infoHash, content } = makeTorrent({ ...source, trackers: trackers.map(url => [url]) })
    const torrentFile = join(this.folder(), `${infoHash.slice(0, 8)}.torrent`)
    writeFileSync(torrentFile, torrent)
    return { torrentFile, infoHash, pieceCount: Math.ceil(content.length / source.pieceLength) }
  }

  /** Writes what the torrents describe, as a seeder expects it. Returns the folder that holds it. */
  content(...sources: TorrentSource[]): string {
    const dir = this.folder()
    for (const source of sources) writeContent(dir, source)
    return dir
  }

  /** Writes of a single file only these pieces, and zeros for the others. Returns the folder that holds it. */
  pieces({ name, data, pieceLength }: TorrentSource & { data: Buffer }, isHere: (piece: number) => boolean): string {
    const dir = this.folder()
    const bytes = Buffer.alloc(data.length)
    for (let start = 0; start < data.length; start += pieceLength) {
      if (isHere(start / pieceLength)) data.copy(bytes, start, start, start + pieceLength)
    }
    writeFileSync(join(dir, name), bytes)
    return dir
  }

  remove(): void {
    if (this.#dir !== undefined) rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 })
    this.#dir = undefined
  }
}

/** Bytes as something that is short enough to read when it differs. */
export function digest(bytes: Buffer): string {
  return `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`
}

/** Resolves when the file is there and holds this; rejects when the time is over. It is looked at: few clients tell. */
export async function fileHolds(path: string, data: Buffer, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const found = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
    if (found.equals(data)) return
    if (performance.now() > until) throw new Error(`${path} should hold ${digest(data)}, but has ${digest(found)}`)
    await delay(200)
  }
}

/** Resolves when what is read equals what is wanted, for want of an event. */
export async function becomes<T>(read: () => T | Promise<T>, wanted: T, timeoutMs = 10_000): Promise<void> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const now = await read()
    if (isDeepStrictEqual(now, wanted)) return
    if (performance.now() > until) throw new Error(`is ${JSON.stringify(now)}, should be ${JSON.stringify(wanted)}`)
    await delay(50)
  }
}

/** What a folder holds after a complete download: each file's path, in the order of names, and its digest. */
export function digestsOf(source: TorrentSource): [path: string, digest: string][] {
  const files = 'data' in source ? [{ path: [], data: source.data }] : source.files
  return files.map(({ path, data }): [string, string] => [[source.name, ...path].join('/'), digest(data)]).sort(byPath)
}

/** The same of a folder on disk: all files in it, expected or not. */
export function digestsIn(dir: string): [path: string, digest: string][] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter(entry => !entry.isDirectory())
  const paths = entries.map(entry => join(entry.parentPath, entry.name))
  const digests = paths.map((path): [string, string] => [
    relative(dir, path).replaceAll(sep, '/'),
    digest(readFileSync(path))
  ])
  return digests.sort(byPath)
}

function byPath([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1
}
