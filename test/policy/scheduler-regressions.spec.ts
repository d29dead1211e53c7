/** Faults of the scheduler that were found and must not come back. */
import { expect } from 'chai'
import { MAX_REQUESTS_SENT } from '../../lib/limits.js'
import { doubledBytes, SchedulerBench, nameOf } from '../support/scheduler-bench.js'
import { SimulatedLink } from '../support/simulated-link.js'

describe('Scheduler, where it once went wrong', () => {
  it('a piece whose hash is being computed is not asked for again', () => {
    const bench = new SchedulerBench({ pieces: 4 })
    const peer = bench.peer([1])
    bench.read(0)
    bench.run()
    for (const span of [...peer.inFlight]) peer.send(span)
    expect(bench.complete).to.have.lengthOf(1)
    bench.run(10)
    expect(peer.inFlight.map(nameOf)).to.deep.equal([])
  })
  it('nor by a second reader', () => {
    const bench = new SchedulerBench({ pieces: 4 })
    const peer = bench.peer()
    bench.read(0, 0)
    bench.run()
    for (const span of [...peer.inFlight]) peer.send(span)
    bench.read(0, 0)
    bench.run(10)
    expect(peer.inFlight.map(nameOf)).to.deep.equal([])
  })
  it('nor by want', () => {
    const bench = new SchedulerBench({ pieces: 4 })
    const peer = bench.peer()
    bench.read(0, 0)
    bench.run()
    for (const span of [...peer.inFlight]) peer.send(span)
    bench.want(0)
    bench.run(10)
    expect(peer.inFlight.map(nameOf)).to.deep.equal([])
  })
  it('second requests stay within the allowance', () => {
    const bench = new SchedulerBench({ pieces: 400, blocks: 16 })
    const peers = Array.from({ length: 12 }, () => bench.peer())
    const window = bench.read(0, 399, 40)
    let most = 0
    let state = 5
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
    for (let i = 0; i < 3000; i++) {
      bench.run(10)
      peers.forEach((peer, n) => {
        const span = peer.inFlight[0]
        if (span && random() < (n < 6 ? 0.9 : i % 200 < 100 ? 0.5 : 0.01)) peer.send(span)
      })
      while (bench.complete.length > 0) bench.judge(true)
      while (!window.isDone && bench.have.has(window.first))
        window.take(bench.geometry.lengthOf(window.first), bench.now)
      const { wasted, received } = bench.scheduler.requests
      most = Math.max(most, wasted + doubledBytes(bench) - received * 0.025 - 512 * 1024)
    }
    expect(most).to.be.at.most(0)
  })
  it('interest after eviction', () => {
    const bench = new SchedulerBench({ pieces: 4 })
    for (let i = 0; i < 4; i++) bench.have.set(i)
    const peer = bench.peer([2])
    bench.read(0)
    expect(peer.isInterested).to.equal(false)
    bench.have.clear(2)
    bench.scheduler.onLost(2)
    bench.run()
    expect(peer.isInterested).to.equal(true)
  })
  it('queue at the peer stays short', () => {
    const link = new SimulatedLink({ roundTripMs: 100, rate: 4 * 2 ** 20 })
    link.run(60_000)
    expect(link.pipeline.size).to.be.lessThan(MAX_REQUESTS_SENT / 2)
  })
  it('the only owner that lets us ask is asked again after a failed hash', () => {
    const bench = new SchedulerBench({ pieces: 1 })
    const peer = bench.peer()
    bench.read(0)
    bench.run()
    bench.peer(undefined, { isChoking: true })
    for (const span of [...peer.inFlight]) peer.send(span)
    bench.judge(false)
    bench.run(100)
    expect(peer.inFlight).to.have.lengthOf(4)
  })
  it('pieces that nobody can finish leave memory for those that somebody can', () => {
    const bench = new SchedulerBench({ pieces: 4, slots: 2 })
    const first = bench.peer([0, 1])
    bench.want(0, 1, 2, 3)
    bench.run()
    first.send(first.inFlight[0]!)
    first.leave()
    bench.peer([2, 3])
    bench.deliver()
    expect([2, 3].filter(index => bench.have.has(index))).to.deep.equal([2, 3])
  })
  it('the endgame of pieces asked, with a choked-out window', () => {
    const bench = new SchedulerBench({ pieces: 2, slots: 1 })
    const first = bench.peer([1])
    bench.read(0)
    bench.run()
    expect(first.inFlight).to.have.lengthOf(4)
    const second = bench.peer([0])
    bench.run(10)
    expect(second.inFlight).to.have.lengthOf(4)
  })
})
