import { expect } from 'chai'
import { Forecast } from '../../lib/policy/forecast.js'
import { SchedulerBench } from '../support/scheduler-bench.js'

describe('a forecast', () => {
  const bench = new SchedulerBench({ pieces: 4, blocks: 1 })
  const [near, far] = [60, 160].map(connectMs => {
    const { supplier } = bench.peer(undefined, { connectMs })
    // 1000 and 2000 bytes a millisecond.
    supplier.pipeline.model.rate = connectMs === 60 ? 1_000_000 : 2_000_000
    return supplier
  })

  it('counts each peer from when it can deliver', () => {
    if (!near || !far) throw new Error('two peers were made')
    const starts = [near, far].map(supplier => supplier.etaMs(bench.now))
    const [first = 0, second = 0] = starts
    expect(first).to.be.below(second)
    const forecast = new Forecast([far, near], bench.now)
    expect(forecast.bytesBy(first)).to.equal(0)
    expect(forecast.bytesBy(first + 10)).to.be.closeTo(10_000, 0.01)
    expect(forecast.bytesBy(second + 10)).to.be.closeTo(1000 * (second + 10 - first) + 20_000, 0.01)
    expect(forecast.bytesBy(5000)).to.be.closeTo(1000 * (5000 - first) + 2000 * (5000 - second), 0.01)
  })

  it('is nothing of nobody, and for a reader that has all the time', () => {
    expect(new Forecast([], 0).bytesBy(1e9)).to.equal(0)
    expect(
      new Forecast(
        bench.peers.map(({ supplier }) => supplier),
        bench.now
      ).bytesBy(-Infinity)
    ).to.equal(0)
  })
})
