import { expect } from 'chai'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { Bitfield } from '../lib/pieces/bitfield.js'
import { Geometry } from '../lib/pieces/geometry.js'
import type { Torrent } from '../lib/torrent.js'
import { bytesOf, piecesOf } from '../lib/torrent-view.js'
import { allBits, FakePeer, ID } from './support/fake-peer.js'
import { randomBytesSeeded } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { until } from './support/peer-bench.js'
import { rejection } from './support/rejection.js'
import { SwarmBench } from './support/swarm-bench.js'
import { VirtualClock } from './support/virtual-clock.js'
import { FaultyFileSystem } from './storage/faulty-file-system.js'

const PIECE = 32_768
const PIECES = 80
const MIN = 60_000

describe('piecesOf and bytesOf', () => {
  const geometry = new Geometry(2 * PIECE + 5, PIECE)
  const file = (offset: number, length: number) => ({ path: 'x', offset, length, padding: false, executable: false })
  const has = (...indexes: number[]) => {
    const pieces = new Bitfield(3)
    for (const index of indexes) pieces.set(index)
    return pieces
  }

  it('name every piece that holds a byte of the file', () => {
    expect([...piecesOf(file(0, 1), geometry)]).to.deep.equal([0])
    expect([...piecesOf(file(PIECE - 1, 1), geometry)]).to.deep.equal([0])
    expect([...piecesOf(file(PIECE - 1, 2), geometry)]).to.deep.equal([0, 1])
    expect([...piecesOf(file(PIECE, PIECE + 5), geometry)]).to.deep.equal([1, 2])
    expect([...piecesOf(file(PIECE, 0), geometry)]).to.deep.equal([])
    expect([...piecesOf(undefined, geometry)]).to.deep.equal([])
  })

  it('count the short last piece as what it is', () => {
    expect(bytesOf(has(), geometry)).to.equal(0)
    expect(bytesOf(has(0, 1), geometry)).to.equal(2 * PIECE)
    expect(bytesOf(has(2), geometry)).to.equal(5)
    expect(bytesOf(has(0, 1, 2), geometry)).to.equal(2 * PIECE + 5)
    expect(bytesOf(has(0, 2), geometry, has(1, 2))).to.equal(5)
  })
})

