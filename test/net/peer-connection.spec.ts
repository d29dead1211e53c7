import { expect } from 'chai'
import type { BtError } from '../../lib/errors.js'
import * as limits from '../../lib/limits.js'
import { ReadWindow } from '../../lib/pieces/read-window.js'
import { ID, spanOf, type FakePeer } from '../support/fake-peer.js'
import { noLeaks } from '../support/no-leaks.js'
import { OUR_ID, PeerBench, until } from '../support/peer-bench.js'

/** Messages in vain that are borne in a short time. */
const MAX_VAIN = limits.MAX_IDLE_MESSAGES / limits.VAIN_WEIGHT
const ALL = Buffer.of(0xff, 0xc0)

describe('PeerConnection', function () {
  let bench: PeerBench
  beforeEach(async () => {
    bench = await PeerBench.open({ announced: 'all' })
  })
  afterEach(() => bench.close())

  /** Code of the fault that ended the first connection. */
  const end = async (peer: FakePeer): Promise<string | undefined> => {
    await peer.closed()
    await until(() => bench.ends.length > 0)
    return (bench.ends[0] as BtError | undefined)?.code
  }

  describe('handshake', () => {
    it('we dial: ours goes first, then the peer is open', async () => {
      const [peer, connection] = await bench.connect()
      const ours = await peer.expectHandshake()
      expect(ours.subarray(28, 48)).to.deep.equal(bench.infoHash)
      expect(ours.subarray(48)).to.deep.equal(OUR_ID)
      peer.sendHandshake(bench.infoHash)
      expect((await peer.expect(ID.bitfield)).payload).to.deep.equal(ALL)
      expect(connection.peerId).to.deep.equal(peer.peerId)
      expect(bench.connections).to.deep.equal([connection])
    })

    it('they dial: we answer as soon as 48 bytes name our torrent', async () => {
      const [peer] = await bench.connect(true)
      peer.send(Buffer.concat([Buffer.from('\x13BitTorrent protocol\0\0\0\0\0\0\0\0', 'latin1'), bench.infoHash]))
      expect((await peer.expectHandshake()).subarray(28, 48)).to.deep.equal(bench.infoHash)
      expect(bench.connections).to.deep.equal([])
      peer.send(Buffer.alloc(20, 1))
      await peer.expect(ID.bitfield)
    })

    it('an unknown torrent ends it without an answer', async () => {
      const [peer] = await bench.connect(true)
      peer.sendHandshake(Buffer.alloc(20, 7))
      expect(await end(peer)).to.equal('ERR_BT_HANDSHAKE')
      expect(peer.socket.bytesRead).to.equal(0)
    })

    it('another protocol ends it at once', async () => {
      const [peer] = await bench.connect(true)
      peer.send(Buffer.from('GET / HTTP/1.1\r\n'))
      expect(await end(peer)).to.equal('ERR_BT_HANDSHAKE')
    })

    it('ourselves end it, and are known to be us', async () => {
      const [peer, connection] = await bench.connect()
      peer.sendHandshake(bench.infoHash, OUR_ID)
      expect(await end(peer)).to.equal('ERR_BT_HANDSHAKE')
      expect(connection.isOurselves).to.equal(true)
      expect(bench.connections).to.deep.equal([])
    })

    for (const isIncoming of [true, false]) {
      it(`has ${limits.HANDSHAKE_MS} ms in all, however it drips (${isIncoming ? 'incoming' : 'outgoing'})`, async () => {
        const [peer] = await bench.connect(isIncoming)
        const drip = Buffer.from('\x13BitTorrent protocol', 'latin1')
        for (let i = 0; i < 9; i++) {
          peer.send(drip.subarray(i, i + 1))
          await bench.clock.advance(limits.HANDSHAKE_MS / 10)
        }
        await bench.clock.advance(limits.HANDSHAKE_MS / 10 - 1)
        expect(bench.ends).to.deep.equal([])
        await bench.clock.advance(1)
        expect(await end(peer)).to.equal('ERR_BT_HANDSHAKE')
      })
    }

    it('done in time leaves no timer', async () => {
      await bench.handshaken()
      await bench.clock.advance(2 * limits.HANDSHAKE_MS)
      expect(bench.ends).to.deep.equal([])
    })
  })

  describe('faults of the peer', () => {
    const faults: [what: string, code: string, act: (peer: FakePeer) => void][] = [
      ['a message over the cap', 'ERR_BT_MESSAGE_LENGTH', peer => peer.sendOversized()],
      ['a message of 4 GiB', 'ERR_BT_MESSAGE_LENGTH', peer => peer.sendOversized(0xffffffff)],
      ['a bitfield too long', 'ERR_BT_MESSAGE_LENGTH', peer => peer.sendBitfield(Buffer.alloc(3))],
      ['a bitfield too short', 'ERR_BT_MESSAGE_LENGTH', peer => peer.sendBitfield(Buffer.alloc(1))],
      ['a bitfield with spare bits', 'ERR_BT_MESSAGE_CONTENT', peer => peer.sendBitfield(Buffer.of(0xff, 0xe0))],
      ['have of piece 10 of 10', 'ERR_BT_MESSAGE_CONTENT', peer => peer.sendMessage(ID.have, 10)],
      ['have of piece 2^32-1', 'ERR_BT_MESSAGE_CONTENT', peer => peer.sendMessage(ID.have, 0xffffffff)],
      ['a request of piece 10 of 10', 'ERR_BT_MESSAGE_CONTENT', peer => peer.sendMessage(ID.request, 10, 0, 16_384)],
      ['a request of nothing', 'ERR_BT_MESSAGE_CONTENT', peer => peer.sendMessage(ID.request, 0, 0, 0)],
      ['a request across the end', 'ERR_BT_MESSAGE_CONTENT', peer => peer.sendMessage(ID.request, 0, 16_385, 16_384)],
      ['a request that overflows', 'ERR_BT_MESSAGE_CONTENT', peer => peer.sendMessage(ID.request, 0, 0xffffffff, 2)]
    ]
    for (const [what, code, act] of faults) {
      it(`${what} ends it (${code})`, async () => {
        const [peer] = await bench.handshaken()
        act(peer)
        expect(await end(peer)).to.equal(code)
      })
    }

    it('a later bitfield adds what is new', async () => {
      const [peer, connection] = await bench.handshaken()
      peer.sendBitfield(Buffer.of(0x20, 0))
      peer.sendMessage(ID.have, 3)
      peer.sendBitfield(Buffer.of(0x38, 0))
      await until(() => connection.supplier?.pieces.count === 3)
      for (const index of [2, 3, 4]) expect(bench.engine.scheduler.rarity.availability(index), `${index}`).to.equal(1)
    })

    it('bitfields without end end it (ERR_BT_FLOOD)', async () => {
      const [peer] = await bench.handshaken()
      for (let i = 0; i < 200; i++) peer.sendBitfield(ALL)
      expect(await end(peer)).to.equal('ERR_BT_FLOOD')
    })

    it('have, again and again, is nothing', async () => {
      const [peer, connection] = await bench.handshaken()
      for (let i = 0; i < 500; i++) peer.sendMessage(ID.have, 3)
      peer.sendMessage(ID.have, 9)
      await until(() => connection.supplier?.pieces.has(9))
      expect(connection.supplier?.pieces.count).to.equal(2)
      expect(bench.engine.scheduler.rarity.availability(3)).to.equal(1)
    })

    it('unknown messages are skipped, whatever they hold', async () => {
      const [peer, connection] = await bench.handshaken()
      for (const id of [10, 13, 20, 99, 255]) peer.sendMessage(id, Buffer.alloc(50_000, id))
      peer.sendMessage(9, Buffer.of(0x1a, 0xe1))
      peer.sendMessage(ID.have, 9)
      await until(() => connection.supplier?.pieces.has(9))
    })

    const floods: [what: string, act: (peer: FakePeer, i: number) => void][] = [
      ['unknown messages', peer => peer.sendMessage(77)],
      ['chokes and unchokes', (peer, i) => peer.sendMessage(i % 2 === 0 ? ID.choke : ID.unchoke)],
      ['interest to and fro', (peer, i) => peer.sendMessage(i % 2 === 0 ? ID.interested : ID.notInterested)],
      ['interest that is known', peer => peer.sendMessage(ID.interested)],
      ['unchokes that are known', peer => peer.sendMessage(ID.unchoke)]
    ]
    for (const [what, act] of floods) {
      it(`a flood of ${what} ends it; the same slowly does not`, async () => {
        const [slow, connection] = await bench.handshaken()
        for (let i = 0; i < 300; i++) {
          act(slow, i)
          if (i % 50 === 49) {
            slow.sendMessage(ID.have, Math.floor(i / 50))
            await until(() => connection.supplier?.pieces.has(Math.floor(i / 50)))
            await bench.clock.advance(limits.IDLE_MESSAGES_MS + 1)
          }
        }
        expect(bench.ends).to.deep.equal([])
        const [peer] = await bench.handshaken()
        for (let i = 0; i < 2 * limits.MAX_IDLE_MESSAGES + 2; i++) act(peer, i)
        expect(await end(peer)).to.equal('ERR_BT_FLOOD')
      })
    }

    const inVain: [what: string, act: (peer: FakePeer) => void][] = [
      ['HAVEs of a piece that is known', peer => peer.sendMessage(ID.have, 3)],
      ['requests for a piece we have not', peer => peer.sendMessage(ID.request, 3, 0, 16_384)],
      ['cancels of what was never asked for', peer => peer.sendMessage(ID.cancel, 3, 0, 16_384)]
    ]
    for (const [what, act] of inVain) {
      it(`a flood of ${what} ends it; ${MAX_VAIN / 2} do not`, async () => {
        const third = bench.engine.geometry.pieceIndex(3)
        if (third !== undefined) bench.torrent.have.clear(third)
        const [few, connection] = await bench.handshaken()
        connection.setChoking(false)
        for (let i = 0; i < MAX_VAIN / 2; i++) act(few)
        few.sendMessage(ID.have, 9)
        await until(() => connection.supplier?.pieces.has(9))
        const [peer, flooded] = await bench.handshaken()
        flooded.setChoking(false)
        for (let i = 0; i < MAX_VAIN + 10; i++) act(peer)
        expect(await end(peer)).to.equal('ERR_BT_FLOOD')
      })
    }

    it('as many cancels as requests are honest', async () => {
      const [peer, connection] = await bench.handshaken()
      connection.setChoking(false)
      for (let i = 0; i < 3 * MAX_VAIN; i++) {
        peer.sendMessage(ID.request, 0, 0, 16)
        peer.sendMessage(ID.cancel, 0, 0, 16)
      }
      peer.sendMessage(ID.have, 9)
      await until(() => connection.supplier?.pieces.has(9))
      expect(bench.ends).to.deep.equal([])
    })

    it('a flood of keep-alives ends it at the next tick', async () => {
      const [peer, connection] = await bench.handshaken()
      peer.keepAlive(16_384)
      peer.sendMessage(ID.have, 1)
      await until(() => connection.supplier?.pieces.has(1))
      connection.tick(bench.clock.now())
      expect(await end(peer)).to.equal('ERR_BT_FLOOD')
    })
  })

  describe('silence', () => {
    it(`of ${limits.PEER_SILENT_MS} ms ends it`, async () => {
      const [peer, connection] = await bench.handshaken()
      await bench.clock.advance(limits.PEER_SILENT_MS)
      connection.tick(bench.clock.now())
      expect(connection.destroyed).to.equal(false)
      await bench.clock.advance(1)
      connection.tick(bench.clock.now())
      expect(await end(peer)).to.equal('ERR_BT_PEER_SILENT')
    })

    it('is broken by a keep-alive', async () => {
      const [peer, connection] = await bench.handshaken()
      for (let i = 0; i < 4; i++) {
        await bench.clock.advance(limits.PEER_SILENT_MS / 2)
        const before = connection.bytesReceived
        peer.keepAlive()
        await until(() => connection.bytesReceived > before)
        connection.tick(bench.clock.now())
        await bench.clock.advance(limits.PEER_SILENT_MS / 2 - 1)
        connection.tick(bench.clock.now())
      }
      expect(connection.destroyed).to.equal(false)
    })

    it('of ours is broken by a keep-alive after a minute', async () => {
      const [peer, connection] = await bench.handshaken()
      await peer.expect(ID.bitfield)
      await bench.clock.advance(limits.KEEP_ALIVE_MS - 1)
      connection.tick(bench.clock.now())
      await bench.clock.advance(1)
      expect(peer.heard).to.deep.equal([])
      connection.tick(bench.clock.now())
      await peer.expect(ID.keepAlive)
    })
  })

  describe('serving', () => {
    const open = async (): Promise<Awaited<ReturnType<PeerBench['handshaken']>>> => {
      const [peer, connection] = await bench.handshaken()
      peer.sendMessage(ID.interested)
      await until(() => bench.interestChanges > 0)
      connection.setChoking(false)
      await peer.expect(ID.unchoke)
      return [peer, connection]
    }

    it('sends every block byte for byte', async () => {
      const [peer] = await open()
      for (let piece = 0; piece < 10; piece++) {
        peer.sendMessage(ID.request, piece, 0, 16_384)
        peer.sendMessage(ID.request, piece, 16_384, 16_384)
        peer.sendMessage(ID.request, piece, 7, 100)
      }
      for (let piece = 0; piece < 10; piece++) {
        for (const [begin, length] of [
          [0, 16_384],
          [16_384, 16_384],
          [7, 100]
        ] as const) {
          const { payload } = await peer.expect(ID.block)
          expect([payload.readUInt32BE(0), payload.readUInt32BE(4)]).to.deep.equal([piece, begin])
          expect(payload.subarray(8).equals(bench.bytesOf({ piece, begin, length }))).to.equal(true)
        }
      }
      expect(bench.uploaded).to.equal(10 * (32_768 + 100))
    })

    it('leaves requests unanswered that are too long to serve, and ends at those that nobody sends', async () => {
      const big = await PeerBench.open({ announced: 'all', pieceLength: 2 ** 18 })
      try {
        const [peer, connection] = await big.handshaken()
        connection.setChoking(false)
        peer.sendMessage(ID.request, 0, 0, limits.MAX_SERVED_LENGTH + 1)
        peer.sendMessage(ID.request, 0, 0, limits.MAX_TOLERATED_REQUEST_LENGTH)
        peer.sendMessage(ID.request, 1, 0, limits.MAX_SERVED_LENGTH)
        expect((await peer.expect(ID.block)).payload.readUInt32BE(0)).to.equal(1)
        peer.sendMessage(ID.request, 0, 0, limits.MAX_TOLERATED_REQUEST_LENGTH + 1)
        await peer.closed()
        await until(() => big.ends.length > 0)
        expect(big.ends[0]).to.have.property('code', 'ERR_BT_MESSAGE_CONTENT')
      } finally {
        await big.close()
      }
    })

    it('never sends a piece that it does not have', async () => {
      const [peer] = await open()
      bench.torrent.have.clear(2)
      peer.sendMessage(ID.request, 2, 0, 100)
      peer.sendMessage(ID.request, 3, 0, 100)
      expect((await peer.expect(ID.block)).payload.readUInt32BE(0)).to.equal(3)
    })

    it(`bears ${limits.MAX_REQUESTS_WHILE_CHOKED} requests of a choked peer, not one more`, async () => {
      const [peer, connection] = await bench.handshaken()
      for (let i = 0; i < limits.MAX_REQUESTS_WHILE_CHOKED; i++) peer.sendMessage(ID.request, 0, 0, 100)
      peer.sendMessage(ID.have, 1)
      await until(() => connection.supplier?.pieces.has(1))
      peer.sendMessage(ID.request, 0, 0, 100)
      expect(await end(peer)).to.equal('ERR_BT_FLOOD')
      expect(bench.uploaded).to.equal(0)
    })

    it('holds a peer with 2000 requests waiting, drops none of them, and reads on later', async () => {
      const [peer, connection] = await open()
      let release = (): void => undefined
      const gate = new Promise<void>(resolve => (release = resolve))
      let reads = 0
      bench.readBlocks = async (at, length) => {
        reads++
        await gate
        return bench.content.subarray(at, at + length)
      }
      const total = limits.MAX_REQUESTS_QUEUED + 500
      for (let i = 0; i < total; i++) peer.sendMessage(ID.request, i % 10, 0, 1)
      peer.sendMessage(ID.have, 1)
      await until(() => connection.isHeld)
      expect(reads).to.equal(1)
      expect(connection.supplier?.pieces.has(1)).to.equal(false)
      release()
      for (let i = 0; i < total; i++) expect((await peer.expect(ID.block)).payload.readUInt32BE(0)).to.equal(i % 10)
      await until(() => connection.supplier?.pieces.has(1))
      expect(connection.isHeld).to.equal(false)
    })

    it('takes back what is cancelled, and all when it chokes', async () => {
      const [peer, connection] = await open()
      let release = (): void => undefined
      const gate = new Promise<void>(resolve => (release = resolve))
      bench.readBlocks = async (at, length) => {
        await gate
        return bench.content.subarray(at, at + length)
      }
      for (let piece = 0; piece < 4; piece++) peer.sendMessage(ID.request, piece, 0, 10)
      peer.sendMessage(ID.cancel, 2, 0, 10)
      peer.sendMessage(ID.cancel, 3, 0, 11)
      peer.sendMessage(ID.have, 1)
      await until(() => connection.supplier?.pieces.has(1))
      release()
      const pieces = []
      for (let i = 0; i < 3; i++) pieces.push((await peer.expect(ID.block)).payload.readUInt32BE(0))
      expect(pieces).to.deep.equal([0, 1, 3])
    })

    it('reads blocks together that follow each other, and answers one by one', async () => {
      const [peer, connection] = await open()
      const reads: [number, number][] = []
      let release = (): void => undefined
      const gate = new Promise<void>(resolve => (release = resolve))
      bench.readBlocks = async (at, length) => {
        reads.push([at, length])
        await gate
        return bench.content.subarray(at, at + length)
      }
      for (const begin of [0, 10, 20, 30, 50]) peer.sendMessage(ID.request, 0, begin, 10)
      peer.sendMessage(ID.have, 1)
      await until(() => connection.supplier?.pieces.has(1))
      release()
      for (const begin of [0, 10, 20, 30, 50]) {
        const { payload } = await peer.expect(ID.block)
        expect([payload.readUInt32BE(0), payload.readUInt32BE(4)]).to.deep.equal([0, begin])
        expect(payload.subarray(8).equals(bench.content.subarray(begin, begin + 10))).to.equal(true)
      }
      expect(reads).to.deep.equal([
        [0, 10],
        [10, 30],
        [50, 10]
      ])
      expect(bench.uploaded).to.equal(50)
    })

    it('keeps no more than the mark for a peer that reads nothing, and ends it after two minutes', async () => {
      const [peer, connection] = await open()
      peer.stall()
      let read = 0
      bench.readBlocks = (at, length) => {
        read += length
        return Promise.resolve(bench.content.subarray(at, at + length))
      }
      for (let i = 0; i < 1900; i++) peer.sendMessage(ID.request, i % 10, 0, 16_384)
      await until(() => read - bench.uploaded >= limits.MAX_UPLOAD_BUFFERED)
      await new Promise(resolve => setTimeout(resolve, 50))
      expect(read - bench.uploaded).to.be.at.most(limits.MAX_UPLOAD_BUFFERED + 32_768)
      connection.tick(bench.clock.now())
      await bench.clock.advance(limits.UPLOAD_STUCK_MS)
      connection.tick(bench.clock.now())
      expect(connection.destroyed).to.equal(false)
      await bench.clock.advance(1)
      connection.tick(bench.clock.now())
      await until(() => bench.ends.length > 0)
      expect(bench.ends[0]).to.have.property('code', 'ERR_BT_PEER_SILENT')
    })

    it('does not take a slow reader for one that reads nothing', async () => {
      const [peer, connection] = await open()
      for (let i = 0; i < 1900; i++) peer.sendMessage(ID.request, i % 10, 0, 16_384)
      peer.stall()
      for (let minute = 0; minute < 5; minute++) {
        const before = bench.uploaded
        peer.goOn()
        await until(() => bench.uploaded > before + 2 * limits.MAX_UPLOAD_BUFFERED)
        peer.stall()
        await new Promise(resolve => setTimeout(resolve, 5))
        await bench.clock.advance(limits.UPLOAD_STUCK_MS - 1)
        peer.keepAlive()
        connection.tick(bench.clock.now())
        expect(connection.destroyed, `minute ${minute}`).to.equal(false)
      }
    })

    it('ends with the disk that cannot be read, and nothing else does', async () => {
      const [peer] = await open()
      bench.readBlocks = () => Promise.reject(new Error('EIO'))
      peer.sendMessage(ID.request, 0, 0, 100)
      await peer.closed()
      await until(() => bench.ends.length > 0)
      expect(bench.ends[0]).to.have.property('message', 'EIO')
      expect(bench.failures).to.deep.equal([])
    })
  })

  describe('fetching', () => {
    const reader = (end = bench.content.length): ReadWindow => {
      const window = new ReadWindow(bench.engine.geometry, 0, end, bench.clock.now())
      bench.engine.onWindow(window, 'opened')
      return window
    }
    const seeder = async (): Promise<Awaited<ReturnType<PeerBench['handshaken']>>> => {
      const made = await bench.handshaken()
      made[0].sendBitfield(ALL)
      await made[0].expect(ID.interested)
      made[0].sendMessage(ID.unchoke)
      return made
    }

    it('asks for nothing before it is unchoked, then from the window on, in one go', async () => {
      reader()
      const [peer] = await seeder()
      expect(await peer.expectRequest()).to.deep.equal({ piece: 0, begin: 0, length: 16_384 })
      expect(await peer.expectRequest()).to.deep.equal({ piece: 0, begin: 16_384, length: 16_384 })
    })

    it('takes what it asked for and verifies it', async () => {
      reader()
      const [peer, connection] = await seeder()
      for (let i = 0; i < 2; i++) {
        const request = await peer.expectRequest()
        peer.sendBlock(request, bench.bytesOf(request))
      }
      await until(() => bench.engine.have.has(0))
      expect(connection.downloaded).to.equal(32_768)
      expect(connection.supplier?.verified).to.equal(32_768)
    })

    it('counts blocks nobody asked for, and ends when they are many and more than a share', async () => {
      reader(32_768)
      const [peer] = await seeder()
      await peer.expectRequest()
      for (let i = 0; i <= limits.MAX_UNREQUESTED_BLOCKS; i++)
        peer.sendBlock({ piece: 9, begin: 0 }, Buffer.alloc(16_384))
      expect(await end(peer)).to.equal('ERR_BT_FLOOD')
      expect(bench.engine.have.count).to.equal(0)
    })

    for (const [what, lie] of [
      ['a shorter block', { begin: 0, length: 100 }],
      ['a block off the grid', { begin: 1, length: 16_384 }],
      ['the first block of the next piece by the number of this one', { begin: 32_768, length: 16_384 }]
    ] as const) {
      it(`goes on asking others after ${what}`, async () => {
        reader()
        const [liar] = await seeder()
        const { piece } = await liar.expectRequest()
        liar.sendBlock({ piece, begin: lie.begin }, Buffer.alloc(lie.length))
        liar.sendMessage(ID.have, 0)
        await new Promise(resolve => setTimeout(resolve, 20))
        liar.hangUp()
        await until(() => bench.ends.length > 0)
        const [peer] = await seeder()
        void answerAll(peer, bench)
        await until(() => bench.engine.have.has(0) && bench.engine.have.has(1))
      })
    }

    it('gives back what a peer that died or choked had been asked for', async () => {
      reader()
      const [dying] = await seeder()
      await dying.expectRequest()
      dying.reset()
      await until(() => bench.ends.length > 0)
      const [choking] = await seeder()
      expect(await choking.expectRequest()).to.include({ piece: 0, begin: 0 })
      choking.sendMessage(ID.choke)
      const [peer] = await seeder()
      expect(await peer.expectRequest()).to.include({ piece: 0, begin: 0 })
    })

    it('cancels what a reader that left had wanted, and frees its memory', async () => {
      const window = reader()
      const [peer] = await seeder()
      const asked = await peer.expectRequest()
      expect(bench.engine.pool.usedBytes).to.be.above(0)
      bench.engine.onWindow(window, 'closed')
      expect(spanOf(await peer.expect(ID.cancel))).to.deep.equal(asked)
      await peer.expect(ID.notInterested)
      expect(bench.engine.pool.usedBytes).to.equal(0)
    })
  })

  noLeaks(this)
})

/** Answers every request rightly until the connection ends. */
async function answerAll(peer: FakePeer, bench: PeerBench): Promise<void> {
  try {
    for (;;) {
      const request = await peer.expectRequest()
      peer.sendBlock(request, bench.bytesOf(request))
    }
  } catch {
    // The spec is over.
  }
}
