import { expect } from 'chai'
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createTorrent, verifyTorrent } from '../lib/index.js'
import { parseMetainfo } from '../lib/metainfo/metainfo.js'
import { makeTorrent, randomBytesSeeded, writeContent, type TorrentSource } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { codeOfRejection as codeOf } from './support/rejection.js'

const KIB = 1024

describe('createTorrent', function () {
  this.timeout(20_000)
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bt-create-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  const many: TorrentSource = {
    name: 'many',
    pieceLength: 16 * KIB,
    files: [
      { path: ['.hidden'], data: randomBytesSeeded(1, 100) },
      { path: ['a.txt'], data: randomBytesSeeded(2, 40_000) },
      { path: ['a', 'b'], data: randomBytesSeeded(3, 16 * KIB) },
      { path: ['empty'], data: Buffer.alloc(0) },
      { path: ['z', 'z', 'naïve 日本'], data: randomBytesSeeded(4, 9 * 1024 * KIB) }
    ]
  }

  it('makes the torrent of a folder', async () => {
    const root = writeContent(dir, many)
    const progress: [number, number | undefined][] = []
    const { bytes, metainfo, warnings } = await createTorrent(root, {
      pieceLength: 16 * KIB,
      onProgress: (hashed, total) => progress.push([hashed, total])
    })
    expect(metainfo.infoHash.toString('hex')).to.equal(makeTorrent(many).infoHash)
    expect(warnings).to.deep.equal([])
    expect(progress.at(-1)).to.deep.equal([metainfo.length, metainfo.length])
    expect(parseMetainfo(bytes).infoHash).to.deep.equal(metainfo.infoHash)
    const again = await createTorrent([`${root}/`], { pieceLength: 16 * KIB, threads: 1 })
    expect(again.bytes.equals(bytes), 'the same input gives the same bytes').to.equal(true)
    expect(metainfo.creationDate).to.equal(undefined)
  })

  it('pads files, and marks a torrent private', async () => {
    const padded: TorrentSource = {
      ...many,
      padding: true,
      private: true,
      files: many.files.filter(({ data }) => data.length > 0)
    }
    const root = writeContent(dir, padded)
    const { metainfo } = await createTorrent(root, { pieceLength: 16 * KIB, padding: true, private: true })
    expect(metainfo.infoHash.toString('hex')).to.equal(makeTorrent(padded).infoHash)
  })

  it('makes the torrent of one file, by any way to it, and of a stream of the same bytes', async () => {
    const single: TorrentSource = { name: 'one', pieceLength: 64 * KIB, data: randomBytesSeeded(5, 200_001) }
    const path = writeContent(dir, single)
    symlinkSync(path, join(dir, 'link'))
    const { infoHash } = makeTorrent(single)
    const options = { pieceLength: 64 * KIB, name: 'one' }
    for (const input of [
      path,
      join(dir, 'link'),
      Readable.from([single.data.subarray(0, 70_000), single.data.subarray(70_000)])
    ]) {
      expect((await createTorrent(input, options)).metainfo.infoHash.toString('hex')).to.equal(infoHash)
    }
  })

  it('puts several paths under one name', async () => {
    const root = writeContent(dir, many)
    writeFileSync(join(dir, 'beside'), 'beside')
    const { metainfo } = await createTorrent([join(dir, 'beside'), root], { name: 'both' })
    expect(metainfo.files.map(({ path }) => path).slice(0, 3)).to.deep.equal([
      'both/beside',
      'both/many/.hidden',
      'both/many/a.txt'
    ])
    expect(await codeOf(createTorrent([join(dir, 'beside'), root]))).to.equal('ERR_BT_OPTION')
    expect(await codeOf(createTorrent([root, join(dir, 'x', '..', 'many')], { name: 'twice' }))).to.equal(
      'ERR_BT_OPTION'
    )
  })

  it('leaves out what is excluded, folders with all in them, and every link', async () => {
    const root = writeContent(dir, many)
    mkdirSync(join(root, 'node_modules', 'deep'), { recursive: true })
    writeFileSync(join(root, 'node_modules', 'deep', 'x'), 'x')
    symlinkSync('/etc', join(root, 'etc'))
    symlinkSync('a.txt', join(root, 'inside'))
    const { metainfo, warnings } = await createTorrent(root, { exclude: ['node_modules', '*.txt', 'z/**'] })
    expect(metainfo.files.map(({ path }) => path)).to.deep.equal(['many/.hidden', 'many/a/b', 'many/empty'])
    expect(warnings).to.deep.equal([`symbolic links left out: 2, the first: ${join(root, 'etc')}`])
  })

  it('warns of names that seed and verify do not look for, which makes them found', async () => {
    const root = join(dir, 'odd')
    mkdirSync(root)
    for (const name of ['a\\b', 'ok', 'tab\there']) writeFileSync(join(root, name), name)
    const { metainfo, warnings } = await createTorrent(root)
    expect(warnings.at(-1)).to.equal(
      'seed and verify look for safe names, and find 2 of these files once they are renamed: odd/a\\b as odd/ab'
    )
    expect((await verifyTorrent(metainfo, { dir })).isComplete).to.equal(false)
    renameSync(join(root, 'a\\b'), join(root, 'ab'))
    renameSync(join(root, 'tab\there'), join(root, 'tab_here'))
    expect((await verifyTorrent(metainfo, { dir })).isComplete).to.equal(true)
  })

  it('says why it cannot, by code', async () => {
    mkdirSync(join(dir, 'none'))
    writeFileSync(join(dir, 'empty'), '')
    for (const path of [join(dir, 'none'), join(dir, 'empty'), join(dir, 'missing'), '/dev/null'])
      expect(await codeOf(createTorrent(path)), path).to.equal('ERR_BT_INPUT')
    expect(await codeOf(createTorrent(Readable.from([]), { name: 'x' }))).to.equal('ERR_BT_INPUT')
    const broken = new Readable({ read: () => broken.destroy(new Error('torn')) })
    expect(await codeOf(createTorrent(broken, { name: 'x' }))).to.equal('ERR_BT_INPUT')
    writeFileSync(join(dir, 'file'), 'x')
    for (const bad of [
      { pieceLength: 5 },
      { trackers: ['nonsense'] },
      { webSeeds: ['x'] },
      { name: '..' },
      { name: 'a/b' }
    ])
      expect(await codeOf(createTorrent(join(dir, 'file'), bad)), JSON.stringify(bad)).to.equal('ERR_BT_OPTION')
    expect(await codeOf(createTorrent([]))).to.equal('ERR_BT_OPTION')
    expect(await codeOf(createTorrent(Readable.from(['x'])))).to.equal('ERR_BT_OPTION')
    expect(await codeOf(createTorrent(join(dir, 'file'), { signal: AbortSignal.abort() }))).to.equal('ERR_BT_ABORTED')
  })

  it('notices a file that is changed meanwhile, and stops when told', async () => {
    const path = join(dir, 'growing')
    writeFileSync(path, randomBytesSeeded(6, 64 * KIB))
    const grow = () => appendFileSync(path, 'x')
    expect(await codeOf(createTorrent(path, { onProgress: grow }))).to.equal('ERR_BT_INPUT')
    const abort = new AbortController()
    const stopped = createTorrent(path, { signal: abort.signal, onProgress: () => abort.abort() })
    expect(await codeOf(stopped)).to.equal('ERR_BT_ABORTED')
  })

  noLeaks(this)
})
