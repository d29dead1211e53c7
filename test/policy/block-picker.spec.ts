import { expect } from 'chai'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Rarity } from '../../lib/pieces/rarity.js'
import { ReadWindow } from '../../lib/pieces/read-window.js'
import { BlockPicker, type SwarmView } from '../../lib/policy/block-picker.js'
import { readingsOf } from '../../lib/policy/reading.js'
import { soonestFirst } from '../../lib/policy/supplier.js'
import { SchedulerBench, type BenchPeer } from '../support/scheduler-bench.js'

/** A picker over the pieces of a bench whose scheduler decides nothing. */
function pickerOf(bench: SchedulerBench, wanted = new Bitfield(bench.geometry.pieceCount)) {
  const rarity = new Rarity(bench.geometry.pieceCount)
  for (const { supplier } of bench.peers) rarity.addPeer(supplier.pieces)
  for (let index = 0; index < wanted.length; index++) if (wanted.has(index)) rarity.include(index)
  const { pieces } = bench.scheduler
  const picker = new BlockPicker(pieces, rarity, wanted, () => 0)
  const view = (bestEtaMs = 60, rate = 0): SwarmView => ({
    now: bench.now,
    rate,
    bestEtaMs,
    suppliers: bench.scheduler.suppliers,
    open: soonestFirst([...bench.scheduler.suppliers], bench.now),
    readings: []
  })
  /** Picks and asks: `piece:block`, or undefined. */
  const next = (peer: BenchPeer, windows: readonly ReadWindow[], at = view()): string | undefined => {
    const picked = picker.pick(peer.supplier, { ...at, readings: readingsOf(windows, pieces, at.now) })
    if (picked) pieces.ask(picked.piece, picked.block, peer.supplier)
    return picked && `${picked.piece.index}:${picked.block}`
  }
  return { next, view }
}

function windowOf(bench: SchedulerBench, first: number, last: number): ReadWindow {
  const { pieceLength } = bench.geometry
  const window = new ReadWindow(bench.geometry, first * pieceLength, (last + 1) * pieceLength - 100, 0)
  window.readAhead = (last - first + 1) * pieceLength
  window.isWaiting = true
  return window
}

describe('BlockPicker', () => {
  it('picks block after block from the window on, and nothing beyond it', () => {
    const bench = new SchedulerBench({ pieces: 5, blocks: 2 })
    const peer = bench.peer()
    const { next } = pickerOf(bench)
    const window = windowOf(bench, 1, 2)
    const picked = Array.from({ length: 5 }, () => next(peer, [window]))
    expect(picked).to.deep.equal(['1:0', '1:1', '2:0', '2:1', undefined])
  })

  it('passes over what the peer lacks and what is here', () => {
    const bench = new SchedulerBench({ pieces: 5, blocks: 1 })
    const peer = bench.peer([1, 2, 4])
    bench.have.set(2)
    const { next } = pickerOf(bench)
    expect([next(peer, [windowOf(bench, 0, 4)]), next(peer, [windowOf(bench, 0, 4)])]).to.deep.equal(['1:0', '4:0'])
  })

  it('goes through the windows in the order given, then to what is wanted anyway', () => {
    const bench = new SchedulerBench({ pieces: 5, blocks: 1 })
    const peer = bench.peer()
    const wanted = new Bitfield(5)
    wanted.set(4)
    const { next } = pickerOf(bench, wanted)
    const windows = [windowOf(bench, 3, 3), windowOf(bench, 0, 0)]
    expect([next(peer, windows), next(peer, windows), next(peer, windows)]).to.deep.equal(['3:0', '0:0', '4:0'])
  })

  it('sends a late peer to what the others will not have brought by then', () => {
    const bench = new SchedulerBench({ pieces: 100, blocks: 1 })
    const [late, quick] = [bench.peer(undefined, { connectMs: 1060 }), bench.peer()]
    bench.read(0)
    const { next, view } = pickerOf(bench)
    const window = windowOf(bench, 0, 99)
    // In the second that it is later, the others bring ten pieces.
    const rate = late.supplier.pipeline.model.rate + 10 * bench.geometry.pieceLength
    expect(next(late, [window], view(60, rate))).to.equal('10:0')
    expect(next(quick, [window], view(60, rate))).to.equal('0:0')
  })

  it('lets a late peer take what only it has', () => {
    const bench = new SchedulerBench({ pieces: 4, blocks: 1 })
    const late = bench.peer(undefined, { connectMs: 5000 })
    bench.peer([1, 2, 3])
    bench.read(0)
    const { next, view } = pickerOf(bench)
    const window = windowOf(bench, 0, 3)
    const first = next(late, [window], view(60, 2 ** 24))
    expect(first).to.equal('3:0')
    expect(next(late, [window], view(60, 2 ** 24)), 'nobody else has it').to.equal('0:0')
  })

  it('begins no piece without memory, but goes on with those begun', () => {
    const bench = new SchedulerBench({ pieces: 3, blocks: 2, slots: 1 })
    const peer = bench.peer()
    const { next } = pickerOf(bench)
    const window = windowOf(bench, 0, 2)
    expect([next(peer, [window]), next(peer, [window]), next(peer, [window])]).to.deep.equal(['0:0', '0:1', undefined])
  })
})
