import { expect } from 'chai'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { openTorrent, type Torrent } from '../lib/index.js'
import { MAX_PIECE_FAILURES } from '../lib/limits.js'
import { allBits, FakePeer, ID } from './support/fake-peer.js'
import { writeContent, randomBytesSeeded, type TorrentSource } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { until } from './support/peer-bench.js'
import { projectRoot } from './support/project.js'
import { run } from './support/run-script.js'
import { rejection } from './support/rejection.js'
import { SwarmBench } from './support/swarm-bench.js'
import { eventsOf } from './support/watched-torrent.js'
import { failing, FaultyFileSystem } from './storage/faulty-file-system.js'

const PIECE = 65_536
const single: TorrentSource = {
  name: 'single.bin',
  data: randomBytesSeeded('single', 40 * PIECE + 7),
  pieceLength: PIECE
}
const folder: TorrentSource = {
  name: 'folder',
  pieceLength: 16_384,
  files: ['a', 'b', 'c'].map((name, i) => ({ path: ['sub', name], data: randomBytesSeeded(name, 50_001 + i) }))
}

let bench: SwarmBench
const close = (): Promise<void> => bench.close()
const portOf = async (torrent: Torrent): Promise<number> => {
  const [port] = (await once(torrent, 'listening')) as [number]
  return port
}

describe('openTorrent', function () {
  beforeEach(() => {
    bench = new SwarmBench(folder)
  })
  afterEach(close)

  it('gives the torrent as the .torrent has it', async () => {
    const torrent = await bench.leech([])
    expect(torrent).to.include({ infoHash: bench.made.infoHash, name: 'folder', length: 150_006, isComplete: false })
    expect(torrent.files.map(({ path }) => path)).to.deep.equal(['folder/sub/a', 'folder/sub/b', 'folder/sub/c'])
  })

  it('refuses a given budget below two pieces, takes two, and raises its own for long pieces', async () => {
    const error = await rejection(bench.open({ maxMemory: 2 * 16_384 - 1 }))
    expect(error).to.have.property('code', 'ERR_BT_MEMORY')
    expect(error.message).to.contain('32768')
    expect((await bench.leech([], { maxMemory: 2 * 16_384 })).stats().maxMemory).to.equal(2 * 16_384)
    const pieceLength = 48 * 2 ** 20
    const long = new SwarmBench({ name: 'long', data: Buffer.alloc(pieceLength + 1), pieceLength })
    expect((await long.leech([])).stats().maxMemory).to.equal(2 * pieceLength)
    await long.close()
  })

  it('keeps only the files named by index or path, and refuses names that are not there', async () => {
    const [address] = await bench.seed()
    const dir = bench.folder('some')
    const torrent = await bench.leech([address], { dir, only: [0, 'folder/sub/c'] })
    await torrent.download()
    expect(readdirSync(join(dir, 'folder/sub'))).to.have.members(['a', 'c'])
    for (const name of ['a', 'c']) {
      const expected = bench.expected().find(([path]) => path.endsWith(name))?.[1]
      expect(bench.fileIn(dir, `folder/sub/${name}`).equals(expected ?? Buffer.alloc(0))).to.equal(true)
    }
    const { verified, wanted } = torrent.stats()
    expect(verified).to.equal(wanted)
    expect(wanted).to.be.below(torrent.length)
    for (const which of [3, -1, 'a', '']) {
      expect(await rejection(bench.open({ dir, only: [which] })), String(which)).to.have.property(
        'code',
        'ERR_BT_NO_FILE'
      )
    }
  })

  it('reads the files that it keeps, and refuses the others at once', async () => {
    const [address] = await bench.seed()
    const torrent = await bench.leech([address], { dir: bench.folder('some'), only: [1] })
    expect(await buffer(torrent.file(1).createReadStream())).to.have.lengthOf(50_002)
    expect(() => torrent.file(0).createReadStream())
      .to.throw()
      .with.property('code', 'ERR_BT_NO_FILE')
    expect(await rejection(Promise.resolve().then(() => torrent.file(0).writeTo(process.stdout)))).to.have.property(
      'code',
      'ERR_BT_NO_FILE'
    )
  })

  it('does nothing after a signal that came before', async () => {
    const dir = bench.folder('never')
    const signal = AbortSignal.abort(new Error('no'))
    const error = await rejection(bench.open({ dir, signal }))
    expect(error).to.have.property('code', 'ERR_BT_ABORTED')
    expect(error.cause).to.have.property('message', 'no')
    expect(existsSync(dir)).to.equal(false)
  })

  it('gives back what it took when the signal comes while it looks at the disk', async () => {
    const dir = bench.folder('got')
    const abort = new AbortController()
    const fileSystem = new FaultyFileSystem(({ name }) => {
      if (name === 'mkdirs') abort.abort()
    })
    const error = await rejection(bench.open({ dir, fileSystem, signal: abort.signal }))
    expect(error).to.have.property('code', 'ERR_BT_ABORTED')
    expect(fileSystem.openFiles).to.equal(0)
    expect(readdirSync(dir)).to.deep.equal([])
    await bench.leech([], { dir })
  })

  it('refuses a folder that another one works on', async () => {
    const dir = bench.folder('got')
    await bench.leech([], { dir })
    expect(await rejection(bench.open({ dir }))).to.have.property('code', 'ERR_BT_LOCKED')
  })

  noLeaks(this)
})

