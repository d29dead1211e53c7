import { expect } from 'chai'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { TAR_END, tarHeader, tarPadding } from '../../lib/metainfo/tar-header.js'
import type { Torrent } from '../../lib/torrent.js'
import { randomBytesSeeded, type TorrentSource } from '../support/make-torrent.js'
import { noLeaks } from '../support/no-leaks.js'
import { SwarmBench } from '../support/swarm-bench.js'

const single = (length: number, pieceLength: number): TorrentSource => ({
  name: 'single.bin',
  data: randomBytesSeeded(length, length),
  pieceLength
})
const file = (path: string, length: number) => ({ path: path.split('/'), data: randomBytesSeeded(path, length) })
const files = [file('a', 50_000), file('empty', 0), file('deep/er/b', 1), file('deep/c', 70_000), file('last', 0)]

const torrents: [what: string, source: TorrentSource][] = [
  ['one byte', single(1, 16_384)],
  ['exactly one block', single(BLOCK_LENGTH, BLOCK_LENGTH)],
  ['one block and a byte', single(BLOCK_LENGTH + 1, 65_536)],
  ['whole pieces', single(4 * 65_536, 65_536)],
  ['a short last piece', single(3 * 65_536 + 100, 65_536)],
  ['a last piece of one byte', single(3 * 65_536 + 1, 65_536)],
  ['pieces of an odd length', single(200_000, 33_333)],
  ['many pieces smaller than a block', single(100_000, 1024)],
  ['one piece far longer than its data', single(50_000, 4 * 2 ** 20)],
  ['many files, some empty', { name: 'folder', files, pieceLength: 16_384 }],
  ['many files with padding between', { name: 'folder', files, pieceLength: 16_384, padding: true }]
]

