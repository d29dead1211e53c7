import { expect } from 'chai'
import { BLOCK_LENGTH, MAX_REQUESTS_SENT } from '../../lib/limits.js'
import { DeliveryModel } from '../../lib/wire/delivery-model.js'
import { RequestPipeline, SNUB_AFTER_MS } from '../../lib/wire/request-pipeline.js'
import { SimulatedLink } from '../support/simulated-link.js'

const MiB = 2 ** 20
const PIECE = 'piece'

function pipelineOf(firstDepth = 8, connectMs = 100, maxDepth?: number): RequestPipeline<string> {
  return new RequestPipeline<string>(new DeliveryModel(0, connectMs), firstDepth, maxDepth)
}

/** A pipeline that has measured 1 MiB/s at 100 ms, with `inFlight` requests (keys from 0 on) sent at its time `now`. */
function measured(inFlight: number): { pipeline: RequestPipeline<string>; now: number } {
  const pipeline = pipelineOf()
  let now = 0
  for (let key = 1000; key < 1050; key++) pipeline.add(key, PIECE, 0, BLOCK_LENGTH, now)
  now += 100
  for (let key = 1000; key < 1050; key++) {
    now += (BLOCK_LENGTH * 1000) / MiB
    pipeline.onBlock(key, BLOCK_LENGTH, now)
  }
  for (let key = 0; key < inFlight; key++) pipeline.add(key, PIECE, key, BLOCK_LENGTH, now)
  return { pipeline, now }
}

/** When each request in flight is expected as things look `now`, by its key. */
function foreseen(pipeline: RequestPipeline<string>, now: number): Map<number, number> {
  pipeline.foresee(now)
  return new Map([...pipeline.requests()].map(({ block, foreseenAt }) => [block, foreseenAt]))
}

