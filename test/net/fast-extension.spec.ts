import { expect } from 'chai'
import type { BtError } from '../../lib/errors.js'
import * as limits from '../../lib/limits.js'
import { ReadWindow } from '../../lib/pieces/read-window.js'
import { Throttle } from '../../lib/transport/throttle.js'
import { allowedFastPieces } from '../../lib/wire/allowed-fast.js'
import { FAST, ID, spanOf, type FakePeer } from '../support/fake-peer.js'
import { noLeaks } from '../support/no-leaks.js'
import { PeerBench, until, type BenchOptions } from '../support/peer-bench.js'
import { settled } from '../support/virtual-clock.js'

const MAX_VAIN = limits.MAX_IDLE_MESSAGES / limits.VAIN_WEIGHT

describe('the fast extension', function () {
  const benches: PeerBench[] = []
  const open = async (options: BenchOptions = { announced: 'all' }): Promise<PeerBench> => {
    const bench = await PeerBench.open(options)
    benches.push(bench)
    return bench
  }
  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.close()
  })

  const end = async (bench: PeerBench, peer: FakePeer): Promise<string | undefined> => {
    await peer.closed()
    await until(() => bench.ends.length > 0)
    return (bench.ends[0] as BtError | undefined)?.code
  }

  describe('what is said of pieces', () => {
    for (const [what, announced, id] of [
      ['all', 'all', ID.haveAll],
      ['none', [], ID.haveNone],
      ['some', [1, 2], ID.bitfield]
    ] as const) {
      it(`of ${what}`, async () => {
        const [peer] = await (await open({ announced })).handshaken(FAST)
        const { payload } = await peer.expect(id)
        expect(payload).to.have.length(id === ID.bitfield ? 2 : 0)
      })
    }

    it('without it all is a bitfield, and nothing is silence', async () => {
      const [all] = await (await open({ announced: 'all' })).handshaken()
      expect((await all.expect(ID.bitfield)).payload).to.deep.equal(Buffer.of(0xff, 0xc0))
      const [none, connection] = await (await open({ announced: [] })).handshaken()
      connection.setChoking(false)
      await until(() => none.heard.length > 0)
      expect(none.heard.map(({ id }) => id)).to.deep.equal([ID.unchoke])
    })

    it('a peer that has all has all, one that has none has none', async () => {
      const bench = await open({})
      const [rich, richConnection] = await bench.handshaken(FAST)
      rich.sendMessage(ID.haveAll)
      const [poor, poorConnection] = await bench.handshaken(FAST)
      poor.sendMessage(ID.haveNone)
      poor.sendMessage(ID.have, 3)
      await until(() => richConnection.supplier?.pieces.isComplete && poorConnection.supplier?.pieces.has(3))
      expect(poorConnection.supplier?.pieces.count).to.equal(1)
      expect(bench.engine.scheduler.rarity.availability(3)).to.equal(2)
    })

    it('it counts, too, before anybody knows the torrent', async () => {
      const bench = await open({ isUnknown: true })
      const [peer, connection] = await bench.handshaken(FAST)
      peer.sendMessage(ID.haveAll)
      peer.sendMessage(ID.unchoke)
      peer.sendMessage(ID.interested)
      await until(() => connection.peerInterested)
      connection.begin(bench.torrent)
      expect(connection.supplier?.pieces.isComplete).to.equal(true)
    })

    for (const [what, ids] of Object.entries({
      'all after all': [ID.haveAll, ID.haveAll],
      'none after all': [ID.haveAll, ID.haveNone],
      'all after none': [ID.haveNone, ID.haveAll],
      'none after a bitfield': [ID.bitfield, ID.haveNone],
      'all after a bitfield': [ID.bitfield, ID.haveAll]
    })) {
      it(`${what} ends it`, async () => {
        const bench = await open()
        const [peer] = await bench.handshaken(FAST)
        for (const id of ids) peer.sendMessage(id, ...(id === ID.bitfield ? [Buffer.of(0x80, 0)] : []))
        expect(await end(bench, peer)).to.equal('ERR_BT_MESSAGE_ORDER')
      })
    }
  })

  describe('requests to us', () => {
    const unchoked = async (bench: PeerBench) => {
      const [peer, connection] = await bench.handshaken(FAST)
      peer.sendBitfield(Buffer.of(0xfc, 0))
      peer.sendMessage(ID.interested)
      await until(() => bench.interestChanges > 0)
      connection.setChoking(false)
      await peer.expect(ID.unchoke)
      return [peer, connection] as const
    }

    const limitTo = (bench: PeerBench, rate: number): Throttle => {
      const limit = new Throttle(bench.clock, rate)
      bench.torrent.whenUploadAllowed = (bytes, isWanted) => limit.pass(bytes, isWanted)
      bench.torrent.chargeUpload = bytes => limit.charge(bytes)
      return limit
    }

    const hasCome = (held: Promise<unknown> | undefined): Promise<boolean> =>
      Promise.race([Promise.resolve(held).then(() => true), settled().then(() => false)])

    const rejected: [what: string, span: [number, number, number]][] = [
      ['a piece that does not exist', [10, 0, 16_384]],
      ['nothing', [0, 0, 0]],
      ['bytes across the end', [0, 16_385, 16_384]],
      ['bytes that overflow', [0, 0xffffffff, 2]],
      ['more than is served', [0, 0, limits.MAX_SERVED_LENGTH + 1]],
      ['a piece that is not here', [2, 0, 16_384]]
    ]
    for (const [what, span] of rejected) {
      it(`for ${what} are rejected`, async () => {
        const bench = await open()
        const [peer] = await unchoked(bench)
        bench.torrent.have.clear(2)
        peer.sendMessage(ID.request, ...span)
        peer.sendMessage(ID.request, 3, 0, 100)
        const [piece, begin, length] = span
        expect(spanOf(await peer.expect(ID.reject))).to.deep.equal({ piece, begin, length })
        expect((await peer.expect(ID.block)).payload.readUInt32BE(0)).to.equal(3)
        expect(bench.uploaded).to.equal(100)
      })
    }

    it('that nobody serves end it when they go on', async () => {
      const bench = await open()
      const [peer] = await unchoked(bench)
      for (let i = 0; i <= MAX_VAIN; i++) peer.sendMessage(ID.request, 10, 0, 16_384)
      expect(await end(bench, peer)).to.equal('ERR_BT_FLOOD')
    })

    it('for too much at once end it', async () => {
      const bench = await open({ announced: 'all', pieceLength: 2 ** 18 })
      const [peer] = await unchoked(bench)
      peer.sendMessage(ID.request, 0, 0, limits.MAX_TOLERATED_REQUEST_LENGTH + 1)
      expect(await end(bench, peer)).to.equal('ERR_BT_MESSAGE_CONTENT')
    })

    it('of a choked peer are rejected', async () => {
      const bench = await open()
      const [peer] = await bench.handshaken(FAST)
      peer.sendMessage(ID.request, 1, 0, 16_384)
      expect(spanOf(await peer.expect(ID.reject))).to.deep.equal({ piece: 1, begin: 0, length: 16_384 })
    })

    it('are each answered, by a block or by a reject, when the peer is choked or cancels', async () => {
      const bench = await open()
      const [peer, connection] = await unchoked(bench)
      let release = (): void => undefined
      const gate = new Promise<void>(resolve => (release = resolve))
      let reads = 0
      bench.readBlocks = async (at, length) => {
        reads++
        await gate
        return bench.content.subarray(at, at + length)
      }
      for (let piece = 0; piece < 10; piece++) peer.sendMessage(ID.request, piece, 0, 10)
      peer.sendMessage(ID.cancel, 5, 0, 10)
      expect(spanOf(await peer.expect(ID.reject)).piece).to.equal(5)
      expect(reads).to.equal(1)
      connection.setChoking(true)
      await peer.expect(ID.choke)
      const rejects = new Set<number>()
      while (rejects.size < 8) rejects.add(spanOf(await peer.expect(ID.reject)).piece)
      expect([...rejects].sort((a, b) => a - b)).to.deep.equal([1, 2, 3, 4, 6, 7, 8, 9])
      release()
      expect((await peer.expect(ID.block)).payload.readUInt32BE(0)).to.equal(0)
    })

    it(`beyond ${limits.MAX_REQUESTS_QUEUED} are rejected, and the peer is not held`, async () => {
      const bench = await open()
      const [peer, connection] = await unchoked(bench)
      let release = (): void => undefined
      const gate = new Promise<void>(resolve => (release = resolve))
      bench.readBlocks = async (at, length) => {
        await gate
        return bench.content.subarray(at, at + length)
      }
      const total = limits.MAX_REQUESTS_QUEUED + 300
      for (let i = 0; i < total; i++) peer.sendMessage(ID.request, i % 10, 0, 1)
      peer.sendMessage(ID.have, 9)
      await until(() => connection.supplier?.pieces.has(9))
      expect(connection.isHeld).to.equal(false)
      release()
      let answers = 0
      let blocks = 0
      while (answers < total) {
        const { id } = await until(() => peer.heard.shift())
        if (id === ID.block) blocks++
        if (id === ID.block || id === ID.reject) answers++
      }
      expect(blocks).to.be.within(limits.MAX_REQUESTS_QUEUED - 1, limits.MAX_REQUESTS_QUEUED + 1)
    })

    it('for what has gone meanwhile are rejected', async () => {
      const bench = await open()
      const [peer] = await unchoked(bench)
      bench.readBlocks = () => Promise.resolve(undefined)
      peer.sendMessage(ID.request, 4, 0, 16_384)
      expect(spanOf(await peer.expect(ID.reject)).piece).to.equal(4)
    })

    it('for a few pieces are served to a choked peer that has next to nothing', async () => {
      const bench = await open()
      const [peer, connection] = await bench.handshaken(FAST)
      peer.sendMessage(ID.haveNone)
      peer.sendMessage(ID.interested)
      const named: number[] = []
      while (named.length < limits.ALLOWED_FAST_PIECES)
        named.push((await peer.expect(ID.allowedFast)).payload.readUInt32BE(0))
      expect(named).to.deep.equal(allowedFastPieces('127.0.0.1', bench.infoHash, 10))
      const others = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter(piece => !named.includes(piece))
      for (const piece of named) peer.sendMessage(ID.request, piece, 0, 10)
      for (const piece of named) expect((await peer.expect(ID.block)).payload.readUInt32BE(0)).to.equal(piece)
      peer.sendMessage(ID.request, others[0] ?? -1, 0, 10)
      expect(spanOf(await peer.expect(ID.reject)).piece).to.equal(others[0])
      expect(connection.amChoking).to.equal(true)
    })

    it(`for them are served ${limits.ALLOWED_FAST_TIMES} times while the peer is choked, and then rejected`, async () => {
      const bench = await open({ announced: 'all', pieceLength: 16_384 })
      const [peer, connection] = await bench.handshaken(FAST)
      peer.sendMessage(ID.interested)
      const piece = (await peer.expect(ID.allowedFast)).payload.readUInt32BE(0)
      for (let i = 0; i < limits.ALLOWED_FAST_TIMES; i++) {
        peer.sendMessage(ID.request, piece, 0, 16_384)
        expect((await peer.expect(ID.block)).payload.readUInt32BE(0)).to.equal(piece)
      }
      peer.sendMessage(ID.request, piece, 0, 16_384)
      expect(spanOf(await peer.expect(ID.reject)).piece).to.equal(piece)
      connection.setChoking(false)
      peer.sendMessage(ID.request, piece, 0, 16_384)
      await peer.expect(ID.block)
    })

    it('and cancels without end from a peer that reads no answer are not read for ever', async () => {
      const bench = await open()
      const [peer, connection] = await unchoked(bench)
      peer.stall()
      for (let i = 0; i < 1000; i++) peer.sendMessage(ID.request, i % 10, 0, 16_384)
      await until(() => {
        for (let i = 0; i < 500; i++) {
          peer.sendMessage(ID.request, 0, 0, 1)
          peer.sendMessage(ID.cancel, 0, 0, 1)
        }
        return connection.isHeld
      })
      peer.goOn()
      await until(() => !connection.isHeld)
      peer.sendMessage(ID.request, 7, 0, 7)
      while ((await peer.expect(ID.block)).payload.length !== 8 + 7);
    })

    it('that are cancelled while they wait for the limit of the rate cost nothing, and win nothing', async () => {
      const bench = await open()
      const limit = limitTo(bench, 16_384)
      const [peer] = await unchoked(bench)
      for (const begin of [0, 16_384]) peer.sendMessage(ID.request, 0, begin, 16_384)
      await peer.expect(ID.block)
      peer.sendMessage(ID.cancel, 0, 16_384, 16_384)
      await peer.expect(ID.reject)
      await bench.clock.advance(1005)
      expect(limit.pass(16_384)).to.equal(undefined)
      peer.sendMessage(ID.request, 0, 16_384, 16_384)
      peer.sendMessage(ID.request, 99, 0, 16_384)
      await peer.expect(ID.reject)
      expect(bench.uploaded).to.equal(16_384)
      await bench.clock.advance(1005)
      await peer.expect(ID.block)
    })

    it('that are swapped for larger ones while they wait for the limit of the rate are paid for in full', async () => {
      const bench = await open({ announced: 'all', pieceLength: 65_536 })
      const limit = limitTo(bench, 16_384)
      const [peer] = await unchoked(bench)
      peer.sendMessage(ID.request, 0, 0, 16_384)
      peer.sendMessage(ID.request, 0, 16_384, 1)
      await peer.expect(ID.block)
      peer.sendMessage(ID.cancel, 0, 16_384, 1)
      peer.sendMessage(ID.request, 1, 0, 16_384)
      peer.sendMessage(ID.request, 99, 0, 16_384)
      for (const piece of [0, 99]) expect(spanOf(await peer.expect(ID.reject)).piece).to.equal(piece)
      await bench.clock.advance(1005)
      expect((await peer.expect(ID.block)).payload).to.have.length(8 + 16_384)
      const held = limit.pass(1)
      await bench.clock.advance(950)
      expect(await hasCome(held)).to.equal(false)
      await bench.clock.advance(55)
      expect(await hasCome(held)).to.equal(true)
    })

    it('that the disk cannot answer are not counted', async () => {
      const bench = await open({ announced: 'all', pieceLength: 65_536 })
      const limit = limitTo(bench, 16_384)
      const [peer] = await unchoked(bench)
      bench.readBlocks = () => Promise.reject(new Error('EIO'))
      peer.sendMessage(ID.request, 0, 0, 16_384)
      await peer.closed()
      await until(() => bench.ends.length > 0)
      await bench.clock.advance(5)
      expect(limit.pass(10)).to.equal(undefined)
    })

    it('that are cancelled while they are read from disk are neither sent nor counted', async () => {
      const bench = await open({ announced: 'all', pieceLength: 65_536 })
      const limit = limitTo(bench, 16_384)
      const [peer] = await unchoked(bench)
      let release = (): void => undefined
      const gate = new Promise<void>(resolve => (release = resolve))
      bench.readBlocks = async (at, length) => {
        await gate
        return bench.content.subarray(at, at + length)
      }
      peer.sendMessage(ID.request, 0, 0, 16_384)
      peer.sendMessage(ID.cancel, 0, 0, 16_384)
      expect(spanOf(await peer.expect(ID.reject))).to.deep.equal({ piece: 0, begin: 0, length: 16_384 })
      release()
      peer.sendMessage(ID.request, 1, 0, 10)
      expect(spanOf(await peer.expect(ID.block)).piece).to.equal(1)
      expect(bench.uploaded).to.equal(10)
      await bench.clock.advance(5)
      expect(limit.pass(10)).to.equal(undefined)
    })

    it('a peer that has some pieces is named none', async () => {
      const bench = await open()
      const [peer] = await unchoked(bench)
      peer.sendMessage(ID.request, 0, 0, 1)
      await peer.expect(ID.block)
      expect(peer.heard.some(({ id }) => id === ID.allowedFast)).to.equal(false)
    })
  })

  describe('requests of ours', () => {
    const reading = async (bench: PeerBench) => {
      const [peer, connection] = await bench.handshaken(FAST)
      const { geometry } = bench.engine
      const window = new ReadWindow(geometry, 0, geometry.length, bench.clock.now())
      window.readAhead = geometry.length
      window.isWaiting = true
      bench.engine.onWindow(window, 'opened')
      return [peer, connection] as const
    }

    it('that are rejected go to others, and not to the same peer at once', async () => {
      const bench = await open({})
      const [peer] = await reading(bench)
      peer.sendMessage(ID.haveAll)
      peer.sendMessage(ID.unchoke)
      const first = await peer.expectRequest()
      const [other] = await bench.handshaken(FAST)
      other.sendMessage(ID.haveAll)
      peer.sendMessage(ID.reject, first.piece, first.begin, first.length)
      other.sendMessage(ID.unchoke)
      for (;;) {
        const request = await other.expectRequest()
        if (request.piece === first.piece && request.begin === first.begin) break
      }
      expect(peer.heard.filter(({ id }) => id === ID.request).map(spanOf)).to.not.deep.include(first)
    })

    it(`that are rejected are not repeated for ${limits.REFUSED_MS} ms, or until the next unchoke`, async () => {
      const bench = await open({ length: 16_384, pieceLength: 16_384 })
      const [peer, connection] = await reading(bench)
      peer.sendMessage(ID.haveAll)
      peer.sendMessage(ID.unchoke)
      const reject = async (): Promise<void> => {
        const { piece, begin, length } = await peer.expectRequest()
        peer.sendMessage(ID.reject, piece, begin, length)
        await until(() => connection.supplier?.pipeline.size === 0)
      }
      await reject()
      await bench.clock.advance(limits.REFUSED_MS - 1)
      bench.engine.onChange()
      await settled()
      expect(connection.supplier?.pipeline.size).to.equal(0)
      await bench.clock.advance(1)
      bench.engine.onChange()
      await reject()
      peer.sendMessage(ID.choke)
      peer.sendMessage(ID.unchoke)
      await reject()
    })

    it(`that are rejected without end end it, and rejects of what nobody asked`, async () => {
      for (const isAsked of [true, false]) {
        const bench = await open({ length: 700 * 16_384, pieceLength: 16_384, maxMemory: 2 ** 25 })
        const [peer] = await reading(bench)
        peer.sendMessage(ID.haveAll)
        if (isAsked) peer.sendMessage(ID.unchoke)
        else for (let i = 0; i <= limits.MAX_STRAY_REJECTS; i++) peer.sendMessage(ID.reject, i, 0, 16_384)
        const goOn = async (): Promise<void> => {
          for (;;) {
            const { piece, begin, length } = await peer.expectRequest()
            peer.sendMessage(ID.reject, piece, begin, length)
          }
        }
        void goOn().catch(() => undefined)
        expect(await end(bench, peer), `asked: ${isAsked}`).to.equal('ERR_BT_FLOOD')
      }
    })

    it('go to a peer that chokes us for the pieces it allows, and for no others', async () => {
      const bench = await open({})
      const [peer, connection] = await reading(bench)
      peer.sendMessage(ID.haveAll)
      for (const piece of [7, 4]) peer.sendMessage(ID.allowedFast, piece)
      const asked = []
      for (let i = 0; i < 4; i++) asked.push((await peer.expectRequest()).piece)
      expect(asked.sort()).to.deep.equal([4, 4, 7, 7])
      // A choke leaves them standing.
      peer.sendMessage(ID.choke)
      peer.sendMessage(ID.have, 1)
      await until(() => connection.supplier?.pipeline.size === 4)
    })

    it('survive a peer that allows everything, and what does not exist ends it', async () => {
      const bench = await open({ length: 2000 * 16_384, pieceLength: 16_384, maxMemory: 2 ** 25 })
      const [peer, connection] = await reading(bench)
      peer.sendMessage(ID.haveAll)
      for (let i = 0; i < 500; i++) peer.sendMessage(ID.allowedFast, i)
      await until(() => connection.supplier?.isAllowed(99))
      expect(connection.supplier?.isAllowed(limits.MAX_ALLOWED_FAST)).to.equal(false)
      peer.sendMessage(ID.allowedFast, 2000)
      expect(await end(bench, peer)).to.equal('ERR_BT_MESSAGE_CONTENT')
    })

    it('go to no peer that names the same piece without end', async () => {
      const bench = await open({})
      const [peer] = await reading(bench)
      for (let i = 0; i <= MAX_VAIN + 1; i++) peer.sendMessage(ID.allowedFast, 3)
      expect(await end(bench, peer)).to.equal('ERR_BT_FLOOD')
    })

    it('heed no suggestion, but one of a piece that does not exist', async () => {
      const bench = await open({})
      const [peer, connection] = await reading(bench)
      peer.sendMessage(ID.suggest, 3)
      peer.sendMessage(ID.have, 1)
      await until(() => connection.supplier?.pieces.has(1))
      peer.sendMessage(ID.suggest, 10)
      expect(await end(bench, peer)).to.equal('ERR_BT_MESSAGE_CONTENT')
    })
  })

  noLeaks(this)
})