/** Takes everything, as a pipe does. */
class Pipe extends Writable {
  readonly #chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#chunks.push(Buffer.from(chunk))
    setImmediate(callback)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

describe('a torrent whose opening is aborted', function () {
  it('leaves no lock and no descriptor behind', async () => {
    const bench = new SwarmBench(single(100_000, 16_384))
    const dir = bench.folder('got')
    const controller = new AbortController()
    const opening = bench.open({ dir, signal: controller.signal })
    controller.abort()
    const error: unknown = await opening.catch((reason: unknown) => reason)
    expect(error).to.have.property('code', 'ERR_BT_ABORTED')
    await bench.open({ dir })
    await bench.close()
  })

  noLeaks(this)
})

describe('a download', function () {
  let bench: SwarmBench
  afterEach(() => bench.close())

  for (const [what, source] of torrents) {
    describe(`of ${what}`, () => {
      beforeEach(() => {
        bench = new SwarmBench(source)
      })

      it('comes out of its streams and pipes byte for byte', async () => {
        const [address] = await bench.seed()
        const torrent = await bench.leech([address])
        const expected = bench.expected()
        expect(torrent.files.map(({ length }) => length)).to.deep.equal(expected.map(([, data]) => data.length))
        for (const [index, [path, data]] of expected.entries()) {
          expect((await buffer(torrent.file(index).createReadStream())).equals(data), path).to.equal(true)
          const pipe = new Pipe()
          expect(await torrent.file(index).writeTo(pipe)).to.equal(data.length)
          expect(pipe.bytes.equals(data), path).to.equal(true)
        }
        expect(torrent.stats().readers).to.equal(0)
      })

      it('comes out as a tar archive, whole or from any byte to any other', async () => {
        const [address] = await bench.seed()
        const torrent = await bench.leech([address])
        const entries = bench.expected().flatMap(([path, data]) => {
          const header = tarHeader({ path, length: data.length, modified: torrent.metainfo.creationDate ?? 0 })
          return [header, data, Buffer.alloc(tarPadding(data.length))]
        })
        const archive = Buffer.concat([...entries, TAR_END])
        expect(torrent.tar.length).to.equal(archive.length)
        expect((await buffer(torrent.createTarStream())).equals(archive)).to.equal(true)
        const [start, end] = [300, archive.length - 1300]
        const pipe = new Pipe()
        expect(await torrent.tar.writeTo(pipe, { start, end })).to.equal(end - start + 1)
        expect(pipe.bytes.equals(archive.subarray(start, end + 1))).to.equal(true)
        expect(() => torrent.tar.createReadStream({ end: archive.length }))
          .to.throw()
          .with.property('code', 'ERR_BT_OPTION')
        expect(torrent.stats().readers).to.equal(0)
      })

      it('lands on disk byte for byte', async () => {
        const [address] = await bench.seed()
        const dir = bench.folder('got')
        const torrent = await bench.leech([address], { dir })
        await torrent.download()
        expect(torrent.isComplete).to.equal(true)
        for (const [path, data] of bench.expected()) expect(bench.fileIn(dir, path).equals(data), path).to.equal(true)
        expect(torrent.stats().memory).to.equal(0)
      })
    })
  }

  it('of which much is there fetches only the rest', async () => {
    bench = new SwarmBench(single(20 * 32_768, 32_768))
    const [address] = await bench.seed()
    const dir = bench.folder('got')
    const first = await bench.leech([address], { dir })
    const download = first.download()
    download.catch(() => undefined)
    while (first.stats().verified < 5 * 32_768) await once(first, 'piece')
    await first.close()
    const second = await bench.leech([address], { dir })
    await second.download()
    expect(second.stats().downloaded).to.be.at.most(15 * 32_768)
    expect(bench.fileIn(dir, 'single.bin').equals(bench.made.content)).to.equal(true)
  })

  it('from many seeders uses all of them', async () => {
    bench = new SwarmBench(single(4 * 2 ** 20, 65_536))
    const seeders = await Promise.all([1, 2, 3, 4].map(() => bench.fakeSeeder()))
    const torrent = await bench.leech(
      seeders.map(({ address }) => address),
      { dir: bench.folder('got') }
    )
    await torrent.download()
    expect(seeders.every(({ requests }) => requests > 0)).to.equal(true)
    expect(torrent.stats().wasted).to.be.at.most(512 * 1024 + 0.03 * 4 * 2 ** 20)
  })

  noLeaks(this)
})

describe('liars', function () {
  let bench: SwarmBench
  beforeEach(() => {
    bench = new SwarmBench(single(4 * 2 ** 20, 65_536))
  })
  afterEach(() => bench.close())

  const bans = (torrent: Torrent): string[] => {
    const banned: string[] = []
    torrent.on('peerGone', ({ address }, error) => {
      if ((error as { code?: string } | undefined)?.code === 'ERR_BT_BAD_DATA') banned.push(address)
    })
    return banned
  }

  it('alone in the swarm are found by their first piece', async () => {
    const liar = await bench.fakeSeeder(() => 'corrupt')
    const torrent = await bench.leech([liar.address])
    const banned = bans(torrent)
    const reading = buffer(torrent.file(0).createReadStream())
    reading.catch(() => undefined)
    while (banned.length === 0) await once(torrent, 'peerGone')
    expect(torrent.stats().verified).to.equal(0)
  })

  it('with 5 % of bad blocks are banned, good peers are not, and the download is right', async () => {
    let blocks = 0
    const liars = await Promise.all(
      [1, 2].map(() => bench.fakeSeeder(() => (++blocks % 20 === 0 ? 'corrupt' : 'right')))
    )
    const good = await Promise.all([1, 2].map(() => bench.fakeSeeder()))
    const dir = bench.folder('got')
    const torrent = await bench.leech(
      [...liars, ...good].map(({ address }) => address),
      { dir }
    )
    const banned = bans(torrent)
    await torrent.download()
    expect(bench.fileIn(dir, 'single.bin').equals(bench.made.content)).to.equal(true)
    for (const { address } of good) expect(banned).to.not.include(address)
    expect(banned).to.not.deep.equal([])
  })

  it('do not disturb a reader, however they lie', async () => {
    let blocks = 0
    const liar = await bench.fakeSeeder(() => (['corrupt', 'nothing', 'right'] as const)[++blocks % 3] ?? 'right')
    const good = await bench.fakeSeeder()
    const torrent = await bench.leech([liar.address, good.address])
    expect((await buffer(torrent.file(0).createReadStream())).equals(bench.made.content)).to.equal(true)
  })

  noLeaks(this)
})
