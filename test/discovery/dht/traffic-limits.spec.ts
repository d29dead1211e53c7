import { expect } from 'chai'
import fc from 'fast-check'
import { Allowance, TrafficLimits } from '../../../lib/discovery/dht/traffic-limits.js'
import {
  DHT_BYTES_PER_SECOND,
  DHT_FLOOD_MS,
  DHT_FLOOD_QUERIES,
  DHT_FLOOD_REST_MS,
  DHT_MAX_HOSTS,
  DHT_QUERIES_PER_SECOND
} from '../../../lib/limits.js'

const HOST = '1.2.3.4'

/** How many of `count` queries in one moment are heard. */
function heard(limits: TrafficLimits, count: number, now: number, host = HOST): number {
  return Array.from({ length: count }, () => limits.hears(host, now)).filter(Boolean).length
}

describe('what the DHT may say', () => {
  it('is 20 questions and 8000 bytes a second', () => {
    const limits = new TrafficLimits(0)
    expect([DHT_QUERIES_PER_SECOND, DHT_BYTES_PER_SECOND]).to.deep.equal([20, 8000])
    expect(limits.queries.available(0)).to.equal(20)
    expect(limits.answers.available(0)).to.equal(8000)
  })

  it('is taken whole or not at all', () => {
    const allowance = new Allowance(10, 0)
    expect(allowance.take(11, 0)).to.equal(false)
    expect(allowance.take(10, 0)).to.equal(true)
    expect(allowance.take(1, 0)).to.equal(false)
    expect(allowance.available(0)).to.equal(0)
  })

  it('comes back with time, and no more than a second of it is saved up', () => {
    const allowance = new Allowance(10, 0)
    allowance.take(10, 0)
    expect(allowance.available(500)).to.equal(5)
    expect(allowance.available(1_000_000)).to.equal(10)
  })

  it('is there after the time that it names, and not before', () => {
    const allowance = new Allowance(20, 0)
    allowance.take(20, 0)
    expect(allowance.waitMs(1, 0)).to.equal(50)
    expect(allowance.take(1, 49)).to.equal(false)
    expect(allowance.take(1, 50)).to.equal(true)
    expect(allowance.waitMs(0, 50)).to.equal(0)
  })

  it('never is more than two seconds of it in any second', () => {
    const step = fc.record({ ms: fc.nat(400), amount: fc.integer({ min: 1, max: 30 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const allowance = new Allowance(20, 0)
        const taken: { at: number; amount: number }[] = []
        let now = 0
        for (const { ms, amount } of steps) {
          now += ms
          if (allowance.take(amount, now)) taken.push({ at: now, amount })
          const lately = taken.filter(({ at }) => now - at < 1000).reduce((sum, each) => sum + each.amount, 0)
          expect(lately).to.be.at.most(40)
          expect(taken.reduce((sum, each) => sum + each.amount, 0)).to.be.at.most(20 + (now / 1000) * 20 + 1e-6)
        }
      })
    )
  })
})

describe('what the DHT hears', () => {
  it('is 50 questions of a host at once and 5 more a second, then none for 5 minutes', () => {
    expect([DHT_FLOOD_QUERIES, DHT_FLOOD_MS, DHT_FLOOD_REST_MS]).to.deep.equal([50, 10_000, 300_000])
    const limits = new TrafficLimits(0)
    expect(heard(limits, 50, 0)).to.equal(50)
    expect(limits.isMuted(HOST, 0)).to.equal(false)
    expect(heard(limits, 5, 1000)).to.equal(5)
    expect(heard(limits, 10, 1000)).to.equal(0)
    expect(limits.isMuted(HOST, 1000)).to.equal(true)
    expect(heard(limits, 1, 1000 + 299_999)).to.equal(0)
    expect(limits.isMuted(HOST, 1000 + 300_000)).to.equal(false)
    expect(heard(limits, 50, 1000 + 300_000)).to.equal(50)
  })

  it('is no more around the end of a period than within it', () => {
    for (const end of [DHT_FLOOD_MS, 2 * DHT_FLOOD_MS]) {
      const limits = new TrafficLimits(0)
      heard(limits, 1, 0)
      expect(heard(limits, 60, end - 1) + heard(limits, 60, end + 1)).to.equal(50)
    }
  })

  it('is counted for all addresses of one IPv6 network together, and for each of IPv4', () => {
    const limits = new TrafficLimits(0)
    const from = (make: (i: number) => string): number =>
      Array.from({ length: 60 }, (_, i) => limits.hears(make(i), 0)).filter(Boolean).length
    expect(from(i => `2600:1:2:3::${i + 1}`)).to.equal(50)
    expect(limits.isMuted('2600:1:2:3:ffff::1', 0)).to.equal(true)
    expect(limits.isMuted('2600:1:2:4::1', 0)).to.equal(false)
    expect(from(i => `2600:1:2:${i + 10}::1`)).to.equal(60)
    expect(from(i => `9.8.7.${i}`)).to.equal(60)
  })

  it('is everything of a host that keeps to the measure', () => {
    const limits = new TrafficLimits(0)
    for (let now = 0; now < 600_000; now += 200) expect(limits.hears(HOST, now)).to.equal(true)
  })

  it('of one host does not depend on another', () => {
    const limits = new TrafficLimits(0)
    heard(limits, 60, 0)
    expect(limits.isMuted('5.6.7.8', 0)).to.equal(false)
    expect(heard(limits, 50, 0, '5.6.7.8')).to.equal(50)
  })

  it(`is counted for the last ${DHT_MAX_HOSTS} hosts`, () => {
    const limits = new TrafficLimits(0)
    const others = (count: number): void => {
      for (let i = 0; i < count; i++) limits.hears(`10.0.${i >> 8}.${i & 255}`, 0)
    }
    heard(limits, 60, 0)
    others(DHT_MAX_HOSTS - 1)
    expect(limits.isMuted(HOST, 0)).to.equal(true)
    others(DHT_MAX_HOSTS)
    expect(limits.isMuted(HOST, 0)).to.equal(false)
  })
})
