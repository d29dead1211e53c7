import { expect } from 'chai'
import fc from 'fast-check'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { TorrentError } from '../../lib/errors.js'
import type { MetainfoFile } from '../../lib/metainfo/metainfo.js'
import { ReadCursor, type PieceLibrary } from '../../lib/streams/read-cursor.js'
import { TorrentReader, type ReaderOptions } from '../../lib/streams/torrent-reader.js'
import { TorrentFile } from '../../lib/torrent-file.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { ShelfLibrary } from '../support/shelf-library.js'
import { settled } from '../support/virtual-clock.js'

const content = randomBytesSeeded('reader', 250_000)
const PIECE = 100_000
const whole = { start: 0, end: content.length }

async function failureOf(reader: TorrentReader): Promise<Error> {
  const [error] = (await once(reader, 'error')) as [Error]
  return error
}

interface Range extends ReaderOptions {
  readonly start: number
  readonly end: number
}

const readerOf = (library: PieceLibrary, { start, end, ...options }: Range): TorrentReader =>
  new TorrentReader(new ReadCursor(library, start, end), options)

describe('TorrentReader', () => {
  let library: ShelfLibrary
  beforeEach(() => {
    library = new ShelfLibrary(content, PIECE)
  })

  it('gives exactly the bytes, in order', async () => {
    library.arriveAll()
    expect(await buffer(readerOf(library, whole))).to.deep.equal(content)
    expect(library.lent).to.equal(0)
    expect(library.windows.size).to.equal(0)
  })

  it('gives any range at any chunk size', async () => {
    const place = fc.integer({ min: 0, max: content.length })
    await fc.assert(
      fc.asyncProperty(place, place, fc.integer({ min: 1, max: 200_000 }), async (a, b, highWaterMark) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        library.arriveAll()
        const bytes = await buffer(readerOf(library, { start, end, highWaterMark }))
        expect(bytes.equals(content.subarray(start, end))).to.equal(true)
      }),
      { numRuns: 100 }
    )
  })

  it('waits for pieces that come late, in whatever order', async () => {
    const reading = buffer(readerOf(library, whole))
    for (const index of [2, 0, 1]) {
      await settled()
      library.arrive(index)
    }
    expect(await reading).to.deep.equal(content)
  })

  it('waits again for a piece that was evicted under its hands', async () => {
    const reader = readerOf(library, whole)
    const reading = buffer(reader)
    library.arrive(0)
    library.evict(0)
    await settled()
    library.arriveAll()
    expect(await reading).to.deep.equal(content)
  })

  it('copies: what it gave stays as it was when the memory is used again', async () => {
    library.arriveAll()
    const chunks: Buffer[] = []
    for await (const chunk of readerOf(library, whole)) {
      chunks.push(chunk as Buffer)
      expect((chunk as Buffer).buffer).to.not.be.instanceOf(SharedArrayBuffer)
    }
    expect(Buffer.concat(chunks)).to.deep.equal(content)
  })

  it('takes no more than its mark and one chunk while nobody reads', async () => {
    library.arriveAll()
    const reader = readerOf(library, whole)
    reader.read(0)
    for (let i = 0; i < 5; i++) await settled()
    expect(library.delivered).to.be.within(1, 131_072)
    reader.destroy()
  })

  it('frees its window at once when it is destroyed', async () => {
    const reader = readerOf(library, whole)
    reader.resume()
    await settled()
    expect(library.windows.size).to.equal(1)
    reader.destroy()
    expect(library.windows.size).to.equal(0)
    library.arriveAll()
    await settled()
    expect(library.lent).to.equal(0)
  })

  it('frees its window when an iteration breaks', async () => {
    library.arriveAll()
    for await (const chunk of readerOf(library, whole)) {
      expect((chunk as Buffer).length).to.be.above(0)
      break
    }
    expect(library.windows.size).to.equal(0)
    expect(library.lent).to.equal(0)
  })

  it('never ends short: a failure is an error, with what was delivered', async () => {
    const reader = readerOf(library, whole)
    library.arrive(0, 1)
    let received = 0
    let hasEnded = false
    reader.on('data', (chunk: Buffer) => (received += chunk.length)).on('end', () => (hasEnded = true))
    while (received < 2 * PIECE) await settled()
    library.fail(new TorrentError('ERR_BT_STALLED', 'nobody sends'))
    const error = await failureOf(reader)
    expect(error).to.include({ code: 'ERR_BT_STALLED', bytesDelivered: 2 * PIECE, message: 'nobody sends' })
    expect(hasEnded).to.equal(false)
  })

  it('does not count as delivered what nobody took', async () => {
    library.arrive(0)
    const reader = readerOf(library, { ...whole, highWaterMark: 10 * PIECE })
    const taken = await new Promise<number>(resolve => {
      reader.once('readable', () => {
        resolve((reader.read(1000) as Buffer).length)
      })
    })
    for (let i = 0; i < 5; i++) await settled()
    library.fail(new TorrentError('ERR_BT_ABORTED', 'closed'))
    expect(await failureOf(reader)).to.include({ bytesDelivered: taken })
  })

  it('gives each of many readers an error of its own', async () => {
    const readers = [0, 100].map(start => readerOf(library, { start, end: content.length }))
    const failures = readers.map(reader => failureOf(reader.resume()))
    await settled()
    library.fail(new TorrentError('ERR_BT_STALLED', 'nobody sends'))
    const [first, second] = await Promise.all(failures)
    expect(first).to.not.equal(second)
    expect([first?.name, second?.name]).to.deep.equal(['TorrentError', 'TorrentError'])
    expect(first).to.be.instanceOf(TorrentError)
  })

  it('ends with its signal, before and while it reads', async () => {
    expect(await failureOf(readerOf(library, { ...whole, signal: AbortSignal.abort() }))).to.include({
      code: 'ERR_BT_ABORTED',
      bytesDelivered: 0
    })
    const controller = new AbortController()
    const reader = readerOf(library, { ...whole, signal: controller.signal })
    reader.resume()
    await settled()
    controller.abort(new Error('enough'))
    expect(await failureOf(reader)).to.have.nested.property('cause.message', 'enough')
    expect(library.windows.size).to.equal(0)
  })

  it('takes part in a pipeline and ends with it', async () => {
    library.arriveAll()
    const sink = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('full')) })
    const reader = readerOf(library, whole)
    const failure = await pipeline(reader, sink).catch((error: unknown) => error)
    expect(failure).to.be.an('error').with.property('message', 'full')
    expect(reader.destroyed).to.equal(true)
    expect(library.windows.size).to.equal(0)
  })
})