describe('download', function () {
  let dir: string
  beforeEach(() => {
    bench = new SwarmBench(single)
    dir = bench.folder('got')
  })
  afterEach(close)

  it('needs a folder that may be written to', async () => {
    const [address] = await bench.seed()
    const torrent = await bench.leech([address])
    expect(await rejection(torrent.download())).to.have.property('code', 'ERR_BT_OPTION')
    writeContent(dir, single)
    const reading = await bench.leech([address], { dir, readOnly: true })
    expect(await rejection(reading.download())).to.have.property('code', 'ERR_BT_OPTION')
  })

  it('is one download however often it is asked for', async () => {
    const [address] = await bench.seed()
    const torrent = await bench.leech([address], { dir })
    const told = eventsOf(torrent)
    expect(torrent.download()).to.equal(torrent.download())
    await torrent.download()
    expect(told.filter(([name]) => name === 'done')).to.have.lengthOf(1)
  })

  it('fetches nothing that is there', async () => {
    writeContent(dir, single)
    const torrent = await bench.leech([], { dir })
    await torrent.download()
    expect(torrent.isComplete).to.equal(true)
    expect(torrent.stats()).to.include({ downloaded: 0, verified: torrent.length })
    await torrent.close()
    expect(readdirSync(dir)).to.deep.equal(['single.bin'])
  })

  it('touches no file of others without `overwrite`, and replaces it with', async () => {
    const [address] = await bench.seed()
    mkdirSync(dir)
    writeFileSync(join(dir, 'single.bin'), 'mine')
    const refused = await bench.leech([address], { dir })
    expect(await rejection(refused.download())).to.have.property('code', 'ERR_BT_FILE_EXISTS')
    await refused.close()
    expect(readFileSync(join(dir, 'single.bin'), 'utf8')).to.equal('mine')
    expect(readdirSync(dir)).to.deep.equal(['single.bin'])
    const torrent = await bench.leech([address], { dir, overwrite: true })
    await torrent.download()
    expect(bench.fileIn(dir, 'single.bin').equals(bench.made.content)).to.equal(true)
  })

  it('fetches again what was damaged of its own file', async () => {
    const [address] = await bench.seed()
    const first = await bench.leech([address], { dir })
    const interrupted = first.download()
    interrupted.catch(() => undefined)
    await until(() => first.stats().verified > 10 * PIECE)
    await first.close()
    const path = join(dir, 'single.bin')
    const damaged = readFileSync(path)
    damaged.fill(0, 0, 5 * PIECE)
    writeFileSync(path, damaged)
    truncateSync(path, damaged.length - 5)
    const torrent = await bench.leech([address], { dir })
    await torrent.download()
    expect(bench.fileIn(dir, 'single.bin').equals(bench.made.content)).to.equal(true)
  })

  const changes: [what: string, change: (path: string) => void][] = [
    ['cuts to nothing', path => truncateSync(path, 0)],
    [
      'writes over',
      path => {
        writeFileSync(path, Buffer.alloc(readFileSync(path).length))
        utimesSync(path, 1, 1) // Not within the same tick of the clock as our own write.
      }
    ]
  ]
  for (const [what, change] of changes) {
    it(`notices what something else ${what} while it downloads, and fetches that again`, async () => {
      const [address] = await bench.seed()
      const torrent = await bench.leech([address], { dir })
      const warnings: string[] = []
      torrent.on('warning', warning => warnings.push(warning))
      let pieces = 0
      torrent.on('piece', () => {
        if (++pieces === 20) change(join(dir, 'single.bin'))
      })
      await torrent.download()
      expect(bench.fileIn(dir, 'single.bin').equals(bench.made.content)).to.equal(true)
      expect(warnings.join()).to.match(/something else changed files while they were written: \d+ pieces/)
      expect(pieces).to.be.greaterThan(41)
    })
  }

  it('keeps the pieces at the edges of the files that were chosen, and fetches nothing again when more are', async () => {
    await bench.close()
    bench = new SwarmBench(folder)
    dir = bench.folder('got')
    const [address] = await bench.seed()
    const only = await bench.leech([address], { dir, only: ['*/b'] })
    await only.download()
    await only.close()
    expect(readdirSync(join(dir, 'folder', 'sub'))).to.deep.equal(['b'])
    const all = await bench.leech([address], { dir })
    await all.download()
    const { downloaded, length } = all.stats()
    await all.close()
    expect(downloaded, 'b and its edges were here').to.be.lessThan(length - 50_002)
    for (const name of ['a', 'b', 'c'])
      expect(
        bench.fileIn(dir, `folder/sub/${name}`).equals(randomBytesSeeded(name, 50_001 + 'abc'.indexOf(name)))
      ).to.equal(true)
    expect(readdirSync(dir)).to.deep.equal(['folder'])
  })

  it('ends with the disk that fails: with it every stream and promise, each stream with what it had delivered', async () => {
    const seeder = await bench.fakeSeeder()
    const fileSystem = new FaultyFileSystem(failing('write', 'ENOSPC', 'single.bin', 3))
    const torrent = await bench.leech([seeder.address], { dir, fileSystem })
    const told = eventsOf(torrent)
    const readers = [0, 1, 2].map(() => torrent.file(0).createReadStream())
    const errors = await Promise.all([
      rejection(torrent.download()),
      ...readers.map(async reader => {
        let bytes = 0
        const error = await rejection(
          (async () => {
            for await (const chunk of reader as AsyncIterable<Buffer>) bytes += chunk.length
          })()
        )
        expect(error).to.have.property('bytesDelivered', bytes)
        return error
      })
    ])
    for (const error of errors) expect(error).to.have.property('code', 'ERR_BT_DISK_FULL')
    expect(new Set(errors).size).to.equal(errors.length)
    expect(told.filter(([name]) => name === 'failure')).to.have.lengthOf(1)
    expect(await rejection(torrent.ready())).to.have.property('code', 'ERR_BT_DISK_FULL')
    expect(await rejection(buffer(torrent.file(0).createReadStream()))).to.have.property('code', 'ERR_BT_DISK_FULL')
    expect(torrent.stats()).to.include({ readers: 0, peers: 0 })
    await torrent.close()
    expect(fileSystem.openFiles).to.equal(0)
  })

  it('ends when a piece verifies from nobody', async () => {
    const liars = await Promise.all(Array.from({ length: MAX_PIECE_FAILURES }, () => bench.fakeSeeder(() => 'corrupt')))
    const torrent = await bench.leech(
      liars.map(({ address }) => address),
      { dir }
    )
    const error = await rejection(buffer(torrent.file(0).createReadStream({ end: 9 })))
    expect(error).to.include({ code: 'ERR_BT_STALLED', bytesDelivered: 0 })
    expect(error.message).to.match(/piece \d+ failed its hash 20 times/)
  })

  noLeaks(this)
})

