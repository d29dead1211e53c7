import { expect } from 'chai'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseMetainfo } from '../lib/metainfo/metainfo.js'
import type { Bitfield } from '../lib/pieces/bitfield.js'
import { Geometry } from '../lib/pieces/geometry.js'
import { FileStorage } from '../lib/storage/file-storage.js'
import { HashPool } from '../lib/streams/hash-pool.js'
import { PiecePool } from '../lib/streams/piece-pool.js'
import { checkStored } from '../lib/torrent-check.js'
import { makeTorrent, randomBytesSeeded } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { rejection } from './support/rejection.js'
import { failing, FaultyFileSystem, type Fault } from './storage/faulty-file-system.js'

const PIECE = 32_768
const data = randomBytesSeeded('check', 20 * PIECE + 9)

describe('checkStored', function () {
  let dir: string
  let path: string
  let hashes: HashPool
  let pool: PiecePool
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bt-check-'))
    path = join(dir, 'x')
    writeFileSync(path, data)
    hashes = new HashPool()
    pool = new PiecePool({ slotLength: PIECE, budget: 2 * PIECE, evict: () => false, extra: () => 0 })
  })
  afterEach(async () => {
    await hashes.close()
    rmSync(dir, { recursive: true })
    expect(pool.usedBytes).to.equal(0)
  })

  /** What was found, and every report of progress. `stopAfter`: so many reports. */
  async function check({ fault, stopAfter = Infinity }: { fault?: Fault; stopAfter?: number } = {}) {
    const metainfo = parseMetainfo(makeTorrent({ name: 'x', data, pieceLength: PIECE }).torrent)
    const geometry = new Geometry(metainfo.length, PIECE)
    const fileSystem = new FaultyFileSystem(fault)
    const selected = new Set([0])
    const storage = await FileStorage.open({ dir, metainfo, geometry, selected, overwrite: false, fileSystem })
    const reports: [number, number][] = []
    try {
      const good = await checkStored({
        storage,
        geometry,
        hashes,
        pool,
        expected: metainfo.pieceHashes,
        isStopped: () => reports.length >= stopAfter,
        onChecked: (checked, total) => reports.push([checked, total])
      })
      return { good, reports }
    } finally {
      await storage.close()
    }
  }
  const missing = (good: Bitfield): number[] => [...Array(good.length).keys()].filter(index => !good.has(index))

  it('finds every piece that is right, and reports each', async () => {
    const { good, reports } = await check()
    expect(missing(good)).to.deep.equal([])
    expect(reports).to.deep.equal(Array.from({ length: 21 }, (_, i) => [i + 1, 21]))
  })

  it('finds one wrong bit', async () => {
    const bytes = readFileSync(path)
    for (const at of [0, 7 * PIECE - 1, bytes.length - 1]) bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(path, bytes)
    expect(missing((await check()).good)).to.deep.equal([0, 6, 20])
  })

  it('takes what a short file holds, and nothing of a missing one', async () => {
    truncateSync(path, 5 * PIECE + 1)
    expect((await check()).good.count).to.equal(5)
    rmSync(path)
    const { good, reports } = await check()
    expect(good.count).to.equal(0)
    expect(reports).to.deep.equal([])
    writeFileSync(path, '')
  })

  it('stops soon when told', async () => {
    const { good, reports } = await check({ stopAfter: 3 })
    expect(reports.length).to.be.within(3, 6)
    expect(good.count).to.be.at.most(reports.length)
  })

  it('ends with the disk that cannot be read', async () => {
    const error = await rejection(check({ fault: failing('read', 'EIO', '/x', 5) }))
    expect(error).to.have.property('code', 'ERR_BT_DISK')
  })

  it('takes no more memory than the budget has', async () => {
    let most = 0
    const fault = (): void => {
      most = Math.max(most, pool.usedBytes)
    }
    await check({ fault })
    expect(most).to.equal(pool.budget)
  })

  noLeaks(this)
})
