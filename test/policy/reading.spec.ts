import { expect } from 'chai'
import { ReadWindow } from '../../lib/pieces/read-window.js'
import { readingsOf } from '../../lib/policy/reading.js'
import { SchedulerBench } from '../support/scheduler-bench.js'

function windowOf(bench: SchedulerBench, first: number, last: number): ReadWindow {
  const { pieceLength } = bench.geometry
  const window = new ReadWindow(bench.geometry, first * pieceLength, (last + 1) * pieceLength - 100, 0)
  window.readAhead = (last - first + 1) * pieceLength
  window.isWaiting = true
  return window
}

describe('the slack of a reader', () => {
  const bench = new SchedulerBench({ pieces: 10, blocks: 1 })
  const slackMs = (window: ReadWindow, now: number) => readingsOf([window], bench.scheduler.pieces, now)[0]?.slackMs

  it('is none while the reader waits', () => {
    expect(slackMs(windowOf(bench, 0, 9), 0)).to.equal(0)
  })

  it('is the time that the reader needs for what is ready', () => {
    for (const index of [0, 1, 2, 3]) bench.have.set(index)
    const window = windowOf(bench, 0, 9)
    window.take(1000, 100)
    window.isWaiting = false
    window.takeRate = bench.geometry.pieceLength
    expect(slackMs(window, 200)).to.be.closeTo(4000, 100)
  })

  it('has no end for a reader that pauses, or whose window is full', () => {
    const window = windowOf(bench, 0, 9)
    window.isWaiting = false
    expect(slackMs(window, 60_000)).to.equal(Infinity)
    const full = windowOf(bench, 0, 3)
    full.isWaiting = false
    expect(slackMs(full, 1)).to.equal(Infinity)
  })

  it('puts the reader with the least to live on first, and leaves out those that are done', () => {
    const content = windowOf(bench, 0, 9)
    content.isWaiting = false
    const done = windowOf(bench, 0, 0)
    done.take(done.end, 1)
    const waiting = windowOf(bench, 5, 9)
    const windows = readingsOf([content, done, waiting], bench.scheduler.pieces, 1).map(({ window }) => window)
    expect(windows).to.deep.equal([waiting, content])
  })
})