describe("a torrent's figures and events", function () {
  beforeEach(() => {
    bench = new SwarmBench(single)
  })
  afterEach(close)

  it('are true of a download to disk, and come in order', async () => {
    const [address, seeder] = await bench.seed()
    const torrent = await bench.open({ dir: bench.folder('got'), peers: [address] })
    const told = eventsOf(torrent)
    let memory = 0
    torrent.on('piece', () => {
      memory = Math.max(memory, torrent.stats().memory)
    })
    await torrent.download()
    const { length } = torrent
    expect(torrent.stats()).to.include({
      length,
      wanted: length,
      verified: length,
      downloaded: length,
      wasted: 0,
      delivered: 0,
      uploaded: 0,
      peers: 1,
      unchoked: 1,
      memory: 0,
      readers: 0,
      firstByteMs: undefined,
      waiting: undefined
    })
    expect(memory).to.be.within(PIECE, torrent.stats().maxMemory)
    expect(seeder.stats()).to.include({ uploaded: length, downloaded: 0, wasted: 0 })
    const [peer] = torrent.peers()
    expect(peer).to.include({
      address,
      isIncoming: false,
      isChoking: false,
      pieces: 41,
      downloaded: length,
      requests: 0
    })
    expect(peer?.peerId).to.match(/^[0-9a-f]{40}$/)
    await torrent.close()
    await torrent.close()
    const names = told.map(([name]) => name)
    expect([...new Set(names)]).to.deep.equal(['listening', 'peer', 'piece', 'done', 'peerGone', 'close'])
    expect(names.filter(name => name === 'close')).to.have.lengthOf(1)
    const pieces = told.flatMap(event => (event[0] === 'piece' ? [event[1]] : []))
    expect(pieces.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 41 }, (_, i) => i))
  })

  it('are true of a reader among liars', async () => {
    let blocks = 0
    const liar = await bench.fakeSeeder(() => (++blocks % 3 === 0 ? 'corrupt' : 'right'))
    const good = await bench.fakeSeeder()
    const torrent = await bench.leech([liar.address, good.address])
    await buffer(torrent.file(0).createReadStream())
    const stats = torrent.stats()
    expect(stats.delivered).to.equal(torrent.length)
    expect(stats.verified).to.equal(torrent.length)
    expect(stats.wasted).to.be.above(0)
    expect(stats.downloaded).to.equal(torrent.length + stats.wasted)
    expect(stats.firstByteMs).to.be.above(0)
    expect(stats.memory).to.be.at.most(stats.maxMemory)
  })

  it('tell of the check of what is there', async () => {
    const [, seeder] = await bench.seed()
    await seeder.close()
    const torrent = await bench.leech([], { dir: bench.folder('seed') })
    const told = eventsOf(torrent)
    await torrent.ready()
    const checks = told.flatMap(event => (event[0] === 'checking' ? [event.slice(1)] : []))
    expect(checks).to.deep.equal(Array.from({ length: 41 }, (_, i) => [i + 1, 41]))
    expect(torrent.isComplete).to.equal(true)
  })

  it('tell of dials that fail', async () => {
    const torrent = await bench.leech(['127.0.0.1:1'])
    const [address, error] = (await once(torrent, 'dialFailed')) as [string, Error]
    expect(address).to.equal('127.0.0.1:1')
    expect(error).to.be.instanceOf(Error)
  })

  noLeaks(this)
})

