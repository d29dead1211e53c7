import { expect } from 'chai'
import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { FileStorage } from '../../lib/storage/file-storage.js'
import { nodeFileSystem } from '../../lib/storage/file-system.js'
import { PartStore } from '../../lib/storage/part-store.js'
import { recordName } from '../../lib/storage/resume-record.js'
import { TargetFolder } from '../../lib/storage/target-folder.js'
import { rejection } from '../support/rejection.js'
import { check, filesUnder, sampleTorrent, temporaryFolder, verified } from './sample-torrent.js'

const torrent = sampleTorrent(
  [
    { path: 'a', length: 100 },
    { path: 'b', length: 60 },
    { path: 'none', length: 0 },
    { path: 'sub/c', length: 170 }
  ],
  64
)
const { metainfo, geometry, all } = torrent
const parts = `${recordName(metainfo)}.parts`
/** The pieces that lie in a file. */
const piecesOf = (position: number): number[] => {
  const file = metainfo.files[position]
  if (!file || file.length === 0) return []
  const [from, to] = [Math.floor(file.offset / 64), Math.ceil((file.offset + file.length) / 64)]
  return Array.from({ length: to - from }, (_, i) => from + i)
}

describe('PartStore', () => {
  const dir = temporaryFolder()
  const load = async () =>
    PartStore.load(
      nodeFileSystem,
      await TargetFolder.open(nodeFileSystem, dir(), { create: false }),
      metainfo,
      geometry
    )

  it('gives back what was put in, also to the next session, and uses slots again', async () => {
    const store = await load()
    for (const index of [5, 1, 3]) await store.write(torrent.piece(index), torrent.bytesOf(index))
    await store.sync()
    await store.close()
    const next = await load()
    expect(next.pieces().sort()).to.deep.equal([1, 3, 5])
    const bytes = Buffer.alloc(10)
    expect(await next.read(torrent.piece(3), 20, [bytes])).to.equal(true)
    expect(bytes.equals(torrent.bytesOf(3).subarray(20, 30))).to.equal(true)
    next.drop(torrent.piece(5))
    await next.tidy()
    await next.write(torrent.piece(2), torrent.bytesOf(2))
    await next.close()
    expect((await readFile(join(dir(), parts))).length).to.equal(3 * 72)
    const last = await load()
    expect(last.pieces().sort()).to.deep.equal([1, 2, 3])
    for (const index of last.pieces()) last.drop(index)
    await last.tidy()
    expect(readdirSync(dir())).to.deep.equal([])
  })

  it('loads whatever stands there, and names no piece that the torrent lacks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(20), { maxLength: 4 }),
        async (noise, indexes) => {
          const heads = indexes.map(index => {
            const slot = Buffer.alloc(72)
            slot.write('BTPS')
            slot.writeUInt32BE(index, 4)
            return slot
          })
          await writeFile(join(dir(), parts), Buffer.concat([...heads, noise]))
          const store = await load()
          for (const index of store.pieces()) expect(geometry.pieceIndex(index)).to.equal(index)
          await store.close()
        }
      ),
      { numRuns: 50 }
    )
  })

  it('has nothing to read where the file was cut', async () => {
    const store = await load()
    await store.write(torrent.piece(1), torrent.bytesOf(1))
    await store.close()
    truncateSync(join(dir(), parts), 40)
    const cut = await load()
    expect(await cut.read(torrent.piece(1), 0, [Buffer.alloc(64)])).to.equal(false)
  })
})

describe('FileStorage of some files', () => {
  const dir = temporaryFolder()
  const open = (selected: Iterable<number>, readOnly = false) =>
    FileStorage.open({ dir: dir(), metainfo, geometry, selected: new Set(selected), overwrite: false, readOnly })

  /** Fetches what is missing of these files; resolves to the pieces that had to be fetched. */
  async function get(...selected: number[]): Promise<number[]> {
    const storage = await open(selected)
    try {
      const have = await check(storage, torrent)
      await storage.adopt(have)
      const wanted = [...new Set(selected.flatMap(piecesOf))].filter(index => !have.has(torrent.piece(index)))
      for (const index of wanted) await storage.write([verified(torrent, index)])
      for (const index of selected.flatMap(piecesOf)) {
        const lease = await storage.read(torrent.piece(index), 0, torrent.bytesOf(index).length)
        expect(lease?.bytes.equals(torrent.bytesOf(index)), `piece ${index} is whole`).to.equal(true)
        expect(storage.keeps(torrent.piece(index))).to.equal(true)
      }
      expect(await storage.finish()).to.deep.equal([])
      return wanted
    } finally {
      await storage.close()
    }
  }
  const names = async () => [...(await filesUnder(dir())).keys()].sort()

  it('makes no other file, and keeps the pieces at its edges apart', async () => {
    expect(await get(1)).to.deep.equal([1, 2])
    expect(await names()).to.deep.equal([parts, 'root/b'])
  })

  it('fetches nothing again when more are chosen later, in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), async order => {
        const fetched: number[] = []
        const chosen: number[] = []
        for (const position of order) {
          chosen.push(position)
          fetched.push(...(await get(...chosen)))
        }
        expect(
          fetched.sort((a, b) => a - b),
          'each piece once'
        ).to.deep.equal([...Array(geometry.pieceCount).keys()])
        const found = await filesUnder(dir())
        expect([...found.keys()].sort()).to.deep.equal(['root/a', 'root/b', 'root/none', 'root/sub/c'])
        for (const position of all) {
          const path = metainfo.files[position]?.path ?? ''
          expect(found.get(path)?.equals(torrent.fileBytes(position)), path).to.equal(true)
          await nodeFileSystem.unlink(join(dir(), path))
        }
      }),
      { numRuns: 24 }
    )
  })

  it('goes from one file to its neighbour alone', async () => {
    await get(0)
    expect(await get(1)).to.deep.equal([2])
    expect(await get(3)).to.deep.equal([3, 4, 5])
    expect(await get(0, 1, 2, 3)).to.deep.equal([])
    expect(await names()).to.deep.equal(['root/a', 'root/b', 'root/none', 'root/sub/c'])
  })

  it('fetches a piece again that is wrong where it is kept', async () => {
    await get(0)
    const path = join(dir(), parts)
    const bytes = await readFile(path)
    writeFileSync(path, bytes.fill(7, 8))
    expect(await get(0, 1)).to.deep.equal([1, 2])
    const found = await filesUnder(dir())
    expect(found.get('root/b')?.equals(torrent.fileBytes(1))).to.equal(true)
  })

  it('serves them to others when it only reads, and changes nothing', async () => {
    await get(1)
    const before = await filesUnder(dir())
    const storage = await open([1], true)
    const have = await check(storage, torrent)
    await storage.adopt(have)
    expect([...have].sort()).to.deep.equal([1, 2])
    expect((await storage.read(torrent.piece(1), 0, 64))?.bytes.equals(torrent.bytesOf(1))).to.equal(true)
    await storage.close()
    expect(await filesUnder(dir())).to.deep.equal(before)
    expect(existsSync(join(dir(), 'root', 'a'))).to.equal(false)
  })

  it('believes no piece that is kept apart where a file that is there has other bytes', async () => {
    await get(0)
    const path = join(dir(), 'root', 'a')
    const bytes = await readFile(path)
    writeFileSync(path, bytes.fill(0, 99))
    const reading = await open([0], true)
    expect(await reading.agrees(torrent.piece(1))).to.equal(false)
    await reading.close()
    expect(await rejection(get(0, 1))).to.have.property('code', 'ERR_BT_FILE_EXISTS')
  })
})
