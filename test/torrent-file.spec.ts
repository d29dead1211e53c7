import { expect } from 'chai'
import { buffer, text } from 'node:stream/consumers'
import type { Torrent } from '../lib/torrent.js'
import { TorrentSlice } from '../lib/torrent-slice.js'
import { randomBytesSeeded } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { until } from './support/peer-bench.js'
import { rejection } from './support/rejection.js'
import { SwarmBench } from './support/swarm-bench.js'

const LENGTH = 150_000
const first = randomBytesSeeded('first', 20_001)
const second = randomBytesSeeded('second', LENGTH)
const source = {
  name: 'folder',
  pieceLength: 32_768,
  files: [
    { path: ['a', 'first'], data: first },
    { path: ['b'], data: second },
    { path: ['empty'], data: Buffer.alloc(0) }
  ]
}

describe('TorrentFile', function () {
  let bench: SwarmBench
  let torrent: Torrent
  beforeEach(async () => {
    bench = new SwarmBench(source)
    torrent = await bench.leech([(await bench.seed())[0]])
  })
  afterEach(() => bench.close())

  it('knows its place', () => {
    const [a, b, empty] = torrent.files
    expect(a).to.include({ index: 0, path: 'folder/a/first', name: 'first', length: 20_001, offset: 0 })
    expect(b).to.include({ index: 1, path: 'folder/b', name: 'b', length: LENGTH, offset: 20_001 })
    expect(empty).to.include({ index: 2, path: 'folder/empty', length: 0 })
  })

  it('is found by index and by path', () => {
    expect(torrent.file(1)).to.equal(torrent.file('folder/b'))
    for (const which of [3, -1, 0.5, 'b', '']) {
      expect(() => torrent.file(which))
        .to.throw()
        .with.property('code', 'ERR_BT_NO_FILE')
    }
  })

  const ranges: [start: number | undefined, end: number | undefined][] = [
    [undefined, undefined],
    [0, 0],
    [LENGTH - 1, LENGTH - 1],
    [LENGTH - 1, undefined],
    [undefined, 9],
    [12_766, 12_767],
    [12_767, 45_535],
    [5, 4]
  ]
  for (const [start, end] of ranges) {
    it(`reads from ${start} to ${end} inclusive`, async () => {
      const options = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) }
      const expected = second.subarray(start ?? 0, (end ?? LENGTH - 1) + 1)
      const bytes = await buffer(torrent.file('folder/b').createReadStream(options))
      expect(bytes.equals(expected)).to.equal(true)
    })
  }

  for (const [start, end] of [
    [-1, 0],
    [0, LENGTH],
    [5, 3],
    [LENGTH + 1, LENGTH],
    [0.5, 1],
    [0, Number.NaN]
  ]) {
    it(`refuses to read from ${start} to ${end}`, async () => {
      const range = { start: start ?? 0, end: end ?? 0 }
      expect(() => torrent.file('folder/b').createReadStream(range))
        .to.throw()
        .with.property('code', 'ERR_BT_OPTION')
      expect(torrent.stats().readers).to.equal(0)
      await torrent.close()
    })
  }

  for (const [option, value] of [
    ['highWaterMark', -1],
    ['highWaterMark', 'all'],
    ['signal', {}],
    ['signal', null]
  ] as const) {
    it(`refuses ${JSON.stringify(value)} as ${option}, and leaves no window open`, () => {
      const options = { [option]: value }
      expect(() => torrent.file(1).createReadStream(options))
        .to.throw()
        .with.property('code', 'ERR_BT_OPTION')
      expect(() => torrent.tar.createReadStream(options))
        .to.throw()
        .with.property('code', 'ERR_BT_OPTION')
      expect(torrent.stats().readers).to.equal(0)
    })
  }

  it('serves many readers at once, and those on one signal without a warning', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    const readers = Array.from({ length: 40 }, (_, i) =>
      torrent.file('folder/b').createReadStream({ start: i * 100, signal })
    )
    expect(torrent.stats().readers).to.equal(40)
    const all = await Promise.all(readers.map(reader => buffer(reader)))
    for (const [i, bytes] of all.entries()) expect(bytes.equals(second.subarray(i * 100))).to.equal(true)
    expect(torrent.stats().readers).to.equal(0)
    expect(torrent.stats().downloaded).to.be.at.most(torrent.length)
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).to.deep.equal([])
  })

  it('ends all readers on one signal when it comes, and no other', async () => {
    const abort = new AbortController()
    const options = { signal: abort.signal }
    const readers = Array.from({ length: 15 }, () => torrent.file('folder/b').createReadStream(options))
    const other = torrent.file('folder/b').createReadStream()
    const errors = Promise.all(readers.map(reader => rejection(buffer(reader))))
    abort.abort()
    for (const error of await errors) expect(error).to.include({ code: 'ERR_BT_ABORTED', bytesDelivered: 0 })
    expect((await buffer(other)).equals(second)).to.equal(true)
    const late = torrent.file('folder/b').createReadStream(options)
    expect(await rejection(buffer(late))).to.include({ code: 'ERR_BT_ABORTED' })
    expect(torrent.stats().readers).to.equal(0)
  })

  describe('in the manner of a Blob', () => {
    /** An array's `subarray` counts as Blob does. Node's Blob itself crashes on a fraction. */
    const cuts: [start?: number, end?: number][] = [
      [],
      [0, 10],
      [-10],
      [-10, -3],
      [5, 5],
      [9, 3],
      [LENGTH - 1, LENGTH + 10],
      [LENGTH + 5],
      [-LENGTH - 5, 4],
      [1.9, 7.2],
      [NaN, 3]
    ]
    for (const cut of cuts) {
      it(`slices at ${JSON.stringify(cut)}`, async () => {
        const expected = second.subarray(...cut)
        const slice = torrent.file(1).slice(...cut)
        expect(slice.size).to.equal(expected.length)
        expect(Buffer.from(await slice.arrayBuffer()).equals(expected)).to.equal(true)
      })
    }

    it('slices a slice', async () => {
      const slice = torrent.file(1).slice(100, 1000).slice(-800, 100)
      expect(Buffer.from(await slice.arrayBuffer()).equals(second.subarray(200, 200))).to.equal(true)
      const other = torrent.file(1).slice(100, 1000).slice(10, -10)
      expect(Buffer.from(await other.arrayBuffer()).equals(second.subarray(110, 990))).to.equal(true)
    })

    it('gives text', async () => {
      expect(await torrent.file(1).text()).to.equal(await new Blob([second]).text())
      expect(await torrent.file(2).text()).to.equal('')
    })

    it('is iterated', async () => {
      const chunks: Buffer[] = []
      for await (const chunk of torrent.file(0)) chunks.push(chunk)
      expect(Buffer.concat(chunks).equals(first)).to.equal(true)
    })

    it('composes with other streams, whose failure ends it and whose end it is', async () => {
      const hex = async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) yield chunk.toString('hex')
      }
      const composed = torrent.file(1).createReadStream({ end: 99 }).compose(hex)
      expect(await text(composed)).to.equal(second.subarray(0, 100).toString('hex'))
      const reader = torrent.file(1).createReadStream()
      const fails = async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          yield chunk
          throw new Error('enough')
        }
      }
      expect(await rejection(buffer(reader.compose(fails)))).to.have.property('message', 'enough')
      expect(reader.destroyed).to.equal(true)
      await until(() => torrent.stats().readers === 0)
    })

    it('streams for the web, and gives its window up when that is cancelled', async () => {
      const parts: Uint8Array[] = []
      for await (const part of torrent.file(1).stream()) parts.push(part)
      expect(Buffer.concat(parts).equals(second)).to.equal(true)
      const reader = torrent.file(1).stream().getReader()
      expect((await reader.read()).done).to.equal(false)
      expect(torrent.stats().readers).to.equal(1)
      await reader.cancel()
      await until(() => torrent.stats().readers === 0)
    })

    it('refuses what does not fit into a string, before anything is fetched', async () => {
      const huge = new TorrentSlice(() => expect.fail('nothing is to be opened'), 0, 2 ** 33)
      expect(await rejection(huge.text())).to.have.property('code', 'ERR_BT_OPTION')
      expect(await rejection(huge.arrayBuffer())).to.have.property('code', 'ERR_BT_OPTION')
    })
  })

  noLeaks(this)
})
