import { expect } from 'chai'
import fc from 'fast-check'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStorage, type FileStorageOptions } from '../../lib/storage/file-storage.js'
import {
  check,
  filesUnder,
  put,
  sampleTorrent,
  temporaryFolder,
  verified,
  type SampleTorrent
} from './sample-torrent.js'

const SHAPES: Record<string, () => SampleTorrent> = {
  'a single file': () => sampleTorrent([{ path: 'one.bin', length: 1000 }], 64),
  'a single file of one byte': () => sampleTorrent([{ path: 'one.bin', length: 1 }], 64),
  'many files': () =>
    sampleTorrent(
      [
        { path: 'a.bin', length: 100 },
        { path: 'b/c.bin', length: 333 },
        { path: 'b/d/e.bin', length: 64 }
      ],
      64
    ),
  'empty files': () =>
    sampleTorrent(
      [
        { path: 'none', length: 0 },
        { path: 'a', length: 70 },
        { path: 'x/none', length: 0 },
        { path: 'b', length: 70 },
        { path: 'end', length: 0 }
      ],
      64
    ),
  padding: () =>
    sampleTorrent(
      [
        { path: 'a', length: 50 },
        { path: '.pad/14', length: 14, padding: true },
        { path: 'b', length: 65 },
        { path: '.pad/191', length: 191, padding: true },
        { path: 'c', length: 10 }
      ],
      64
    ),
  'files of one byte': () =>
    sampleTorrent(
      Array.from({ length: 100 }, (_, i) => ({ path: `f${i}`, length: 1 })),
      16
    ),
  'a piece over five files': () =>
    sampleTorrent(
      [
        { path: 'a', length: 60 },
        { path: 'b', length: 10 },
        { path: 'c', length: 20 },
        { path: 'd', length: 1 },
        { path: 'e', length: 90 }
      ],
      64
    )
}

const options = (torrent: SampleTorrent, dir: string, more: Partial<FileStorageOptions> = {}): FileStorageOptions => ({
  dir,
  metainfo: torrent.metainfo,
  geometry: torrent.geometry,
  selected: torrent.all,
  overwrite: false,
  ...more
})

async function expectComplete(torrent: SampleTorrent, dir: string): Promise<void> {
  const found = await filesUnder(dir)
  const wanted = torrent.metainfo.files.filter(file => !file.padding)
  expect([...found.keys()].sort()).to.deep.equal(wanted.map(file => file.path).sort())
  torrent.metainfo.files.forEach((file, position) => {
    if (!file.padding) expect(found.get(file.path)?.equals(torrent.fileBytes(position)), file.path).to.equal(true)
  })
}

describe('FileStorage', function () {
  this.timeout(30_000) // Each session syncs every file.

  const dir = temporaryFolder()

  for (const [name, shape] of Object.entries(SHAPES)) {
    describe(name, () => {
      it('is written, read back and finished, in any order, in runs of any length, across any number of sessions', async () => {
        const torrent = shape()
        const { pieceCount } = torrent.geometry
        await fc.assert(
          fc.asyncProperty(
            fc.shuffledSubarray([...Array(pieceCount).keys()], { minLength: pieceCount }),
            fc.integer({ min: 1, max: 4 }),
            fc.integer({ min: 1, max: 3 }),
            async (order, runLength, sessions) => {
              const folder = await mkdtemp(join(tmpdir(), 'bt-stream-storage-'))
              try {
                await download(torrent, folder, order, runLength, sessions)
                await expectComplete(torrent, folder)
              } finally {
                await rm(folder, { recursive: true })
              }
            }
          ),
          { numRuns: 6 }
        )
      })

      it('is complete already when its files are there', async () => {
        const torrent = shape()
        for (const [position, file] of torrent.metainfo.files.entries()) {
          if (!file.padding) await put(dir(), file.path, torrent.fileBytes(position))
        }
        const storage = await FileStorage.open(options(torrent, dir()))
        const have = await check(storage, torrent)
        expect(have.size).to.equal(torrent.geometry.pieceCount)
        await storage.adopt(have)
        await storage.finish()
        await storage.close()
        await expectComplete(torrent, dir())
      })
    })
  }

  /** Writes everything in `order`, closing and reopening between sessions; what is there is never written again. */
  async function download(
    torrent: SampleTorrent,
    folder: string,
    order: number[],
    runLength: number,
    sessions: number
  ) {
    const written = new Set<number>()
    const share = Math.ceil(order.length / sessions)
    for (let session = 0; session < sessions; session++) {
      const storage = await FileStorage.open(options(torrent, folder))
      const have = await check(storage, torrent)
      // A piece of nothing but padding is there before anything is written.
      const expected = [...Array(torrent.geometry.pieceCount).keys()].filter(
        n => written.has(n) || torrent.bytesOf(n).every(byte => byte === 0)
      )
      expect([...have].sort((a, b) => a - b)).to.deep.equal(expected)
      await storage.adopt(have)
      for (const start of order.slice(session * share, (session + 1) * share)) {
        const run: number[] = []
        for (let n = start; n < torrent.geometry.pieceCount && run.length < runLength && !written.has(n); n++)
          run.push(n)
        await storage.write(run.map(n => verified(torrent, n)))
        for (const n of run) written.add(n)
      }
      for (const n of written) {
        const lease = await storage.read(torrent.piece(n), 0, torrent.bytesOf(n).length)
        expect(lease?.bytes.equals(torrent.bytesOf(n))).to.equal(true)
        lease?.release()
      }
      if (session === sessions - 1) await storage.finish()
      await storage.close()
    }
  }

  it('leaves neither lock nor record behind when it is finished, and a record when it is not', async () => {
    const torrent = sampleTorrent([{ path: 'one.bin', length: 1000 }], 64)
    const storage = await FileStorage.open(options(torrent, dir()))
    const record = `.${torrent.metainfo.infoHash.toString('hex')}.bt-stream`
    await storage.adopt(new Set())
    expect(existsSync(join(dir(), record)), 'record before the first file').to.equal(true)
    expect(existsSync(join(dir(), 'one.bin')), 'no file before the first piece').to.equal(false)
    await storage.write([verified(torrent, 3)])
    await storage.close()
    expect((await readdir(dir())).sort()).to.deep.equal([record, 'one.bin'])
  })
})
