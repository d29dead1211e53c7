import { expect } from 'chai'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { TorrentError, type BtError } from '../../lib/errors.js'
import { ReadCursor, type PieceLibrary } from '../../lib/streams/read-cursor.js'
import { pour, type ReaderOptions } from '../../lib/streams/torrent-reader.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { ShelfLibrary } from '../support/shelf-library.js'
import { settled } from '../support/virtual-clock.js'

const content = randomBytesSeeded('pour', 250_000)
const whole = { start: 0, end: content.length }

/** A sink whose writes end when a test says so. */
class SlowSink extends Writable {
  readonly taken: Buffer[] = []
  #callback: ((error?: Error | null) => void) | undefined
  #chunk: Buffer = Buffer.alloc(0)

  constructor() {
    super({ highWaterMark: 1 })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#callback = callback
    this.#chunk = chunk
    this.emit('asked')
  }

  /** Takes the chunk as it is now: what was lent must still be what it was. */
  finish(error?: Error): void {
    this.taken.push(Buffer.from(this.#chunk))
    this.#callback?.(error)
  }
}

const failureOf = (poured: Promise<number>): Promise<BtError> =>
  poured.then(
    () => expect.fail('it should fail'),
    (error: unknown) => error as BtError
  )

interface Range extends ReaderOptions {
  readonly start: number
  readonly end: number
}

const pourFrom = (library: PieceLibrary, into: Writable, { start, end, ...options }: Range): Promise<number> =>
  pour(new ReadCursor(library, start, end), into, options)

describe('pour', () => {
  let library: ShelfLibrary
  let sink: SlowSink
  beforeEach(() => {
    library = new ShelfLibrary(content, 100_000)
    library.arriveAll()
    sink = new SlowSink()
  })
  afterEach(() => {
    expect(library.windows.size).to.equal(0)
  })

  it('fails at once when the sink is gone already, though nothing is here to be written', async () => {
    const waiting = new ShelfLibrary(content, 100_000)
    sink.destroy()
    await once(sink, 'close')
    expect(await failureOf(pourFrom(waiting, sink, whole))).to.include({ code: 'ERR_BT_ABORTED', bytesDelivered: 0 })
    expect(waiting.windows.size).to.equal(0)
  })

  it('writes exactly the bytes and does not end the sink', async () => {
    sink.on('asked', () => setImmediate(() => sink.finish()))
    expect(await pourFrom(library, sink, whole)).to.equal(content.length)
    expect(Buffer.concat(sink.taken)).to.deep.equal(content)
    expect(sink.writableEnded).to.equal(false)
    expect(library.lent).to.equal(0)
    for (const event of ['error', 'close', 'drain']) expect(sink.listenerCount(event), event).to.equal(0)
  })

  it('lends one piece, and only until the write calls back', async () => {
    const poured = pourFrom(library, sink, { start: 0, end: 150_000 })
    await once(sink, 'asked')
    expect(library.lent).to.equal(100_000)
    const next = once(sink, 'asked')
    sink.finish()
    await next
    expect(library.lent).to.equal(50_000)
    sink.finish()
    expect(await poured).to.equal(150_000)
  })

  it('rejects with the error of the sink, and what had been written before', async () => {
    const poured = failureOf(pourFrom(library, sink, whole))
    await once(sink, 'asked')
    sink.finish(new Error('full'))
    expect((await poured).message).to.equal('full')
    await settled()
    expect(library.lent).to.equal(0)
  })

  it('has the late error event of such a sink heard', async () => {
    const late = new Writable({
      write: (_chunk, _encoding, callback) => callback(new Error('gone')),
      destroy: (error, callback) => void setTimeout(() => callback(error), 20)
    })
    const closed = new Promise<void>(resolve => late.once('close', resolve))
    expect((await failureOf(pourFrom(library, late, whole))).message).to.equal('gone')
    await closed
  })

  it('ends when the sink closes, also while it waits for a piece', async () => {
    library.evict(0)
    const poured = failureOf(pourFrom(library, sink, whole))
    await settled()
    sink.destroy()
    expect(await poured).to.include({ code: 'ERR_BT_ABORTED', bytesDelivered: 0 })
  })

  it('gives back what it lent to a sink that closes without a word', async () => {
    const poured = failureOf(pourFrom(library, sink, whole))
    await once(sink, 'asked')
    sink.destroy()
    expect(await poured).to.include({ code: 'ERR_BT_ABORTED' })
    await settled()
    expect(library.lent).to.equal(0)
  })

  it('leaves what it lent with the sink when it is aborted, until the write calls back', async () => {
    const controller = new AbortController()
    const poured = failureOf(pourFrom(library, sink, { ...whole, signal: controller.signal }))
    await once(sink, 'asked')
    controller.abort()
    expect(await poured).to.include({ code: 'ERR_BT_ABORTED', bytesDelivered: 0 })
    expect(library.lent).to.equal(100_000)
    sink.finish()
    expect(sink.taken[0]).to.deep.equal(content.subarray(0, 100_000))
    await settled()
    expect(library.lent).to.equal(0)
  })

  it('does not begin when it is aborted before', async () => {
    const poured = pourFrom(library, sink, { ...whole, signal: AbortSignal.abort() })
    expect(await failureOf(poured)).to.include({ code: 'ERR_BT_ABORTED', bytesDelivered: 0 })
  })

  it('rejects with the error of the torrent', async () => {
    library.evict(1)
    const poured = failureOf(pourFrom(library, sink, whole))
    await once(sink, 'asked')
    sink.finish()
    await settled()
    library.fail(new TorrentError('ERR_BT_STALLED', 'nobody sends'))
    expect(await poured).to.include({ code: 'ERR_BT_STALLED', bytesDelivered: 100_000 })
  })
})
