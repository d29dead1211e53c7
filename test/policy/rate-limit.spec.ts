import { expect } from 'chai'
import fc from 'fast-check'
import { BLOCK_LENGTH, RATE_BURST_MS } from '../../lib/limits.js'
import { RateLimit } from '../../lib/policy/rate-limit.js'

/** Blocks pass as soon as they may, from `from` to `to`. */
function bytesBetween(limit: RateLimit, from: number, to: number): number {
  let bytes = 0
  for (let now = from; now < to;) {
    const waitMs = limit.take(BLOCK_LENGTH, now)
    if (waitMs === 0) bytes += BLOCK_LENGTH
    else now += waitMs
  }
  return bytes
}

describe('RateLimit', () => {
  it('without a rate lets everything pass', () => {
    for (const none of [undefined, 0]) {
      const limit = new RateLimit(none)
      expect(limit.rate).to.equal(undefined)
      for (let i = 0; i < 1000; i++) expect(limit.take(2 ** 30, 0)).to.equal(0)
    }
  })

  it('lets its rate pass, for any rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 1e8 }), rate => {
        const seconds = Math.max(10, Math.ceil((20 * BLOCK_LENGTH) / rate))
        const bytes = bytesBetween(new RateLimit(rate), 0, seconds * 1000)
        expect(bytes).to.be.within(rate * seconds * 0.98, rate * seconds + 2 * BLOCK_LENGTH)
      }),
      { numRuns: 30 }
    )
  })

  it('within any time passes no more than the rate, a burst and a block', () => {
    const asks = fc.array(fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: BLOCK_LENGTH })), { maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 1e6 }), asks, (rate, steps) => {
        const limit = new RateLimit(rate)
        const passed: { at: number; bytes: number }[] = []
        let now = 0
        for (const [pauseMs, bytes] of steps) {
          now += pauseMs
          if (limit.take(bytes, now) === 0) passed.push({ at: now, bytes })
        }
        passed.forEach(({ at: since }, first) => {
          let sum = 0
          for (const { at, bytes } of passed.slice(first)) {
            sum += bytes
            const allowed = (rate * (at - since + RATE_BURST_MS)) / 1000 + BLOCK_LENGTH
            expect(sum).to.be.at.most(allowed + 1)
          }
        })
      })
    )
  })

  it('counts at the new rate as soon as it is changed', () => {
    const limit = new RateLimit(16_384)
    expect(limit.take(16_384, 0)).to.equal(0)
    expect(limit.take(16_384, 0)).to.equal(1000)
    limit.setRate(1_638_400, 0)
    expect(limit.take(16_384, 0)).to.be.closeTo(1000, 1)
    limit.setRate(undefined, 0)
    expect(limit.take(16_384, 0)).to.equal(0)
    limit.setRate(16_384, 0)
    expect(bytesBetween(limit, 0, 10_000)).to.be.within(160_000, 200_000)
  })

  it('does not run backwards with a clock that does', () => {
    const limit = new RateLimit(1000)
    limit.take(1000, 5000)
    expect(limit.take(1, 0)).to.be.above(0)
  })
})