describe('a torrent that waits', function () {
  let bench: SwarmBench
  let clock: VirtualClock
  let reasons: string[]
  beforeEach(() => {
    bench = new SwarmBench({ name: 'x', data: randomBytesSeeded('x', PIECES * PIECE), pieceLength: PIECE })
    clock = new VirtualClock()
    reasons = []
  })
  afterEach(async () => {
    await bench.close()
    expect(clock.pendingTimers).to.equal(0)
  })

  async function open(options: Parameters<SwarmBench['open']>[0] = {}): Promise<Torrent> {
    const torrent = await bench.open({ clock, random: () => 0, ...options })
    torrent.on('waiting', reason => reasons.push(reason))
    return torrent
  }

  /** A peer that came to us, has these pieces, and says no more. */
  async function visitor(torrent: Torrent, pieces: Buffer, isChoking = false): Promise<FakePeer> {
    const [port] = (await once(torrent, 'listening')) as [number]
    const peer = await FakePeer.dial(port)
    const met = once(torrent, 'peer')
    peer.sendHandshake(Buffer.from(bench.made.infoHash, 'hex'))
    await met
    peer.sendBitfield(pieces)
    if (!isChoking) peer.sendMessage(ID.unchoke)
    await until(() => torrent.peers()[0]?.pieces === [...pieces].reduce((sum, byte) => sum + ones(byte), 0))
    await until(() => torrent.peers()[0]?.isChoking === isChoking)
    return peer
  }
  const ones = (byte: number): number => byte.toString(2).replaceAll('0', '').length

  /** Reads in the background; what it ends with does not matter. */
  const read = (torrent: Torrent): void => void buffer(torrent.file(0).createReadStream()).catch(() => undefined)

  /** Time passes a second at a time, and the network has a moment in each. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      await clock.advance(1000)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  it('says nothing while nobody wants anything', async () => {
    const torrent = await open({ discovery: false, peerTimeoutMs: MIN, stallTimeoutMs: MIN })
    await pass(5 * MIN)
    expect(reasons).to.deep.equal([])
    await torrent.ready()
  })

  it('says that no peer was found, and gives up after the peer timeout', async () => {
    const torrent = await open({ discovery: false, peerTimeoutMs: MIN })
    const reading = rejection(buffer(torrent.file(0).createReadStream()))
    await pass(14_000)
    expect(reasons).to.deep.equal([])
    await pass(2000)
    expect(reasons).to.deep.equal(['no peer found'])
    expect(torrent.stats().waiting).to.equal('no peer found')
    await pass(43_000)
    await torrent.ready()
    await pass(3000)
    expect(await reading).to.include({ code: 'ERR_BT_NO_PEERS', bytesDelivered: 0 })
  })

  it('says that addresses are known but nobody connects', async () => {
    const torrent = await open({ discovery: false, peers: ['127.0.0.1:1'] })
    read(torrent)
    await once(torrent, 'dialFailed')
    await pass(16_000)
    expect(reasons[0]).to.match(/^no peer connected; (1 address known|dialling 1)$/)
  })

  it('says that the peers choke us, and gives up after the stall timeout', async () => {
    const torrent = await open({ stallTimeoutMs: 2 * MIN })
    const peer = await visitor(torrent, allBits(PIECES), true)
    const reading = rejection(buffer(torrent.file(0).createReadStream()))
    await pass(16_000)
    expect(reasons).to.deep.equal(['the only peer chokes us'])
    await pass(103_000)
    await torrent.ready()
    await pass(3000)
    const error = await reading
    expect(error).to.include({ code: 'ERR_BT_STALLED', bytesDelivered: 0 })
    expect(error.message).to.contain('the only peer chokes us')
    peer.hangUp()
  })

  it('says which piece nobody has', async () => {
    const torrent = await open()
    const pieces = allBits(PIECES)
    pieces[0] = 0x7f
    const peer = await visitor(torrent, pieces)
    read(torrent)
    await pass(16_000)
    expect(reasons).to.deep.equal(['no peer has piece 0 (1 peer connected)'])
    peer.hangUp()
  })

  it('says which peer it waits for', async () => {
    const torrent = await open()
    const peer = await visitor(torrent, allBits(PIECES))
    read(torrent)
    await peer.expectRequest()
    await pass(16_000)
    const { address } = torrent.peers()[0] ?? {}
    expect(reasons).to.deep.equal([`piece 0 is asked of ${address}`])
    peer.hangUp()
  })

  it('says that the reader is slow, and gives up on nobody for it', async () => {
    const seeder = await bench.fakeSeeder()
    const limits = { peerTimeoutMs: MIN, stallTimeoutMs: MIN, maxMemory: 16 * PIECE }
    const torrent = await open({ discovery: false, peers: [seeder.address], ...limits })
    const reader = torrent.file(0).createReadStream()
    reader.read(0)
    await until(() => torrent.stats().verified >= 7 * PIECE)
    await pass(16_000)
    expect(reasons).to.deep.equal(['reader is slow'])
    await pass(10 * MIN)
    expect(reasons).to.deep.equal(['reader is slow'])
    const ticking = setInterval(() => void clock.advance(100), 1)
    expect((await buffer(reader)).equals(bench.made.content)).to.equal(true)
    clearInterval(ticking)
    await pass(1000)
    expect(torrent.stats().waiting).to.equal(undefined)
  })

  it('gives up on nobody for a reader that has not begun, even without a peer', async () => {
    const torrent = await open({ discovery: false, peerTimeoutMs: MIN, stallTimeoutMs: MIN })
    const reader = torrent.file(0).createReadStream()
    await pass(5 * MIN)
    await torrent.ready()
    reader.destroy()
  })

  it('says that the disk is slow, and gives up on nobody for it', async () => {
    let letGo: () => void = () => undefined
    const gate = new Promise<void>(resolve => {
      letGo = resolve
    })
    const fileSystem = new FaultyFileSystem(async ({ name, path }) => {
      if (name === 'write' && path.endsWith('/x')) await gate
    })
    const seeder = await bench.fakeSeeder()
    const limits = { peerTimeoutMs: MIN, stallTimeoutMs: MIN }
    const dir = bench.folder('got')
    const torrent = await open({ discovery: false, peers: [seeder.address], dir, fileSystem, ...limits })
    const download = torrent.download()
    await until(() => fileSystem.count('write', '/x') > 0)
    await pass(16_000)
    expect(reasons).to.deep.equal(['disk is slow'])
    await pass(10 * MIN)
    expect(torrent.stats().wasted).to.equal(0)
    letGo()
    const ticking = setInterval(() => void clock.advance(100), 1)
    await download
    clearInterval(ticking)
    await pass(1000)
    expect(torrent.stats()).to.include({ downloaded: PIECES * PIECE, wasted: 0, waiting: undefined })
  })

  noLeaks(this)
})
