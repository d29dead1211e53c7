import { expect } from 'chai'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { KEEP_ALIVE_MS, MAX_UPLOAD_BUFFERED } from '../../lib/limits.js'
import type { Torrent } from '../../lib/torrent.js'
import { allBits, ID, type FakePeer } from '../support/fake-peer.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { noLeaks } from '../support/no-leaks.js'
import { PeerBench, until } from '../support/peer-bench.js'
import { SlowStorage } from '../support/slow-storage.js'
import { SwarmBench } from '../support/swarm-bench.js'

const MIB = 2 ** 20
const PIECE = 65_536

/** Resolves to the bytes downloaded when they have stood still for 300 ms. */
async function plateau(torrent: Torrent): Promise<number> {
  for (let last = -1; ;) {
    const now = torrent.stats().downloaded
    if (now === last) return now
    last = now
    await new Promise(resolve => setTimeout(resolve, 300))
  }
}

describe('a reader that does not read', function () {
  const BUDGET = 4 * MIB
  const READ_AHEAD = BUDGET / 2
  let bench: SwarmBench
  beforeEach(() => {
    bench = new SwarmBench({ name: 'long', data: randomBytesSeeded('long', 24 * MIB), pieceLength: PIECE })
  })
  afterEach(() => bench.close())

  it('stops the network, costs no more than its window, and then gets everything right', async () => {
    const [address, seeder] = await bench.seed()
    const torrent = await bench.leech([address], { maxMemory: BUDGET })
    const reader = torrent.file(0).createReadStream()
    reader.read(0)
    const received = await plateau(torrent)
    expect(received).to.be.within(READ_AHEAD / 2, READ_AHEAD + 2 * PIECE)
    // The seeder sent no more than that either: nothing lies in sockets on the way.
    expect(seeder.stats().uploaded).to.equal(received)
    expect(torrent.stats())
      .to.include({ peers: 1, waiting: undefined })
      .and.to.have.property('memory')
      .that.is.at.most(BUDGET)
    expect(torrent.peers()[0]).to.include({ requests: 0 })
    const bytes = await buffer(reader)
    expect(bytes.equals(bench.made.content)).to.equal(true)
  })

  it('and then reads slowly takes from the network as much as it reads, plus its window', async () => {
    const [address, seeder] = await bench.seed()
    const torrent = await bench.leech([address], { maxMemory: BUDGET })
    let taken = 0
    let most = 0
    let memory = 0
    const sink = new Writable({
      highWaterMark: 65_536,
      write: (chunk: Buffer, _encoding, callback) => {
        taken += chunk.length
        most = Math.max(most, seeder.stats().uploaded - taken)
        memory = Math.max(memory, torrent.stats().memory)
        setImmediate(callback)
      }
    })
    await pipeline(torrent.file(0).createReadStream(), sink)
    expect(taken).to.equal(24 * MIB)
    expect(most).to.be.at.most(READ_AHEAD + MIB)
    expect(memory).to.be.at.most(BUDGET + PIECE)
  })

  it('does not stop another one that does', async () => {
    const [address] = await bench.seed()
    const torrent = await bench.leech([address], { maxMemory: BUDGET })
    const lazy = torrent.file(0).createReadStream()
    lazy.read(0)
    await plateau(torrent)
    expect((await buffer(torrent.file(0).createReadStream({ start: 10 * MIB }))).length).to.equal(14 * MIB)
    expect((await buffer(lazy)).equals(bench.made.content)).to.equal(true)
  })

  it('that is destroyed gives its memory to the next', async () => {
    const [address] = await bench.seed()
    const torrent = await bench.leech([address], { maxMemory: BUDGET })
    for (const start of [0, 5, 10, 15, 20]) {
      const reader = torrent.file(0).createReadStream({ start: start * MIB })
      for await (const chunk of reader) {
        expect(
          (chunk as Buffer).equals(bench.made.content.subarray(start * MIB, start * MIB + (chunk as Buffer).length))
        ).to.equal(true)
        break
      }
    }
    expect(torrent.stats().readers).to.equal(0)
    expect(torrent.stats().memory).to.be.at.most(BUDGET)
  })

  noLeaks(this)
})

