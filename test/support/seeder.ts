/** A torrent on disk and one of ours in this process that serves it on loopback. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTorrent, type Torrent } from '../../lib/index.js'
import { makeTorrent, writeContent, type MadeTorrent, type TorrentSource } from './make-torrent.js'

export class Seeder {
  readonly made: MadeTorrent
  /** A folder of its own, removed by `close`. */
  readonly folder: string
  /** Path of the .torrent. */
  readonly path: string
  #torrent: Torrent | undefined
  #port = 0

  private constructor(source: TorrentSource) {
    this.made = makeTorrent(source)
    this.folder = mkdtempSync(join(tmpdir(), 'bt-stream-test-'))
    this.path = join(this.folder, 'x.torrent')
    writeFileSync(this.path, this.made.torrent)
  }

  /** `isEmpty`: it has none of the data, connects and sends nothing. */
  static async start(source: TorrentSource, { isEmpty = false } = {}): Promise<Seeder> {
    const seeder = new Seeder(source)
    const dir = join(seeder.folder, 'seeder')
    mkdirSync(dir)
    if (!isEmpty) writeContent(dir, source)
    const torrent = await openTorrent(seeder.path, { dir, readOnly: true, port: 0, host: '127.0.0.1', trackers: false })
    seeder.#torrent = torrent
    const listening = once(torrent, 'listening') as Promise<[number]>
    await torrent.ready()
    ;[seeder.#port] = await listening
    return seeder
  }

  get torrent(): Torrent {
    if (!this.#torrent) throw new Error('not started')
    return this.#torrent
  }

  /** `ip:port`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Arguments that make the program fetch from this seeder and nowhere else. */
  get only(): string[] {
    return ['--no-discovery', '--peer', this.address]
  }

  async close(): Promise<void> {
    await this.torrent.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
