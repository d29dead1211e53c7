/** A whole swarm inside the program, on loopback: a payload made on the spot, its .torrent, a tracker, and seeders that are ours. */
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TorrentError } from '../errors.js'
import { openTorrent } from '../torrent-open.js'
import type { Torrent } from '../torrent.js'
import { demoArchive } from './demo-archive.js'
import { TorrentMaker } from './demo-torrent.js'
import { EmbeddedTracker } from './embedded-tracker.js'

const ARCHIVE_NAME = 'bt-stream-demo.tar'

export interface EmbeddedSwarmOptions {
  /** Seeders. Default 3. */
  readonly seeders?: number
  /** Content of the archive, bytes. Default 64 MiB. */
  readonly size?: number
  readonly signal?: AbortSignal
}

export class EmbeddedSwarm {
  /** A folder of its own below the system's folder for temporary files; removed by `close`. */
  readonly folder: string
  /** Path of the .torrent. */
  readonly torrentPath: string
  #length = 0
  #sha256 = ''
  #tracker: EmbeddedTracker | undefined
  readonly #seeders: Torrent[] = []

  private constructor(folder: string) {
    this.folder = folder
    this.torrentPath = join(folder, 'demo.torrent')
  }

  /** Makes the folder. Nothing else happens before `start`, so that whoever holds the swarm can close it at any time. */
  static async create(): Promise<EmbeddedSwarm> {
    return new EmbeddedSwarm(await mkdtemp(join(tmpdir(), 'bt-stream-demo-')))
  }

  /** Bytes of the archive. */
  get length(): number {
    return this.#length
  }

  /** Of the archive, hexadecimal. */
  get sha256(): string {
    return this.#sha256
  }

  get trackerUrl(): string {
    return this.#tracker?.url ?? ''
  }

  get seeders(): readonly Torrent[] {
    return this.#seeders
  }

  /** Resolves when all seeders have checked their data and told the tracker. */
  async start({ seeders = 3, size = 2 ** 26, signal }: EmbeddedSwarmOptions = {}): Promise<void> {
    const tracker = await EmbeddedTracker.listen()
    this.#tracker = tracker
    const dir = join(this.folder, 'seeders')
    await mkdir(dir)
    await this.#makePayload(join(dir, ARCHIVE_NAME), size, tracker.url, signal)
    for (let i = 0; i < seeders; i++) {
      const options = { dir, readOnly: true, port: 0, host: '127.0.0.1', ...(signal && { signal }) }
      this.#seeders.push(await openTorrent(this.torrentPath, options))
    }
    await Promise.all(this.#seeders.map(announced))
  }

  /** Stops seeders and tracker and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#seeders.map(seeder => seeder.close()))
    await this.#tracker?.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #makePayload(path: string, size: number, announce: string, signal: AbortSignal | undefined): Promise<void> {
    const maker = new TorrentMaker()
    const file = await open(path, 'wx')
    try {
      for (const chunk of demoArchive(size)) {
        signal?.throwIfAborted()
        maker.add(chunk)
        await file.writeFile(chunk)
      }
    } finally {
      await file.close()
    }
    const { torrent, sha256 } = maker.finish(ARCHIVE_NAME, announce)
    this.#length = maker.length
    this.#sha256 = sha256
    await writeFile(this.torrentPath, torrent)
  }
}

/** Resolves when the tracker knows the seeder; rejects with what stopped the seeder. */
async function announced(seeder: Torrent): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    seeder.on('tracker', ({ state }) => {
      if (state === 'working') resolve()
    })
    seeder.once('failure', reject).once('close', () => reject(new TorrentError('ERR_BT_ABORTED', 'aborted')))
    seeder.ready().catch(reject)
  })
}