describe('the end of a torrent', function () {
  beforeEach(() => {
    bench = new SwarmBench(single)
  })
  afterEach(close)

  it('comes with its signal, for streams and promises that are under way', async () => {
    const seeder = await bench.fakeSeeder(({ piece }) => (piece < 3 ? 'right' : 'nothing'))
    const abort = new AbortController()
    const torrent = await bench.leech([seeder.address], { dir: bench.folder('got'), signal: abort.signal })
    const reader = torrent.file(0).createReadStream()
    const download = rejection(torrent.download())
    const reading = rejection(buffer(reader))
    await until(() => torrent.stats().delivered >= PIECE)
    abort.abort(new Error('enough'))
    for (const error of await Promise.all([download, reading])) {
      expect(error).to.have.property('code', 'ERR_BT_ABORTED')
      expect(error.cause).to.have.property('message', 'enough')
    }
    expect(await reading)
      .to.have.property('bytesDelivered')
      .that.is.at.least(PIECE)
    await torrent.close()
  })

  it('comes with close(), twice and at once, while it is being checked', async () => {
    const dir = bench.folder('got')
    writeContent(dir, single)
    const torrent = await bench.open({ dir })
    const told = eventsOf(torrent)
    const ready = rejection(torrent.ready())
    await once(torrent, 'checking')
    await Promise.all([torrent.close(), torrent.close()])
    expect(await ready).to.have.property('code', 'ERR_BT_ABORTED')
    expect(told.map(([name]) => name)).to.not.include('listening')
    expect(told.at(-1)).to.deep.equal(['close'])
    expect(await rejection(buffer(torrent.file(0).createReadStream()))).to.have.property('code', 'ERR_BT_ABORTED')
    expect(readdirSync(dir)).to.deep.equal(['single.bin'])
  })

  it('comes with the block of `await using`', async () => {
    const [address] = await bench.seed()
    let closed = false
    {
      await using torrent = await bench.leech([address])
      torrent.once('close', () => {
        closed = true
      })
      expect(await buffer(torrent.file(0).createReadStream({ end: 99 }))).to.have.lengthOf(100)
    }
    expect(closed).to.equal(true)
  })

  it('lets the process end by itself, after close() as after a signal', async () => {
    const [address] = await bench.seed()
    const path = bench.folder('x.torrent')
    writeFileSync(path, bench.made.torrent)
    for (const [i, end] of ['await torrent.close()', 'abort.abort()'].entries()) {
      const dir = JSON.stringify(bench.folder(`got-${i}`))
      const script = `
        import { openTorrent } from ${JSON.stringify(`file://${projectRoot}dist/lib/index.js`)}
        const abort = new AbortController()
        const peers = ['${address}']
        const options = { dir: ${dir}, peers, port: 0, host: '127.0.0.1', trackers: false, signal: abort.signal }
        const torrent = await openTorrent(${JSON.stringify(path)}, options)
        await torrent.download()
        ${end}
        console.log('ended')`
      expect(await run(script)).to.deep.equal({ exitCode: 0, stdout: 'ended\n', stderr: '' })
    }
  })

  noLeaks(this)
})

describe('what others get of us', function () {
  beforeEach(() => {
    bench = new SwarmBench(single)
  })
  afterEach(close)

  /** A peer that has nothing and knows only us. */
  async function meet(port: number): Promise<FakePeer> {
    const peer = await FakePeer.dial(port)
    peer.sendHandshake(Buffer.from(bench.made.infoHash, 'hex'))
    await peer.expectHandshake()
    return peer
  }

  it('on disk: the pieces we have, in the bitfield and by HAVE, byte for byte', async () => {
    const seeder = await bench.fakeSeeder(({ piece }) => (piece < 5 ? 'right' : 'nothing'))
    const torrent = await bench.open({ dir: bench.folder('got'), peers: [seeder.address] })
    const download = torrent.download()
    download.catch(() => undefined)
    const port = await portOf(torrent)
    await until(() => torrent.stats().verified >= PIECE)
    const leech = await bench.leech([`127.0.0.1:${port}`])
    const bytes = await buffer(leech.file(0).createReadStream({ end: 5 * PIECE - 1 }))
    expect(bytes.equals(bench.made.content.subarray(0, 5 * PIECE))).to.equal(true)
    const peer = await meet(port)
    const { payload } = await peer.expect(ID.bitfield)
    expect([...payload]).to.deep.equal([0xf8, 0, 0, 0, 0, 0])
    peer.hangUp()
  })

  it('on disk: HAVE for each piece that comes later', async () => {
    const seeder = await bench.fakeSeeder()
    const torrent = await bench.open({ dir: bench.folder('got'), peers: [seeder.address] })
    const peer = await meet(await portOf(torrent))
    await torrent.download()
    const told = new Set<number>()
    while (told.size < 41) told.add((await peer.expect(ID.have)).payload.readUInt32BE(0))
    peer.sendMessage(ID.interested)
    await peer.expect(ID.unchoke)
    peer.sendMessage(ID.request, 7, 16_384, 16_384)
    const block = await peer.expect(ID.block)
    const at = 7 * PIECE + 16_384
    expect(block.payload.subarray(8).equals(bench.made.content.subarray(at, at + 16_384))).to.equal(true)
    expect(torrent.stats().uploaded).to.equal(16_384)
    peer.hangUp()
  })

  it('in memory: nothing is announced, for it may be gone soon', async () => {
    const seeder = await bench.fakeSeeder()
    const torrent = await bench.open({ peers: [seeder.address] })
    const port = await portOf(torrent)
    const early = await meet(port)
    await buffer(torrent.file(0).createReadStream())
    const late = await meet(port)
    late.sendBitfield(allBits(41))
    await until(() => torrent.peers().length === 3)
    await new Promise(resolve => setTimeout(resolve, 50))
    for (const peer of [early, late]) {
      const said = peer.heard.filter(({ id }) => id === ID.have || id === ID.bitfield)
      expect(said.filter(({ id, payload }) => id === ID.have || payload.some(byte => byte !== 0))).to.deep.equal([])
      peer.hangUp()
    }
  })

  it('read-only: everything that verifies, and not a byte is written', async () => {
    const dir = bench.folder('given')
    writeContent(dir, single)
    const path = join(dir, 'single.bin')
    const damaged = readFileSync(path)
    damaged[3 * PIECE] = (damaged[3 * PIECE] ?? 0) ^ 1
    writeFileSync(path, damaged)
    const torrent = await bench.open({ dir, readOnly: true })
    const peer = await meet(await portOf(torrent))
    const { payload } = await peer.expect(ID.bitfield)
    expect(payload[0]).to.equal(0xef)
    expect(torrent.isComplete).to.equal(false)
    expect(readdirSync(dir)).to.deep.equal(['single.bin'])
    expect(readFileSync(path).equals(damaged)).to.equal(true)
    peer.hangUp()
  })

  noLeaks(this)
})

describe('openTorrent of nothing at all', () => {
  it('rejects with a coded error', async () => {
    expect(await rejection(openTorrent(Buffer.alloc(0)))).to.have.property('code', 'ERR_BT_BENCODE')
  })
})