describe('a peer that never reads', function () {
  let bench: SwarmBench
  beforeEach(() => {
    bench = new SwarmBench({ name: 'long', data: randomBytesSeeded('long', 24 * MIB), pieceLength: PIECE })
  })
  afterEach(() => bench.close())

  it('is one that a seeder serves no further than its mark', async () => {
    const [address, seeder] = await bench.seed()
    const { FakePeer } = await import('../support/fake-peer.js')
    const peer = await FakePeer.dial(Number(address.split(':')[1]))
    peer.sendHandshake(Buffer.from(bench.made.infoHash, 'hex'))
    await peer.expect(ID.bitfield)
    peer.sendMessage(ID.interested)
    await peer.expect(ID.unchoke)
    peer.stall()
    for (let i = 0; i < 1500; i++) peer.sendMessage(ID.request, i % 384, 0, 16_384)
    await until(() => seeder.stats().uploaded > 0)
    await new Promise(resolve => setTimeout(resolve, 200))
    // What the kernel holds of it, both sides, is not ours to bound: some MiB on loopback.
    expect(seeder.stats().uploaded)
      .to.be.at.most(MAX_UPLOAD_BUFFERED + 12 * MIB)
      .and.to.be.below(1500 * 16_384)
    peer.hangUp()
  })

  noLeaks(this)
})

describe('slow storage', function () {
  const PIECES = 40
  let bench: PeerBench
  let storage: SlowStorage

  beforeEach(async () => {
    storage = new SlowStorage()
    bench = await PeerBench.open({ pieceLength: MIB, length: PIECES * MIB, maxMemory: PIECES * MIB, storage })
    bench.engine.want(Array.from({ length: PIECES }, (_, i) => i))
  })
  afterEach(() => bench.close())

  /** A seeder that answers until it hangs up. */
  async function seeder(): Promise<FakePeer> {
    const [peer] = await bench.handshaken()
    peer.sendBitfield(allBits(PIECES))
    peer.sendMessage(ID.unchoke)
    void (async () => {
      for (;;) {
        const request = await peer.expectRequest()
        peer.sendBlock(request, bench.bytesOf(request))
      }
    })().catch(() => undefined)
    return peer
  }

  it('holds the peer, blames nobody, and goes on as if nothing had been', async () => {
    await seeder()
    const connection = await until(() => bench.connections[0])
    await until(() => connection.isHeld)
    const held = connection.bytesReceived
    const { received, wasted } = bench.engine.scheduler.requests
    expect(bench.engine.isDiskSlow).to.equal(true)
    for (let minute = 0; minute < 10; minute++) {
      await bench.clock.advance(60_000)
      connection.tick(bench.clock.now())
    }
    expect(connection.destroyed).to.equal(false)
    expect(connection.supplier?.pipeline.isSnubbed).to.equal(false)
    expect(bench.engine.scheduler.requests.received).to.equal(received)
    // The socket reads no further than its own buffer.
    expect(connection.bytesReceived - held).to.be.at.most(256 * 1024)
    expect(bench.engine.pool.usedBytes).to.be.at.most(PIECES * MIB)
    storage.hurry()
    await until(() => bench.engine.have.isComplete)
    expect(connection.isHeld).to.equal(false)
    expect(bench.engine.scheduler.requests.wasted).to.equal(wasted)
    expect(bench.engine.pool.usedBytes).to.equal(0)
    expect(bench.failures).to.deep.equal([])
  })

  it('a held peer that died is found by our keep-alives, and what it owed is asked of others', async () => {
    const dying = await seeder()
    const connection = await until(() => bench.connections[0])
    await until(() => connection.isHeld)
    dying.reset()
    await dying.closed()
    // Somebody else must be there in the end: for what the dead one was asked for and for the rest.
    for (let i = 0; i < 10 && bench.ends.length === 0; i++) {
      await bench.clock.advance(KEEP_ALIVE_MS / 2)
      connection.tick(bench.clock.now())
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    expect(bench.ends).to.have.length(1)
    expect(bench.engine.scheduler.suppliers.size).to.equal(0)
    expect([...bench.engine.scheduler.pieces.all()].every(piece => piece.unrequested === piece.missing)).to.equal(true)
    storage.hurry()
    await seeder()
    await until(() => bench.engine.have.isComplete)
    expect(bench.engine.pool.usedBytes).to.equal(0)
  })

  it('that fails ends the torrent, and no peer stays held', async () => {
    await seeder()
    const connection = await until(() => bench.connections[0])
    await until(() => connection.isHeld)
    const failure = new Error('the disk is gone')
    ;(await storage.nextWrite()).fail(failure)
    await until(() => bench.failures.length > 0)
    expect(bench.failures).to.deep.equal([failure])
    await until(() => !connection.isHeld)
  })

  noLeaks(this)
})