describe('RequestPipeline', () => {
  describe('depth', () => {
    it('is the first depth until a block has come, one when snubbed, never more than the peer queues', () => {
      const pipeline = pipelineOf(8, 100, 5)
      expect(pipeline.depth).to.equal(5)
      pipeline.firstDepth = 3
      expect(pipeline.depth).to.equal(3)
      pipeline.isSnubbed = true
      expect(pipeline.depth).to.equal(1)
    })

    it('doubles each round trip from the first block on', () => {
      const roundTripMs = 200
      const link = new SimulatedLink({ roundTripMs, rate: 1000 * MiB, firstDepth: 4 })
      link.run(roundTripMs + 10)
      for (let round = 0; round < 4; round++) {
        const before = link.pipeline.size
        link.run(roundTripMs)
        expect(link.pipeline.size, `round ${round}`).to.be.at.least(
          Math.min(MAX_REQUESTS_SENT, Math.floor(1.9 * before))
        )
      }
      expect(link.pipeline.size).to.be.at.least(64)
    })

    for (const rate of [MiB, 10 * MiB]) {
      for (const roundTripMs of [1, 50, 100, 300]) {
        it(`fills ${rate / MiB} MiB/s at ${roundTripMs} ms to 95 %, with no more than the line and 250 ms in flight`, () => {
          const link = new SimulatedLink({ roundTripMs, rate })
          link.run(7000)
          link.mostInFlight = 0
          expect(link.run(2500)).to.be.at.least(0.95 * 2.5 * rate)
          expect(link.mostInFlight).to.be.at.most(MAX_REQUESTS_SENT)
          // A new urgent block waits behind the queue: round trip and 150 ms, with some room for rounding.
          const line = (rate * (roundTripMs + 250)) / 1000 / BLOCK_LENGTH
          expect(link.mostInFlight).to.be.at.most(Math.ceil(line) + 1)
        })
      }
    }

    it('fills the line within two seconds of a cold start, at any round trip', () => {
      for (const roundTripMs of [1, 50, 100, 300]) {
        const link = new SimulatedLink({ roundTripMs, rate: 4 * MiB })
        link.run(2000)
        expect(link.run(1000), `at ${roundTripMs} ms`).to.be.at.least(0.9 * 4 * MiB)
      }
    })

    it('stops at what a peer may be asked for, on a line that could take more', () => {
      const link = new SimulatedLink({ roundTripMs: 300, rate: 100 * MiB })
      link.run(10_000)
      expect(link.mostInFlight).to.equal(MAX_REQUESTS_SENT)
    })
  })

  describe('expectations', () => {
    it('come one after the other at the measured rate, not before the round trip', () => {
      const { pipeline, now } = measured(20)
      const expected = [...foreseen(pipeline, now).values()]
      expect(expected).to.have.lengthOf(20)
      expect(expected[0]! - now).to.be.at.least(pipeline.model.roundTripMs)
      for (let i = 1; i < 20; i++) expect(expected[i]!).to.be.at.least(expected[i - 1]!)
      const blockMs = pipeline.model.transmitMs()
      expect(expected[19]! - now).to.be.closeTo(pipeline.model.roundTripMs + 19 * blockMs, blockMs)
    })

    it('say the same for the next request as `etaMs`', () => {
      const { pipeline, now } = measured(20)
      const eta = pipeline.etaMs(now)
      pipeline.add(99, PIECE, 99, BLOCK_LENGTH, now)
      expect(foreseen(pipeline, now).get(99)! - now).to.be.closeTo(eta, pipeline.model.transmitMs())
    })

    it('move on while the peer is silent: as long again as the silence has lasted', () => {
      const { pipeline, now } = measured(4)
      const due = foreseen(pipeline, now).get(0)!
      const late = foreseen(pipeline, due + 300)
      expect(late.get(0)! - (due + 300)).to.be.closeTo(300, 30)
      expect(pipeline.etaMs(due + 300)).to.be.at.least(300)
    })

    it('take a request that was passed over three times for overdue, though others come', () => {
      const { pipeline, now } = measured(12)
      let at = now + 100
      for (let key = 1; key <= 3; key++) pipeline.onBlock(key, BLOCK_LENGTH, (at += 16))
      for (let key = 4; key <= 11; key++) pipeline.onBlock(key, BLOCK_LENGTH, (at += 100))
      expect(foreseen(pipeline, at).get(0)! - at).to.be.at.least(500)
    })
  })

  describe('lost requests', () => {
    it('are those passed over thrice and a second overdue, not one that is merely slow', () => {
      const { pipeline, now } = measured(12)
      let at = now + 100
      for (const key of [1, 2]) pipeline.onBlock(key, BLOCK_LENGTH, (at += 16))
      expect(pipeline.lost(at + 5000), 'passed over twice').to.equal(undefined)
      pipeline.onBlock(3, BLOCK_LENGTH, (at += 16))
      expect(pipeline.lost(at), 'not overdue yet').to.equal(undefined)
      expect(pipeline.lost(at + SNUB_AFTER_MS + 500)?.block).to.equal(0)
    })

    it('do not make the peer silent: it answers others', () => {
      const { pipeline, now } = measured(50)
      let at = now
      for (let key = 1; key < 50; key++) {
        at += 100
        pipeline.onBlock(key, BLOCK_LENGTH, at)
        expect(pipeline.isSilent(at + 500)).to.equal(false)
      }
    })
  })

  describe('silence', () => {
    it('is counted from when the block was due, and ends a second later', () => {
      const { pipeline, now } = measured(4)
      const limit = pipeline.silentAt(now)
      expect(limit - now).to.be.within(SNUB_AFTER_MS + 50, SNUB_AFTER_MS + 500)
      expect(pipeline.isSilent(limit - 1)).to.equal(false)
      expect(pipeline.isSilent(limit + 1)).to.equal(true)
    })

    it('is none while nothing is asked for', () => {
      const { pipeline, now } = measured(0)
      expect(pipeline.isSilent(now + 3_600_000)).to.equal(false)
      pipeline.add(1, PIECE, 1, BLOCK_LENGTH, now + 3_600_000)
      expect(pipeline.isSilent(now + 3_600_000 + SNUB_AFTER_MS)).to.equal(false)
    })

    it('is not excused by taking a request back and asking for another', () => {
      const { pipeline, now } = measured(2)
      const limit = pipeline.silentAt(now)
      pipeline.remove(0, limit - 10)
      pipeline.add(7, PIECE, 7, BLOCK_LENGTH, limit - 5)
      expect(pipeline.isSilent(limit + 1)).to.equal(true)
    })

    it('ends with any block; a snubbed peer has its depth again', () => {
      const { pipeline, now } = measured(4)
      pipeline.isSnubbed = true
      expect(pipeline.depth).to.equal(1)
      pipeline.onBlock(0, BLOCK_LENGTH, now + 3000)
      expect(pipeline.isSnubbed).to.equal(false)
      expect(pipeline.isSilent(now + 3000)).to.equal(false)
      expect(pipeline.depth).to.be.greaterThan(1)
    })

    it('that is ours never blames the peer, however long we hold it', () => {
      const { pipeline, now } = measured(4)
      pipeline.hold()
      expect(pipeline.isSilent(now + 3_600_000)).to.equal(false)
      const etaHeld = pipeline.etaMs(now + 3_600_000)
      expect(etaHeld).to.be.lessThan(1000)
      const back = now + 3_600_000
      pipeline.resume(back)
      expect(pipeline.isSilent(back + SNUB_AFTER_MS)).to.equal(false)
      expect(pipeline.isSilent(back + 3 * SNUB_AFTER_MS), 'it owes us the block from then on').to.equal(true)
    })

    it('that is ours leaves no trace in the rate', () => {
      const { pipeline, now } = measured(8)
      const { rate } = pipeline.model
      pipeline.hold()
      pipeline.resume(now + 60_000)
      for (let key = 0; key < 8; key++) pipeline.onBlock(key, BLOCK_LENGTH, now + 60_000 + (key + 1) * 16)
      expect(pipeline.model.rate).to.be.at.least(rate / 2)
    })
  })

  describe('bookkeeping', () => {
    it('counts requests and bytes, oldest first', () => {
      const pipeline = pipelineOf()
      pipeline.add(5, PIECE, 5, BLOCK_LENGTH, 0)
      pipeline.add(3, PIECE, 3, 100, 0)
      expect([...pipeline.requests()].map(({ block }) => block)).to.deep.equal([5, 3])
      expect(pipeline.bytes).to.equal(BLOCK_LENGTH + 100)
      expect(pipeline.remove(5, 1)?.block).to.equal(5)
      expect(pipeline.has(5)).to.equal(false)
      expect(pipeline.remove(5, 1)).to.equal(undefined)
      expect(pipeline.onBlock(3, 100, 2)?.block).to.equal(3)
      expect([pipeline.size, pipeline.bytes]).to.deep.equal([0, 0])
    })

    it('learns no round trip from a block that was taken back and asked for again: the first request may have been answered', () => {
      const { pipeline, now } = measured(1)
      const { roundTripMs } = pipeline.model
      pipeline.remove(0, now + 60)
      pipeline.add(0, PIECE, 0, BLOCK_LENGTH, now + 95)
      pipeline.onBlock(0, BLOCK_LENGTH, now + 100)
      expect(pipeline.model.roundTripMs).to.equal(roundTripMs)
      pipeline.add(0, PIECE, 0, BLOCK_LENGTH, now + 200)
      pipeline.onBlock(0, BLOCK_LENGTH, now + 250)
      expect(pipeline.model.roundTripMs, 'asked for once').to.equal(50)
    })

    it('learns nothing from a block that was not in flight', () => {
      const pipeline = pipelineOf()
      expect(pipeline.onBlock(1, BLOCK_LENGTH, 10)).to.equal(undefined)
      expect(pipeline.model.isMeasured).to.equal(false)
    })
  })
})
