import { expect } from 'chai'
import type { BtError } from '../../lib/errors.js'
import { encode } from '../../lib/metainfo/bencode.js'
import { MAX_IDLE_MESSAGES, VAIN_WEIGHT } from '../../lib/limits.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { OUR_EXTENSION_IDS } from '../../lib/wire/extension-handshake.js'
import { FAST_EXTENDED, ID, spanOf, type FakePeer } from '../support/fake-peer.js'
import { noLeaks } from '../support/no-leaks.js'
import { PeerBench, until } from '../support/peer-bench.js'

const THEIR_ID = 9
const MAX_VAIN = MAX_IDLE_MESSAGES / VAIN_WEIGHT
const SPEAKS = encode({ m: { lt_donthave: THEIR_ID } })

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

describe('lt_donthave', function () {
  let bench: PeerBench
  afterEach(() => bench.close())

  const end = async (peer: FakePeer): Promise<string | undefined> => {
    await peer.closed()
    await until(() => bench.ends.length > 0)
    return (bench.ends[0] as BtError | undefined)?.code
  }

  describe('from a peer', () => {
    beforeEach(async () => {
      bench = await PeerBench.open({})
    })
    const gone = (peer: FakePeer, piece: number): void =>
      peer.sendExtended(OUR_EXTENSION_IDS.lt_donthave, uint32(piece))

    it('takes the piece away, and our interest with the last that we want', async () => {
      const [peer, connection] = await bench.handshaken(FAST_EXTENDED)
      bench.engine.want([3, 4])
      peer.sendMessage(ID.have, 3)
      peer.sendMessage(ID.have, 4)
      await peer.expect(ID.interested)
      gone(peer, 3)
      await until(() => connection.supplier?.pieces.has(3) === false)
      expect(bench.engine.scheduler.rarity.availability(3)).to.equal(0)
      expect(connection.supplier?.amInterested).to.equal(true)
      gone(peer, 4)
      await peer.expect(ID.notInterested)
      peer.sendMessage(ID.have, 4)
      await peer.expect(ID.interested)
    })

    it('takes one of all away', async () => {
      const [peer, connection] = await bench.handshaken(FAST_EXTENDED)
      peer.sendMessage(ID.haveAll)
      gone(peer, 9)
      await until(() => connection.supplier?.pieces.count === 9)
      const { rarity } = bench.engine.scheduler
      expect([8, 9].map(index => rarity.availability(index))).to.deep.equal([1, 0])
      peer.hangUp()
      await until(() => bench.ends.length > 0)
      expect([8, 9].map(index => rarity.availability(index))).to.deep.equal([0, 0])
    })

    it('gives back what was asked of it', async () => {
      const [peer, connection] = await bench.handshaken(FAST_EXTENDED)
      bench.engine.want([3])
      peer.sendMessage(ID.have, 3)
      peer.sendMessage(ID.unchoke)
      await peer.expectRequest()
      gone(peer, 3)
      await until(() => connection.supplier?.pipeline.size === 0)
    })

    it('of a piece that does not exist, or of another length, ends it', async () => {
      const [peer] = await bench.handshaken(FAST_EXTENDED)
      gone(peer, 10)
      expect(await end(peer)).to.equal('ERR_BT_MESSAGE_CONTENT')
      const [other] = await bench.handshaken(FAST_EXTENDED)
      other.sendExtended(OUR_EXTENSION_IDS.lt_donthave, Buffer.alloc(5))
      await other.closed()
      await until(() => bench.ends.length > 1)
      expect(bench.ends[1]).to.have.property('code', 'ERR_BT_MESSAGE_LENGTH')
    })

    it('in masses, of what it never had, or to and fro, ends it', async () => {
      const [peer] = await bench.handshaken(FAST_EXTENDED)
      for (let i = 0; i < 2000; i++) gone(peer, 3)
      expect(await end(peer)).to.equal('ERR_BT_FLOOD')
      const [other] = await bench.handshaken(FAST_EXTENDED)
      other.sendMessage(ID.haveAll)
      for (let i = 0; i < 200; i++) {
        gone(other, 3)
        other.sendMessage(ID.have, 3)
      }
      await other.closed()
    })

    for (const isUnknown of [false, true]) {
      it(`of one piece that comes and goes for ever ends it${isUnknown ? ', also before the torrent is known' : ''}`, async () => {
        await bench.close()
        bench = await PeerBench.open({ isUnknown })
        const [peer] = await bench.handshaken(FAST_EXTENDED)
        for (let i = 0; i < MAX_VAIN + 20; i++) {
          peer.sendMessage(ID.have, 3)
          gone(peer, 3)
        }
        expect(await end(peer)).to.equal('ERR_BT_FLOOD')
      })
    }

    it('of each piece as often as a stream that is watched a few times passes by is no fault', async () => {
      const [peer, connection] = await bench.handshaken(FAST_EXTENDED)
      for (let round = 0; round < 20; round++) {
        for (let piece = 0; piece < 10; piece++) {
          peer.sendMessage(ID.have, piece)
          gone(peer, piece)
        }
      }
      peer.sendMessage(ID.have, 7)
      await until(() => connection.supplier?.pieces.has(7))
      expect(bench.ends).to.deep.equal([])
    })
  })

  describe('to a peer', () => {
    beforeEach(async () => {
      bench = await PeerBench.open({ announced: [1, 2], offering: 'whileHere' })
    })

    it('that speaks it: it is told what is here, what comes and what goes', async () => {
      const [peer, connection] = await bench.handshaken(FAST_EXTENDED)
      await peer.expect(ID.haveNone)
      peer.sendExtended(0, SPEAKS)
      const told = []
      for (let i = 0; i < 2; i++) told.push((await peer.expect(ID.have)).payload.readUInt32BE(0))
      expect(told).to.deep.equal([1, 2])
      bench.torrent.have.set(5)
      const [five] = [bench.engine.geometry.pieceIndex(5)]
      if (five === undefined) throw new Error('there is a piece 5')
      connection.offer?.onHave(five)
      expect((await peer.expect(ID.have)).payload.readUInt32BE(0)).to.equal(5)
      connection.setChoking(false)
      peer.sendMessage(ID.request, 5, 0, 100)
      await peer.expect(ID.block)
      bench.torrent.have.clear(5)
      connection.offer?.onLost(five)
      expect(await peer.expectExtended(THEIR_ID)).to.deep.equal(uint32(5))
      peer.sendMessage(ID.request, 5, 0, 100)
      expect(spanOf(await peer.expect(ID.reject)).piece).to.equal(5)
    })

    it('that does not speak it: it is told of nothing, and served nothing', async () => {
      const [peer, connection] = await bench.handshaken(FAST_EXTENDED)
      peer.sendExtended(0, encode({ m: {} }))
      const two = bench.engine.geometry.pieceIndex(2)
      if (two === undefined) throw new Error('there is a piece 2')
      connection.offer?.onHave(two)
      connection.offer?.onLost(two)
      connection.setChoking(false)
      peer.sendMessage(ID.request, 1, 0, 100)
      expect(spanOf(await peer.expect(ID.reject)).piece).to.equal(1)
      expect(peer.heard.some(({ id }) => id === ID.have)).to.equal(false)
    })
  })

  it('a block that is sent from memory is a copy: its piece may go meanwhile, and its memory stays ours', async () => {
    bench = await PeerBench.open({})
    const { engine } = bench
    const [peer] = await bench.handshaken(FAST_EXTENDED)
    engine.want([3])
    peer.sendMessage(ID.have, 3)
    peer.sendMessage(ID.unchoke)
    for (let i = 0; i < 2; i++) {
      const request = await peer.expectRequest()
      peer.sendBlock(request, bench.bytesOf(request))
    }
    const piece = engine.geometry.pieceIndex(3)
    if (piece === undefined) throw new Error('there is a piece 3')
    await engine.whenHere(piece)
    const [first, second] = [Buffer.alloc(384), Buffer.alloc(16_000)]
    expect(await engine.readBlocks(piece, 0, [first, second])).to.equal(true)
    const expected = bench.bytesOf({ piece: 3, begin: 0, length: 16_384 })
    expect(Buffer.concat([first, second]).equals(expected)).to.equal(true)
    while (engine.pool.take(false));
    expect(engine.have.has(3)).to.equal(false)
    expect(await engine.readBlocks(piece, 0, [first])).to.equal(false)
  })

  it('Bitfield.keep leaves what both have', async () => {
    bench = await PeerBench.open({})
    const [one, other] = [new Bitfield(20), new Bitfield(20)]
    for (const index of [0, 7, 8, 19]) one.set(index)
    for (const index of [7, 9, 19]) other.set(index)
    one.keep(other)
    expect([one.count, one.has(7), one.has(19), one.has(0), one.has(9)]).to.deep.equal([2, true, true, false, false])
  })

  noLeaks(this)
})
