import { expect } from 'chai'
import * as fc from 'fast-check'
import { progressLine, secondsLeft } from '../../bin/progress.js'
import type { ProgressFacts } from '../../bin/messages/events.js'
import { duration, percent } from '../../bin/messages/quantity.js'

const facts: ProgressFacts = {
  done: 54_100_000,
  total: 128_000_000,
  downloadRate: 12_400_000,
  uploadRate: 0,
  peers: 3,
  eta: 6,
  waiting: null
}

describe('progressLine', () => {
  it('shows share, rate, peers and time left, with a bar where there is room', () => {
    expect(progressLine(facts, 80)).to.equal('[############------------------]  42.2%  12.4 MB/s  3 peers  0:06 left')
    expect(progressLine(facts, 45)).to.equal(' 42.2%  12.4 MB/s  3 peers  0:06 left')
    expect(progressLine(facts, 36)).to.equal('42.2%  12.4 MB/s  3 p  0:06')
    expect(progressLine(facts, 20)).to.equal('42.2%  12.4 MB/s')
    expect(progressLine(facts, 10)).to.equal('42.2%')
  })

  it('never fills the last column, whatever the figures', () => {
    const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER })
    const any = fc.record({ done: whole, total: whole, downloadRate: whole, peers: fc.nat(200), eta: fc.option(whole) })
    fc.assert(
      fc.property(any, fc.integer({ min: 0, max: 200 }), (some, columns) => {
        const line = progressLine({ ...facts, ...some }, columns)
        expect(line.length).to.be.at.most(Math.max(0, columns - 1))
        expect(line).to.match(/^[ -~–]*$/)
      })
    )
  })

  it('says nothing of the time left that nobody knows', () => {
    expect(progressLine({ ...facts, eta: null }, 36)).to.equal(' 42.2%  12.4 MB/s  3 peers')
  })
})

describe('percent', () => {
  it('is 100 only when all is there', () => {
    expect(percent(999_999, 1_000_000)).to.equal('99.9%')
    expect(percent(0, 0)).to.equal('100%')
    expect(percent(7, 7)).to.equal('100%')
  })
})

describe('duration', () => {
  it('is short where time is', () => {
    expect([0, 6.2, 760, 11_100, 400_000, null].map(duration)).to.deep.equal([
      '0:00',
      '0:07',
      '12:40',
      '3:05:00',
      '4 days',
      '–'
    ])
  })
})

describe('secondsLeft', () => {
  it('is unknown while nothing moves, and 0 at the end', () => {
    expect(secondsLeft(1, 10, 0)).to.equal(null)
    expect(secondsLeft(0, 1000, 100)).to.equal(10)
    expect(secondsLeft(10, 10, 0)).to.equal(0)
  })
})
