import { expect } from 'chai'
import fc from 'fast-check'
import type { ReadWindow } from '../../lib/pieces/read-window.js'
import type { BlockSpan } from '../../lib/wire/message.js'
import { disagreements, nameOf, SchedulerBench, type BenchPeer } from '../support/scheduler-bench.js'

const PIECES = 8
const SLOTS = 5
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300)

const ACTS = [
  'answer',
  'answer',
  'answer',
  'answer late',
  'answer twice',
  'stray',
  'drop',
  'choke',
  'unchoke',
  'unchoke',
  'join',
  'leave',
  'have',
  'pass',
  'pass',
  'fail',
  'open',
  'close',
  'want',
  'take',
  'evict',
  'hold',
  'resume',
  'wait'
] as const

interface Step {
  readonly act: (typeof ACTS)[number]
  /** Which peer, and which of its requests, pieces or readers. */
  readonly who: number
  readonly what: number
}

/** A swarm in which everything that can happen happens, in any order. */
class Turmoil {
  readonly bench: SchedulerBench
  readonly #windows: ReadWindow[] = []
  /** Requests that a peer will never answer; and those it may still answer though they were taken back. */
  readonly #dropped = new Map<BenchPeer, Set<string>>()

  constructor(random: () => number) {
    this.bench = new SchedulerBench({ pieces: PIECES, blocks: 3, slots: SLOTS, random })
  }

  do({ act, who, what }: Step): void {
    const { bench } = this
    const peer = bench.peers[who % Math.max(1, bench.peers.length)]
    if (act === 'join') this.#join(what)
    else if (act === 'wait') bench.now += [1, 20, 300, 1500][what % 4]!
    else if (act === 'pass' || act === 'fail') bench.judge(act === 'pass')
    else if (act === 'open') this.#windows.push(this.#open(what))
    else if (act === 'want') bench.want(what % PIECES)
    else if (act === 'close' || act === 'take' || act === 'evict') this.#read(act, who, what)
    else if (peer) this.#peerDoes(peer, act, what)
    bench.run(1)
  }

  /** From now on every peer answers, lets us ask, and every hash is right: all that somebody has must come. */
  calm(): void {
    const { bench } = this
    for (const peer of bench.peers) {
      peer.supplier.pipeline.resume(bench.now)
      peer.unchoke()
    }
    for (let turn = 0; turn < 3000 && this.missing().length > 0; turn++) {
      for (const peer of bench.peers) {
        const span = peer.inFlight.find(
          ({ piece, begin }) => !this.#isDropped(peer, nameOf({ piece, begin, length: 0 }))
        )
        if (span) peer.send(span)
      }
      while (bench.complete.length > 0) bench.judge(true)
      for (const window of this.#windows) {
        const { first } = window
        if (bench.have.has(first) && !window.isDone) window.take(bench.geometry.lengthOf(first), bench.now)
      }
      bench.run(20)
    }
  }

  /** Pieces that are wanted now and lacking though a peer has them. */
  missing(): number[] {
    const { have, peers, scheduler } = this.bench
    return Array.from({ length: PIECES }, (_, index) => index).filter(
      index =>
        !have.has(index) &&
        peers.some(({ supplier }) => supplier.pieces.has(index)) &&
        (scheduler.wanted.has(index) || this.#windows.some(window => window.includes(index)))
    )
  }

  #join(what: number): void {
    const pieces = Array.from({ length: PIECES }, (_, index) => index).filter(index => what % 3 > 0 || index % 2 === 0)
    this.bench.peer(pieces, { isChoking: what % 4 === 0 })
  }

  #open(what: number): ReadWindow {
    return this.bench.read(what % PIECES, PIECES - 1, 1 + (what % 4))
  }

  #read(act: 'close' | 'take' | 'evict', who: number, what: number): void {
    const { bench } = this
    const window = this.#windows[who % Math.max(1, this.#windows.length)]
    if (act === 'close' && window) {
      this.#windows.splice(this.#windows.indexOf(window), 1)
      bench.leave(window)
    } else if (act === 'take' && window && !window.isDone && bench.have.has(window.first)) {
      window.take(bench.geometry.lengthOf(window.first), bench.now)
    } else if (act === 'evict' && bench.have.clear(what % PIECES)) {
      bench.scheduler.onLost(what % PIECES)
      bench.updateInterest()
    }
  }

  #peerDoes(peer: BenchPeer, act: Step['act'], what: number): void {
    const { bench } = this
    const span = peer.inFlight[what % Math.max(1, peer.inFlight.length)]
    const old = peer.requested[what % Math.max(1, peer.requested.length)]
    if (act === 'answer' && span && !this.#isDropped(peer, nameOf(span))) peer.send(span)
    else if (act === 'answer late' && old && !peer.inFlight.some(other => nameOf(other) === nameOf(old))) peer.send(old)
    else if (act === 'answer twice' && span) for (let i = 0; i < 2; i++) peer.send(span)
    else if (act === 'stray') this.#stray(peer, what)
    else if (act === 'drop' && span) this.#drop(peer, span)
    else if (act === 'choke') peer.choke()
    else if (act === 'unchoke') peer.unchoke()
    else if (act === 'leave') peer.leave()
    else if (act === 'have') bench.scheduler.onHave(peer.supplier, what % PIECES)
    else if (act === 'hold') peer.supplier.pipeline.hold()
    else if (act === 'resume') peer.supplier.pipeline.resume(bench.now)
  }

  #stray(peer: BenchPeer, what: number): void {
    const data = { length: what % 5 === 0 ? 16_384 : what % 20_000, copy: () => undefined }
    const { scheduler, now } = this.bench
    const begin = (what % 4) * 16_384 + (what % 7 === 0 ? 1 : 0)
    const span = { piece: what % (PIECES + 2), begin, length: data.length }
    if (peer.inFlight.some(other => nameOf(other) === nameOf(span))) return
    scheduler.onBlock(peer.supplier, span.piece, begin, data, now)
  }

  #drop(peer: BenchPeer, span: BlockSpan): void {
    const dropped = this.#dropped.get(peer) ?? new Set<string>()
    this.#dropped.set(peer, dropped)
    dropped.add(nameOf(span))
  }

  /** Dropped, until it is asked for once more. */
  #isDropped(peer: BenchPeer, name: string): boolean {
    const dropped = this.#dropped.get(peer)
    if (!dropped?.has(name)) return false
    const wasCancelled = peer.cancelled.some(span => nameOf(span) === name)
    if (wasCancelled) dropped.delete(name)
    return !wasCancelled
  }
}

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...ACTS),
  who: fc.nat(7),
  what: fc.nat(100_000)
})

describe('Scheduler: no request is ever lost', () => {
  it('whatever happens in whatever order, the books agree, and what somebody has comes', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), fc.nat(), (steps, seed) => {
        let state = seed
        const turmoil = new Turmoil(() => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32)
        for (const start of ['join', 'open', 'want'] as const) turmoil.do({ act: start, who: 0, what: seed })
        for (const [at, one] of steps.entries()) {
          turmoil.do(one)
          const found = disagreements(turmoil.bench, SLOTS)
          expect(found.join('\n'), `after step ${at}, ${one.act}`).to.equal('')
        }
        turmoil.calm()
        expect(turmoil.missing(), 'what a peer has and we do not').to.deep.equal([])
        expect(disagreements(turmoil.bench, SLOTS).join('\n'), 'at the end').to.equal('')
      }),
      { numRuns: RUNS, seed: 20_261_122, endOnFailure: false }
    )
  }).timeout(60_000)
})
