import { expect } from 'chai'
import { buffer } from 'node:stream/consumers'
import type { Torrent } from '../lib/torrent.js'
import { randomBytesSeeded } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
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

  noLeaks(this)
})