describe('TorrentFile', () => {
  const library = new ShelfLibrary(content, PIECE)
  library.arriveAll()
  const entry = (offset: number, length: number): MetainfoFile => ({ path: 'a/b', offset, length, padding: false })
  const file = new TorrentFile(library, entry(90_000, 30_000), 0)
  const bytes = content.subarray(90_000, 120_000)

  it('reads ranges that include their end, like fs', async () => {
    expect(await buffer(file.createReadStream())).to.deep.equal(bytes)
    expect(await buffer(file.createReadStream({ start: 5, end: 5 }))).to.deep.equal(bytes.subarray(5, 6))
    expect(await buffer(file.createReadStream({ start: 9_990 }))).to.deep.equal(bytes.subarray(9_990))
    expect(await buffer(file.createReadStream({ end: 0 }))).to.deep.equal(bytes.subarray(0, 1))
    expect(await buffer(file.createReadStream({ start: 30_000 }))).to.have.length(0)
  })

  it('of no bytes is read to its end, wherever it stands', async () => {
    for (const offset of [0, 100, content.length]) {
      expect(await buffer(new TorrentFile(library, entry(offset, 0), 0).createReadStream())).to.have.length(0)
    }
  })

  for (const range of [{ start: -1 }, { end: 30_000 }, { start: 7, end: 5 }, { start: 1.5 }, { start: NaN }]) {
    it(`has no range ${JSON.stringify(range)}`, () => {
      expect(() => file.createReadStream(range))
        .to.throw(TorrentError)
        .with.property('code', 'ERR_BT_OPTION')
    })
  }
})
