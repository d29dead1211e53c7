import { expect } from 'chai'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { DeliveryModel, UNKNOWN_RATE } from '../../lib/wire/delivery-model.js'
import { SimulatedLink } from '../support/simulated-link.js'

const MiB = 2 ** 20

/** `count` blocks, each asked for when the one before it came and here `everyMs` later. */
function oneByOne(model: DeliveryModel, count: number, everyMs: number, from = 0): number {
  let now = from
  for (let i = 0; i < count; i++) {
    const mark = model.mark(now, true, false)
    now += everyMs
    model.onBlock(now, BLOCK_LENGTH, mark, now)
  }
  return now
}

describe('DeliveryModel', () => {
  it('assumes a rate and a round trip of a peer that has sent nothing', () => {
    const model = new DeliveryModel(0, 5)
    expect(model.isMeasured).to.equal(false)
    expect(model.isSettled).to.equal(false)
    expect(model.rate).to.equal(UNKNOWN_RATE)
    expect(model.roundTripMs).to.be.greaterThan(5)
    expect(new DeliveryModel(0, 800).roundTripMs, 'a slow connect is the first hint').to.equal(800)
  })

  it('takes rate and round trip from the first block', () => {
    const model = new DeliveryModel(0, 10)
    oneByOne(model, 1, 100)
    expect(model.isMeasured).to.equal(true)
    expect(model.roundTripMs).to.equal(100)
    expect(model.rate).to.be.closeTo(BLOCK_LENGTH * 10, 1)
  })

  for (const rate of [0.1, 1, 10].map(n => n * MiB)) {
    it(`measures ${rate / MiB} MiB/s within 5 %, whatever the round trip`, () => {
      for (const roundTripMs of [1, 50, 300]) {
        const link = new SimulatedLink({ roundTripMs, rate })
        link.run(10_000)
        expect(link.pipeline.model.rate, `at ${roundTripMs} ms`).to.be.within(0.95 * rate, 1.05 * rate)
      }
    })
  }

  it('measures the round trip without the queue at the peer', () => {
    const link = new SimulatedLink({ roundTripMs: 100, rate: MiB })
    link.run(5000)
    expect(link.pipeline.model.roundTripMs).to.be.within(100, 100 + 2 * link.blockMs)
  })

  it('follows a peer that became slower, and one that became faster', () => {
    const link = new SimulatedLink({ roundTripMs: 50, rate: 2 * MiB })
    link.run(5000)
    link.rate = MiB / 4
    link.run(10_000)
    expect(link.pipeline.model.rate).to.be.within(0.9 * link.rate, 1.1 * link.rate)
    link.rate = MiB
    link.run(5000)
    expect(link.pipeline.model.rate).to.be.within(0.9 * link.rate, 1.1 * link.rate)
  })

  it('keeps the shortest round trip for ten seconds, then learns that the route grew longer', () => {
    const model = new DeliveryModel(0)
    let now = oneByOne(model, 1, 20)
    now = oneByOne(model, 49, 200, now)
    expect(now).to.be.lessThan(10_020)
    expect(model.roundTripMs).to.equal(20)
    oneByOne(model, 2, 200, now)
    expect(model.roundTripMs).to.equal(200)
  })

  it('takes no low rate from requests that we were slow to send', () => {
    const model = new DeliveryModel(0)
    oneByOne(model, 4, 10)
    const { rate } = model
    const mark = model.mark(100, false, true)
    model.onBlock(1000, BLOCK_LENGTH, mark, 1000)
    expect(model.rate).to.equal(rate)
    const fair = model.mark(1000, false, false)
    model.onBlock(2000, BLOCK_LENGTH, fair, 2000)
    expect(model.rate).to.be.lessThan(rate)
  })

  it('counts no idle time: the rate is that of the time in which something was asked for', () => {
    const model = new DeliveryModel(0)
    const now = oneByOne(model, 4, 10)
    const { rate } = model
    oneByOne(model, 1, 10, now + 60_000)
    expect(model.rate).to.be.closeTo(rate, 1)
  })

  it('learns how far arrivals stray: punctual peers come to nearly none, others to what they do', () => {
    const punctual = new DeliveryModel(0)
    oneByOne(punctual, 100, 10)
    expect(punctual.deviationMs).to.be.lessThan(1)
    const erratic = new DeliveryModel(0)
    for (let i = 1; i <= 100; i++) {
      const now = i * 100
      erratic.onBlock(now, BLOCK_LENGTH, erratic.mark(now - 50, true, false), now - (i % 2 === 0 ? 40 : -40))
    }
    expect(erratic.deviationMs).to.be.within(35, 45)
  })

  it('settles when more requests in flight bring no more, and not before', () => {
    const link = new SimulatedLink({ roundTripMs: 100, rate: 4 * MiB })
    link.run(150)
    expect(link.pipeline.model.isSettled).to.equal(false)
    link.run(5000)
    expect(link.pipeline.model.isSettled).to.equal(true)
  })

  it('lengthens the round trip by a silence, never shortens it', () => {
    const model = new DeliveryModel(0, 100)
    model.onNothing(50)
    expect(model.roundTripMs).to.equal(100)
    model.onNothing(700)
    expect(model.roundTripMs).to.equal(700)
  })

  it('says how long bytes take once they flow', () => {
    const model = new DeliveryModel(0)
    expect(model.transmitMs(UNKNOWN_RATE)).to.equal(1000)
    expect(model.transmitMs()).to.equal((BLOCK_LENGTH * 1000) / UNKNOWN_RATE)
  })
})
