/** The torrents that the interop specs move about, and a folder for everything that a run leaves behind. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeTorrent, randomBytesSeeded, writeContent, type TorrentSource } from '../support/make-torrent.js'
import type { TorrentOnDisk } from '../support/real-clients/real-client.js'

const PIECE_LENGTH = 64 * 1024

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

export class Workspace {
  readonly dir = mkdtempSync(join(tmpdir(), 'bt-interop-'))
  #count = 0

  /** A new empty folder. */
  folder(): string {
    return mkdtempSync(join(this.dir, `${++this.#count}-`))
  }

  /** Writes the .torrent file, in a new folder. */
  torrent(source: TorrentSource): TorrentOnDisk {
    const { torrent, infoHash, content } = makeTorrent(source)
    const torrentFile = join(this.folder(), `${infoHash.slice(0, 8)}.torrent`)
    writeFileSync(torrentFile, torrent)
    return { torrentFile, infoHash, pieceCount: Math.ceil(content.length / source.pieceLength) }
  }

  /** Writes the torrent's content as a seeder expects it. Returns the folder that holds it. */
  content(...sources: TorrentSource[]): string {
    const dir = this.folder()
    for (const source of sources) writeContent(dir, source)
    return dir
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Short enough to read when it differs. */
export function digest(bytes: Buffer): string {
  return `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`
}

/** Throws when a file of the torrent is not in `dir`, or is not the same byte for byte. */
export function digestsIn(dir: string, source: TorrentSource): Record<string, string> {
  const files = 'data' in source ? [{ path: [], data: source.data }] : source.files
  return Object.fromEntries(files.map(({ path }) => [path.join('/'), digest(readFileSync(join(dir, source.name, ...path)))]))
}
