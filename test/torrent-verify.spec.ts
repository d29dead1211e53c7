import { expect } from 'chai'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyTorrent } from '../lib/index.js'
import { parseMetainfo } from '../lib/metainfo/metainfo.js'
import { makeTorrent, randomBytesSeeded, writeContent, type TorrentSource } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { codeOfRejection } from './support/rejection.js'

/** Little is checked on this thread, much on others: both must say the same. */
for (const size of [200_000, 40 * 2 ** 20]) {
  describe(`verifyTorrent of ${size} bytes`, function () {
    this.timeout(20_000)
    const source: TorrentSource = {
      name: 'v',
      pieceLength: 16_384,
      padding: true,
      files: [
        { path: ['a'], data: randomBytesSeeded('a', 100_000) },
        { path: ['b'], data: randomBytesSeeded('b', size) },
        { path: ['c'], data: randomBytesSeeded('c', 5) }
      ]
    }
    const metainfo = parseMetainfo(makeTorrent(source).torrent)
    let dir: string
    let root: string
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'bt-verify-'))
      root = writeContent(dir, source)
    })
    afterEach(() => rmSync(dir, { recursive: true }))
    const states = async () => (await verifyTorrent(metainfo, { dir })).files.map(({ state }) => state)

    it('finds all whole, and tells how far it is', async () => {
      let last: unknown
      const result = await verifyTorrent(metainfo, { dir, onProgress: (...facts) => (last = facts) })
      expect(result.isComplete).to.equal(true)
      expect(result.files).to.deep.include({
        index: 1,
        path: 'v/b',
        length: size,
        size,
        verified: size,
        state: 'whole'
      })
      const pieces = metainfo.pieceHashes.length / 20
      expect(last).to.deep.equal([pieces, pieces])
    })

    it('finds one wrong bit, a missing file, and one that is too long', async () => {
      const bytes = readFileSync(join(root, 'b'))
      bytes[size - 1] = (bytes[size - 1] ?? 0) ^ 1
      writeFileSync(join(root, 'b'), bytes)
      expect(await states()).to.deep.equal(['whole', 'damaged', 'whole'])
      rmSync(join(root, 'c'))
      appendFileSync(join(root, 'a'), 'x')
      expect(await states()).to.deep.equal(['damaged', 'damaged', 'missing'])
    })

    it('counts what a short file still has', async () => {
      truncateSync(join(root, 'b'), size - 1)
      const { files } = await verifyTorrent(metainfo, { dir, only: ['b*', 'v/b', 'b', 1] })
      expect(files).to.have.lengthOf(1)
      expect(files[0]).to.include({ size: size - 1, state: 'damaged' })
      expect(size - (files[0]?.verified ?? 0)).to.equal(size % 16_384 || 16_384)
    })

    it('writes nothing, and stops when told', async () => {
      const abort = new AbortController()
      const work = verifyTorrent(metainfo, { dir, signal: abort.signal, onProgress: () => abort.abort() })
      expect(await codeOfRejection(work)).to.equal('ERR_BT_ABORTED')
      expect(await codeOfRejection(verifyTorrent(metainfo, { dir: join(dir, 'no') }))).to.equal('ERR_BT_DISK')
      expect(await codeOfRejection(verifyTorrent(metainfo, { dir, only: ['*.no'] }))).to.equal('ERR_BT_NO_FILE')
    })

    noLeaks(this)
  })
}

describe('verifyTorrent of files that share pieces', () => {
  const shared: TorrentSource = {
    name: 's',
    pieceLength: 16_384,
    files: ['a', 'b', 'c'].map(name => ({ path: [name], data: randomBytesSeeded(name, 20_000) }))
  }
  const metainfo = parseMetainfo(makeTorrent(shared).torrent)
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bt-verify-'))
    writeContent(dir, shared)
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('looks at neighbours, too, but tells only of what was asked for', async () => {
    const { isComplete, files } = await verifyTorrent(metainfo, { dir, only: ['s/b'] })
    expect(isComplete).to.equal(true)
    expect(files.map(({ path }) => path)).to.deep.equal(['s/b'])
  })

  it('cannot tell of the edge of a file whose neighbour is missing', async () => {
    rmSync(join(dir, 's', 'a'))
    const { files } = await verifyTorrent(metainfo, { dir })
    expect(files.map(({ state }) => state)).to.deep.equal(['missing', 'damaged', 'whole'])
  })
})
