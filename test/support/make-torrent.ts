/**
 * Makes v1 torrents and their content for tests, repeatably. Owns a 20-line bencoder on purpose: the tests of `lib/metainfo` must not
 * depend on the code that they check.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One file of a multi-file torrent. `path` is relative to the torrent's name; `data` may be empty. */
export interface SourceFile {
  path: string[]
  data: Buffer
}

interface SourceOptions {
  name: string
  /** Bytes. */
  pieceLength: number
  /** Tiers of announce URLs (BEP 12). The first URL is also written as `announce`. */
  trackers?: string[][]
  /** `url-list` (BEP 19). */
  webSeeds?: string[]
  private?: boolean
}

/** A single-file torrent has `data`, a multi-file torrent `files`. */
export type TorrentSource =
  | (SourceOptions & { data: Buffer })
  | (SourceOptions & {
      files: SourceFile[]
      /** Begin each file at a piece boundary, with padding files between (BEP 47). */
      padding?: boolean
    })

export interface MadeTorrent {
  /** The .torrent file. */
  torrent: Buffer
  /** Lower-case hex. */
  infoHash: string
  /** All bytes that the pieces cover, padding too. */
  content: Buffer
}

type Bencodable = number | string | Buffer | Bencodable[] | { [key: string]: Bencodable }

/** Makes the torrent in memory. The same source gives the same bytes. */
export function makeTorrent(source: TorrentSource): MadeTorrent {
  const { name, pieceLength } = source
  if (!Number.isSafeInteger(pieceLength) || pieceLength < 1) throw new RangeError(`bad piece length ${pieceLength}`)
  const info: Record<string, Bencodable> = { name, 'piece length': pieceLength }
  if (source.private) info['private'] = 1
  let content: Buffer
  if ('data' in source) {
    content = source.data
    info['length'] = content.length
  } else {
    const entries = source.padding
      ? withPadding(source.files, pieceLength)
      : source.files.map(file => ({ ...file, pad: false }))
    content = Buffer.concat(entries.map(entry => entry.data))
    info['files'] = entries.map(({ path, data, pad }) => ({ length: data.length, path, ...(pad && { attr: 'p' }) }))
  }
  info['pieces'] = pieceHashes(content, pieceLength)
  const encodedInfo = bencode(info)
  const outer: Record<string, Bencodable> = { info }
  const announce = source.trackers?.[0]?.[0]
  if (announce !== undefined) outer['announce'] = announce
  if (source.trackers) outer['announce-list'] = source.trackers
  if (source.webSeeds) outer['url-list'] = source.webSeeds
  return { torrent: bencode(outer), infoHash: createHash('sha1').update(encodedInfo).digest('hex'), content }
}

/** Writes the content as a seeder expects it: `dir/name` or `dir/name/…`. Returns the path of that file or folder. */
export function writeContent(dir: string, source: TorrentSource): string {
  const root = join(dir, source.name)
  if ('data' in source) {
    mkdirSync(dir, { recursive: true })
    writeFileSync(root, source.data)
    return root
  }
  mkdirSync(root, { recursive: true })
  for (const { path, data } of source.files) {
    const file = join(root, ...path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, data)
  }
  return root
}

/** Bytes that look random and depend on nothing but the seed: AES-CTR is some GB/s, so large contents cost nothing. */
export function randomBytesSeeded(seed: number | string, length: number): Buffer {
  const key = createHash('sha256').update(String(seed)).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

function withPadding(files: SourceFile[], pieceLength: number): (SourceFile & { pad: boolean })[] {
  return files.flatMap((file, i) => {
    const padLength = (pieceLength - (file.data.length % pieceLength)) % pieceLength
    const entry = { ...file, pad: false }
    if (padLength === 0 || i === files.length - 1) return [entry]
    return [entry, { path: ['.pad', String(padLength)], data: Buffer.alloc(padLength), pad: true }]
  })
}

function pieceHashes(content: Buffer, pieceLength: number): Buffer {
  const hashes: Buffer[] = []
  for (let at = 0; at < content.length; at += pieceLength) {
    hashes.push(
      createHash('sha1')
        .update(content.subarray(at, at + pieceLength))
        .digest()
    )
  }
  return Buffer.concat(hashes)
}

function bencode(value: Bencodable): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`)
  if (typeof value === 'string') return bencode(Buffer.from(value))
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`${value.length}:`), value])
  if (Array.isArray(value)) return Buffer.concat([Buffer.from('l'), ...value.map(bencode), Buffer.from('e')])
  const keys = Object.keys(value).sort()
  const pairs = keys.flatMap(key => [bencode(key), bencode(value[key] ?? '')])
  return Buffer.concat([Buffer.from('d'), ...pairs, Buffer.from('e')])
}
