/** Whole torrents in one process over loopback: a torrent, its content on disk, seeders of ours and scripted ones, readers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { openTorrent } from '../../lib/torrent-open.js'
import type { Torrent } from '../../lib/torrent.js'
import type { TorrentOptions } from '../../lib/options.js'
import { FakeSeeder, type Answer, type HeardRequest } from './fake-peer.js'
import { makeTorrent, writeContent, type MadeTorrent, type TorrentSource } from './make-torrent.js'

/** Every peer by hand, on loopback, and no clock that ends a quiet test. */
const QUIET: TorrentOptions = { host: '127.0.0.1', port: 0, trackers: false, peerTimeoutMs: 0, stallTimeoutMs: 0 }

export class SwarmBench {
  readonly made: MadeTorrent
  readonly source: TorrentSource
  readonly #dir = mkdtempSync(join(tmpdir(), 'bt-swarm-'))
  readonly #closers: (() => Promise<void>)[] = []

  constructor(source: TorrentSource) {
    this.source = source
    this.made = makeTorrent(source)
  }

  /** A folder of its own below the bench's. */
  folder(name: string): string {
    return join(this.#dir, name)
  }

  async open(options: TorrentOptions): Promise<Torrent> {
    const torrent = await openTorrent(this.made.torrent, { ...QUIET, ...options })
    this.#closers.push(() => torrent.close())
    return torrent
  }

  /** A complete torrent of ours that serves, in a folder of the bench's; gives its address. */
  async seed(options: TorrentOptions = {}): Promise<[address: string, torrent: Torrent]> {
    const dir = this.folder(options.dir ?? 'seed')
    writeContent(dir, this.source)
    const torrent = await this.open({ readOnly: true, ...options, dir })
    const [port] = (await once(torrent, 'listening')) as [number]
    return [`127.0.0.1:${port}`, torrent]
  }

  /** A scripted seeder. */
  async fakeSeeder(answer: (request: HeardRequest) => Answer = () => 'right'): Promise<FakeSeeder> {
    const { content, infoHash } = this.made
    const torrent = { content, infoHash: Buffer.from(infoHash, 'hex'), pieceLength: this.source.pieceLength }
    const seeder = await FakeSeeder.listen(torrent, answer)
    this.#closers.push(() => seeder.close())
    return seeder
  }

  /** A downloader that knows only these peers. */
  async leech(peers: readonly string[], options: TorrentOptions = {}): Promise<Torrent> {
    return await this.open({ peers, discovery: false, ...options })
  }

  /** Path and bytes of every file that `dir` should hold now. */
  expected(): [path: string, data: Buffer][] {
    const { source } = this
    if ('data' in source) return [[source.name, source.data]]
    return source.files.map(({ path, data }) => [join(source.name, ...path), data])
  }

  fileIn(dir: string, path: string): Buffer {
    return readFileSync(join(dir, path))
  }

  /** Last opened, first closed. */
  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
