import { expect } from 'chai'
import type { ReadWindow } from '../../lib/pieces/read-window.js'
import { readingsOf } from '../../lib/policy/reading.js'
import { Rescuer, type Rescue } from '../../lib/policy/rescue.js'
import { soonestFirst } from '../../lib/policy/supplier.js'
import { SchedulerBench, type BenchPeer } from '../support/scheduler-bench.js'

/** A reader that waits for piece 0, all of which `slow` holds; `quick` has shown that it is fast and is idle. */
function swarm(roundTripMs = 20): { bench: SchedulerBench; slow: BenchPeer; quick: BenchPeer; window: ReadWindow } {
  const bench = new SchedulerBench({ pieces: 20 })
  const slow = bench.peer()
  const window = bench.read(0, 0)
  bench.run()
  const quick = bench.peer()
  measure(quick, roundTripMs)
  return { bench, slow, quick, window }
}

/** Twenty blocks, 2 ms apart, after a round trip. */
function measure({ supplier: { pipeline } }: BenchPeer, roundTripMs = 20): void {
  for (let key = 1000; key < 1020; key++) pipeline.add(key, [...pipeline.requests()][0]?.piece as never, 0, 16_384, 0)
  for (let key = 1000; key < 1020; key++) pipeline.onBlock(key, 16_384, roundTripMs + (key - 1000) * 2)
}

function proposals({ bench, window }: { bench: SchedulerBench; window: ReadWindow }, now: number, limit = Infinity) {
  const found: Rescue[] = []
  const { suppliers, pieces } = bench.scheduler
  const open = soonestFirst([...suppliers], now)
  const view = { now, rate: 2 ** 20, bestEtaMs: 20, suppliers, open, readings: readingsOf([window], pieces, now) }
  const lookAgainAt = new Rescuer(pieces).rescue(view, rescue => {
    if (found.length >= limit) return false
    found.push(rescue)
    pieces.ask(rescue.piece, rescue.block, rescue.supplier)
    return true
  })
  return { found, lookAgainAt }
}

describe('Rescuer', () => {
  it('proposes nothing while blocks are in time, and says when to look again', () => {
    const bench = new SchedulerBench({ pieces: 20 })
    bench.have.set(0)
    bench.peer()
    const window = bench.read(0, 1)
    bench.run()
    measure(bench.peer())
    window.isWaiting = false
    window.takeRate = bench.geometry.pieceLength / 10
    const { found, lookAgainAt } = proposals({ bench, window }, 0)
    expect(found).to.deep.equal([])
    expect(lookAgainAt).to.be.greaterThan(0)
  })

  it('proposes the late blocks of the head, nearest first, to the peer that brings them soonest', () => {
    const all = swarm()
    const { found } = proposals(all, 600)
    expect(found.map(({ block }) => block)).to.deep.equal([0, 1, 2, 3])
    for (const { supplier } of found) expect(supplier).to.equal(all.quick.supplier)
  })

  it('expects nothing of a peer that was never heard of and is late: even a far one may be sooner', () => {
    const all = swarm(300)
    // Until its first block 62.5 ms are assumed of it.
    expect(proposals(all, 62 + 45).found).to.deep.equal([])
    expect(proposals(all, 62 + 55).found.map(({ block }) => block)).to.deep.equal([0, 1, 2, 3])
  })

  it('stops when it is told to, and looks again soon', () => {
    const { found, lookAgainAt } = proposals(swarm(), 600, 2)
    expect(found).to.have.lengthOf(2)
    expect(lookAgainAt).to.be.within(601, 700)
  })

  it('asks nobody who chokes us, is snubbed, lacks the piece, is not known, or may have spoilt the block', () => {
    const excuses: ((peer: BenchPeer) => void)[] = [
      peer => (peer.supplier.isChoking = true),
      peer => (peer.supplier.pipeline.isSnubbed = true),
      peer => peer.supplier.pieces.clear(0)
    ]
    for (const excuse of excuses) {
      const all = swarm()
      excuse(all.quick)
      expect(proposals(all, 600).found).to.deep.equal([])
    }
    const bench = new SchedulerBench({ pieces: 1 })
    bench.peer()
    const window = bench.read(0)
    bench.run()
    bench.peer()
    expect(proposals({ bench, window }, 600).found).to.deep.equal([])
  })

  it('rescues nothing for a reader that pauses', () => {
    const all = swarm()
    all.window.isWaiting = false
    expect(proposals(all, 60_000)).to.deep.equal({ found: [], lookAgainAt: undefined })
  })

  it('asks no third peer while the second is in time', () => {
    const all = swarm()
    proposals(all, 600)
    const third = all.bench.peer()
    measure(third)
    expect(proposals(all, 601).found).to.deep.equal([])
  })

  it('has nobody to ask in a swarm of one', () => {
    const all = swarm()
    all.quick.leave()
    expect(proposals(all, 600)).to.deep.equal({ found: [], lookAgainAt: undefined })
  })
})
