import { expect } from 'chai'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { disagreements, nameOf, SchedulerBench, type BenchPeer } from '../support/scheduler-bench.js'

/** `piece:block` of everything that any of these peers is asked for. */
const inFlight = (...peers: BenchPeer[]): string[] => peers.flatMap(peer => peer.inFlight.map(nameOf)).sort()
const blocksOf = (piece: number, count = 4): string[] =>
  Array.from({ length: count }, (_, block) => `${piece}:${block}`)

/** Lets a peer show what it can: it answers `count` blocks, `everyMs` apart. */
function warmUp(bench: SchedulerBench, peer: BenchPeer, count: number, everyMs: number): void {
  for (let i = 0; i < count; i++) {
    bench.run(everyMs)
    const [span] = peer.inFlight
    if (span) peer.send(span)
    while (bench.complete.length > 0) bench.judge(true)
  }
}

describe('Scheduler', () => {
  describe('asks', () => {
    it('nobody while nothing is wanted, and nobody that chokes us', () => {
      const bench = new SchedulerBench({ pieces: 4 })
      const open = bench.peer()
      const choking = bench.peer(undefined, { isChoking: true })
      expect(bench.run()).to.equal(undefined)
      bench.read(0)
      bench.run()
      expect(open.inFlight).to.not.deep.equal([])
      expect(choking.requested).to.deep.equal([])
    })

    it('for every block once, with its true length, and no more than there is', () => {
      const bench = new SchedulerBench({ pieces: 3 })
      const peer = bench.peer()
      bench.read(0)
      bench.deliver()
      expect(bench.have.isComplete).to.equal(true)
      expect(new Set(peer.asked).size).to.equal(peer.asked.length)
      expect(peer.requested.reduce((sum, { length }) => sum + length, 0)).to.equal(bench.geometry.length)
      expect(bench.scheduler.requests.received).to.equal(bench.geometry.length)
      expect(bench.scheduler.requests.wasted).to.equal(0)
    })

    it('a peer only for pieces that it has', () => {
      const bench = new SchedulerBench({ pieces: 4 })
      const some = bench.peer([1, 3])
      bench.read(0)
      bench.run()
      expect([...new Set(some.requested.map(({ piece }) => piece))]).to.deep.equal([1, 3])
      bench.scheduler.onHave(some.supplier, 2)
      bench.deliver()
      expect(some.asked).to.include('2:0')
      expect(some.asked).to.not.include('0:0')
    })

    it('for one piece after the other while equals are wanted, also when memory is short', () => {
      const bench = new SchedulerBench({ pieces: 20, slots: 2 })
      const peer = bench.peer()
      bench.want(...Array.from({ length: 20 }, (_, index) => index))
      bench.deliver()
      const begun = [...new Set(peer.requested.map(({ piece }) => piece))]
      const [first = 0] = begun
      expect(begun).to.deep.equal(Array.from({ length: 20 }, (_, i) => (first + i) % 20))
    })

    it('a peer that had nothing to be picked as soon as it has', () => {
      const bench = new SchedulerBench({ pieces: 4 })
      const some = bench.peer([0])
      bench.want(0, 1)
      bench.deliver()
      bench.run()
      expect(inFlight(some)).to.deep.equal([])
      bench.scheduler.onHave(some.supplier, 1)
      bench.run()
      expect(inFlight(some)).to.deep.equal(blocksOf(1))
      bench.scheduler.onHave(some.supplier, 2)
      bench.deliver()
      bench.want(2)
      bench.run()
      expect(inFlight(some)).to.deep.equal(blocksOf(2))
    })

    it('no more pieces than there is memory for', () => {
      const bench = new SchedulerBench({ pieces: 10, slots: 2 })
      const peer = bench.peer()
      bench.read(0)
      bench.run()
      expect(inFlight(peer)).to.deep.equal([...blocksOf(0), ...blocksOf(1)])
      expect(bench.slots).to.equal(0)
    })

    it('a new peer for a share: many peers for a few blocks each', () => {
      const bench = new SchedulerBench({ pieces: 100 })
      const peers = Array.from({ length: 16 }, () => bench.peer())
      bench.read(0)
      bench.run()
      for (const peer of peers) expect(peer.inFlight.length).to.be.within(1, 8)
    })
  })

  describe('when a peer', () => {
    it('chokes, gives its requests to others', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const first = bench.peer()
      bench.read(0)
      bench.run()
      expect(first.inFlight).to.have.lengthOf(4)
      const second = bench.peer()
      first.choke()
      bench.run(1)
      expect(inFlight(second)).to.deep.equal(blocksOf(0))
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })

    it('leaves, gives its requests to others and is asked no more', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const first = bench.peer()
      bench.read(0)
      bench.run()
      const asked = first.requested.length
      const second = bench.peer()
      first.leave()
      bench.run(1)
      expect(inFlight(second)).to.deep.equal(blocksOf(0))
      expect(first.requested).to.have.lengthOf(asked)
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })

    it('unchokes again, is asked again', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const peer = bench.peer()
      bench.read(0)
      bench.run()
      peer.choke()
      bench.run(10)
      expect(peer.inFlight).to.deep.equal([])
      peer.unchoke()
      bench.run(10)
      expect(inFlight(peer)).to.deep.equal(blocksOf(0))
    })

    it('is silent, gives what it holds to another within a second and a half', () => {
      const bench = new SchedulerBench({ pieces: 2 })
      const silent = bench.peer([0])
      bench.read(0)
      bench.run()
      const second = bench.peer()
      while (bench.have.count < 2 && bench.now < 1500) {
        bench.run(50)
        if (second.inFlight[0]) second.send(second.inFlight[0])
        while (bench.complete.length > 0) bench.judge(true)
      }
      expect(bench.have.isComplete).to.equal(true)
      expect(silent.inFlight).to.deep.equal([])
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })

    it('is silent because we do not read, keeps what it holds', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const held = bench.peer()
      bench.read(0)
      bench.run()
      held.supplier.pipeline.hold()
      for (let i = 0; i < 100; i++) bench.run(1000)
      expect(held.inFlight).to.have.lengthOf(4)
      expect(held.supplier.pipeline.isSnubbed).to.equal(false)
      held.supplier.pipeline.resume(bench.now)
      bench.run(500)
      expect(held.supplier.pipeline.isSnubbed).to.equal(false)
    })

    it('wakes up after a snub, has its full share again', () => {
      const bench = new SchedulerBench({ pieces: 20 })
      const peer = bench.peer()
      bench.read(0)
      warmUp(bench, peer, 10, 10)
      for (let i = 0; i < 30; i++) bench.run(100)
      expect(peer.supplier.pipeline.isSnubbed).to.equal(true)
      expect(peer.inFlight.length).to.equal(1)
      peer.send(peer.inFlight[0]!)
      bench.run(1)
      expect(peer.supplier.pipeline.isSnubbed).to.equal(false)
      expect(peer.inFlight.length).to.be.greaterThan(1)
    })

    it('turns out slow, gives its newest requests back', () => {
      const bench = new SchedulerBench({ pieces: 100 })
      const slow = bench.peer()
      bench.read(0)
      bench.run()
      const before = slow.inFlight.length
      expect(before).to.be.at.least(32)
      const oldest = slow.inFlight[1]!
      bench.peer()
      bench.now += 900
      slow.send(slow.inFlight[0]!)
      bench.run()
      expect(slow.inFlight.length).to.be.lessThan(before / 2)
      expect(slow.inFlight.map(nameOf)).to.include(nameOf(oldest))
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })
  })

  describe('a block', () => {
    it('that comes after its cancel is no fault, once, and is used when it is still missing', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const peer = bench.peer()
      bench.read(0)
      bench.run()
      const [late, again] = peer.inFlight
      peer.choke()
      expect(peer.send(late!)).to.equal('taken')
      expect(peer.send(late!)).to.equal('unrequested')
      const other = bench.peer()
      bench.run(1)
      other.send(again!)
      expect(peer.send(again!), 'another peer brought it').to.equal('duplicate')
      expect(bench.scheduler.requests.wasted).to.equal(2 * BLOCK_LENGTH)
      expect(peer.supplier.wasted).to.equal(2 * BLOCK_LENGTH)
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })

    it('that came late from one is cancelled at the other that was asked meanwhile', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const first = bench.peer()
      bench.read(0)
      bench.run()
      const [late] = first.inFlight
      const second = bench.peer()
      first.choke()
      bench.run(1)
      expect(first.send(late!)).to.equal('taken')
      expect(second.cancelled.map(nameOf)).to.deep.equal([nameOf(late!)])
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })

    it('that nobody asked for, or that is none, is waste and changes nothing', () => {
      const bench = new SchedulerBench({ pieces: 2 })
      const peer = bench.peer()
      const stranger = bench.peer(undefined, { isChoking: true })
      bench.read(0, 0)
      bench.run()
      const before = peer.inFlight.length
      const stray = [
        { piece: 0, begin: 0, length: BLOCK_LENGTH },
        { piece: 1, begin: 0, length: BLOCK_LENGTH },
        { piece: 0, begin: 1, length: BLOCK_LENGTH },
        { piece: 0, begin: 0, length: 5 },
        { piece: 0, begin: 4 * BLOCK_LENGTH, length: BLOCK_LENGTH },
        { piece: 1, begin: 3 * BLOCK_LENGTH, length: BLOCK_LENGTH },
        { piece: 2, begin: 0, length: BLOCK_LENGTH },
        { piece: 2 ** 32 - 1, begin: 2 ** 32 - 1, length: 1 }
      ]
      for (const span of stray) expect(stranger.send(span), nameOf(span)).to.equal('unrequested')
      expect(bench.scheduler.requests.received).to.equal(0)
      expect(bench.scheduler.requests.wasted).to.equal(stray.reduce((sum, { length }) => sum + length, 0))
      expect(peer.inFlight).to.have.lengthOf(before)
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })

    it('of a wrong length leaves the request open', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const peer = bench.peer()
      bench.read(0)
      bench.run()
      const [span] = peer.inFlight
      const { supplier } = peer
      const data = { length: 7, copy: () => undefined }
      expect(bench.scheduler.onBlock(supplier, span!.piece, span!.begin, data, 1)).to.equal('unrequested')
      expect(supplier.pipeline.has(0)).to.equal(true)
      expect(peer.send(span!)).to.equal('taken')
    })

    it('of the first piece is asked of two peers when there are hardly enough of them for that', () => {
      const bench = new SchedulerBench({ pieces: 9, blocks: 20 })
      const peers = Array.from({ length: 37 }, () => bench.peer())
      bench.read(0)
      bench.run()
      const asked = inFlight(...peers).filter(name => name.startsWith('0:'))
      expect(asked).to.deep.equal([...blocksOf(0, 20), ...blocksOf(0, 20)].sort())
    })

    it('that was taken back and asked for again is not refused by the reject of the first request', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const peer = bench.peer()
      const window = bench.read(0)
      bench.run()
      const [span] = peer.inFlight
      bench.leave(window)
      bench.run(10)
      bench.read(0)
      bench.run(10)
      expect(peer.inFlight.map(nameOf), 'asked for again').to.include(nameOf(span!))
      expect(bench.scheduler.onReject(peer.supplier, span!, bench.now)).to.equal('forgotten')
      expect(peer.supplier.askable.has(0)).to.equal(true)
      expect(bench.scheduler.onReject(peer.supplier, span!, bench.now)).to.equal('refused')
    })

    it('that two were asked for is cancelled at the loser', () => {
      const bench = new SchedulerBench({ pieces: 1 })
      const [first, second] = [bench.peer(), bench.peer()]
      bench.read(0)
      bench.run()
      const twice = first.inFlight.find(span => second.inFlight.some(other => nameOf(other) === nameOf(span)))
      expect(twice, 'the head of a cold swarm is asked of two').to.not.equal(undefined)
      bench.now += 50
      expect(first.send(twice!)).to.equal('taken')
      expect(second.cancelled.map(nameOf)).to.deep.equal([nameOf(twice!)])
      expect(second.send(twice!), 'it was on its way already').to.equal('duplicate')
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })
  })

  describe('interest', () => {
    it('is said when a peer has what we want, once, and taken back with the reader', () => {
      const bench = new SchedulerBench({ pieces: 4 })
      const peer = bench.peer([2])
      expect(peer.isInterested).to.equal(false)
      const first = bench.read(0, 1)
      expect(peer.isInterested).to.equal(false)
      const second = bench.read(2, 3)
      expect(peer.isInterested).to.equal(true)
      bench.leave(second)
      expect(peer.isInterested).to.equal(false)
      bench.leave(first)
      bench.want(2)
      expect(peer.isInterested).to.equal(true)
    })

    it('follows a HAVE, also of a piece far ahead of the read-ahead', () => {
      const bench = new SchedulerBench({ pieces: 100 })
      const peer = bench.peer([])
      bench.read(0, 99, 2)
      bench.scheduler.onHave(peer.supplier, 99)
      expect(peer.isInterested).to.equal(true)
    })

    it('is none for what we have', () => {
      const bench = new SchedulerBench({ pieces: 2 })
      bench.have.set(0)
      const peer = bench.peer([0])
      bench.read(0)
      expect(peer.isInterested).to.equal(false)
      bench.scheduler.onHave(peer.supplier, 1)
      expect(peer.isInterested).to.equal(true)
    })

    it('counts a second bitfield as news, and availability stays true', () => {
      const bench = new SchedulerBench({ pieces: 3 })
      const peer = bench.peer([0])
      const again = bench.peer([1, 2])
      bench.scheduler.onBitfield(peer.supplier, again.supplier.pieces)
      expect([0, 1, 2].map(index => bench.scheduler.rarity.availability(index))).to.deep.equal([1, 2, 2])
      peer.leave()
      again.leave()
      expect([0, 1, 2].map(index => bench.scheduler.rarity.availability(index))).to.deep.equal([0, 0, 0])
    })
  })

  describe('readers', () => {
    it('that leave have their requests cancelled and their memory freed', () => {
      const bench = new SchedulerBench({ pieces: 10, slots: 5 })
      const peer = bench.peer()
      const window = bench.read(0)
      bench.run()
      peer.send(peer.inFlight[0]!)
      expect(bench.slots).to.equal(0)
      const asked = peer.inFlight.length
      bench.leave(window)
      expect(peer.cancelled).to.have.lengthOf(asked)
      expect(peer.inFlight).to.deep.equal([])
      expect(bench.slots).to.equal(5)
      expect(bench.scheduler.requests.wasted).to.equal(BLOCK_LENGTH)
      expect(bench.run(1)).to.equal(undefined)
    })

    it('that leave take nothing from another that wants the same', () => {
      const bench = new SchedulerBench({ pieces: 4 })
      const peer = bench.peer()
      const [first] = [bench.read(0, 2), bench.read(1, 1)]
      bench.want(2)
      bench.run()
      bench.leave(first)
      expect(inFlight(peer)).to.deep.equal([...blocksOf(1), ...blocksOf(2)])
    })

    it('that wait come before one that has something to read', () => {
      const bench = new SchedulerBench({ pieces: 40, slots: 4 })
      const peer = bench.peer()
      for (let i = 0; i < 4; i++) bench.have.set(i)
      const content = bench.read(0, 19)
      content.isWaiting = false
      content.take(100, 5)
      bench.now = 10
      bench.read(20, 39)
      bench.run()
      expect([...new Set(peer.requested.map(({ piece }) => piece))].slice(0, 4)).to.deep.equal([20, 21, 22, 23])
    })

    it('that pause are given their read-ahead and no more', () => {
      const bench = new SchedulerBench({ pieces: 50 })
      const peer = bench.peer()
      bench.read(0, 49, 5)
      bench.deliver()
      for (let i = 0; i < 100; i++) bench.run(100)
      expect(bench.have.count).to.equal(5)
      expect(peer.requested).to.have.lengthOf(20)
    })

    it('that take on move the window, a piece at a time', () => {
      const bench = new SchedulerBench({ pieces: 50 })
      bench.peer()
      const window = bench.read(0, 49, 5)
      bench.deliver()
      window.take(bench.geometry.pieceLength, bench.now)
      bench.deliver()
      expect(bench.have.count).to.equal(6)
    })

    it('that seek have the old place cancelled and the new one asked of the fastest first', () => {
      const bench = new SchedulerBench({ pieces: 400 })
      const window = bench.read(0, 399, 40)
      const [fast, slow] = [bench.peer(), bench.peer()]
      for (let i = 0; i < 60; i++) {
        bench.run(10)
        if (fast.inFlight[0]) fast.send(fast.inFlight[0])
        if (i % 20 === 19 && slow.inFlight[0]) slow.send(slow.inFlight[0])
        while (bench.complete.length > 0) bench.judge(true)
      }
      expect(fast.supplier.pipeline.model.rate).to.be.greaterThan(4 * slow.supplier.pipeline.model.rate)
      const old = inFlight(fast, slow)
      expect(old).to.not.deep.equal([])
      bench.leave(window)
      expect([fast.inFlight, slow.inFlight]).to.deep.equal([[], []])
      const [fastBefore, slowBefore] = [fast.requested.length, slow.requested.length]
      bench.read(200, 399, 40)
      bench.run()
      expect(fast.asked.slice(fastBefore).slice(0, 4)).to.deep.equal(blocksOf(200))
      expect(slow.asked.slice(slowBefore).filter(name => name.startsWith('200:'))).to.deep.equal([])
      expect(disagreements(bench, 1000)).to.deep.equal([])
    })

    it('get what they read before what is wanted anyway', () => {
      const bench = new SchedulerBench({ pieces: 10, slots: 3 })
      const peer = bench.peer()
      bench.want(...Array.from({ length: 10 }, (_, i) => i))
      bench.read(6, 9)
      bench.run()
      expect([...new Set(peer.requested.map(({ piece }) => piece))]).to.deep.equal([6, 7, 8])
      bench.deliver()
      expect(bench.have.isComplete).to.equal(true)
    })
  })

  describe('after a failed hash', () => {
    /** A piece of 4 blocks that one peer brought alone and that failed, while another has it too. */
    const failed = (): { bench: SchedulerBench; liar: BenchPeer; other: BenchPeer } => {
      const bench = new SchedulerBench({ pieces: 1, slots: 3 })
      const liar = bench.peer()
      bench.read(0)
      bench.run()
      const other = bench.peer(undefined, { isChoking: true })
      for (const span of [...liar.inFlight]) liar.send(span)
      bench.judge(false)
      return { bench, liar, other }
    }

    it('asks others for the blocks that a peer sent, while others have the piece', () => {
      const { bench, liar, other } = failed()
      const before = liar.requested.length
      other.unchoke()
      bench.run(10)
      bench.run(10)
      expect(inFlight(other)).to.deep.equal(blocksOf(0))
      expect(liar.requested).to.have.lengthOf(before)
      expect(bench.scheduler.requests.wasted).to.equal(bench.geometry.length)
      expect(disagreements(bench, 3)).to.deep.equal([])
    })

    it('asks the same peer again when nobody else has it', () => {
      const { bench, liar, other } = failed()
      other.leave()
      bench.run(10)
      expect(inFlight(liar)).to.deep.equal(blocksOf(0))
    })

    it('has the piece once it passed, and asks for no more', () => {
      const { bench, other } = failed()
      other.unchoke()
      bench.deliver()
      expect(bench.have.isComplete).to.equal(true)
      expect(bench.slots).to.equal(3)
      expect(other.requested).to.have.lengthOf(4)
    })
  })

  describe('what is wanted without a reader', () => {
    it('comes rarest first, started pieces before others', () => {
      const bench = new SchedulerBench({ pieces: 6, random: () => 0.5 })
      const all = bench.peer(undefined, { isChoking: true })
      for (const pieces of [
        [0, 1, 2, 4, 5],
        [0, 1, 2, 5],
        [0, 2, 5]
      ])
        bench.peer(pieces, { isChoking: true })
      bench.want(0, 1, 2, 3, 4, 5)
      all.unchoke()
      bench.run()
      const order = [...new Set(all.requested.map(({ piece }) => piece))]
      expect(order.slice(0, 3)).to.deep.equal([3, 4, 1])
      expect(all.asked.slice(0, 12)).to.deep.equal([...blocksOf(3), ...blocksOf(4), ...blocksOf(1)])
    })

    it('finishes a piece that somebody gave back before another is begun', () => {
      const bench = new SchedulerBench({ pieces: 20, random: () => 0.99 })
      const first = bench.peer()
      bench.want(...Array.from({ length: 20 }, (_, i) => i))
      bench.run()
      const begun = new Set(first.requested.map(({ piece }) => piece))
      first.choke()
      const second = bench.peer()
      bench.run(1)
      for (const { piece } of second.requested.slice(0, 4 * begun.size)) expect(begun).to.include(piece)
    })

    it('ends with an endgame that asks idle peers for what slow ones hold, and cancels the loser', () => {
      const bench = new SchedulerBench({ pieces: 40 })
      bench.want(...Array.from({ length: 40 }, (_, i) => i))
      const [fast, slow] = [bench.peer(), bench.peer()]
      bench.run()
      for (let i = 0; i < 2000 && !bench.have.isComplete; i++) {
        bench.run(10)
        if (fast.inFlight[0]) fast.send(fast.inFlight[0])
        if (i % 60 === 59 && slow.inFlight[0]) slow.send(slow.inFlight[0])
        while (bench.complete.length > 0) bench.judge(true)
        expect(disagreements(bench, 1000)).to.deep.equal([])
      }
      expect(bench.have.isComplete).to.equal(true)
      expect(bench.now).to.be.below(160 * 10 + 1500)
      expect(slow.inFlight).to.deep.equal([])
      expect(slow.cancelled.length).to.be.greaterThan(0)
    })
  })
})
