import { expect } from 'chai'
import { MAX_UNCHOKED, MIN_UPLOAD_SLOTS } from '../../lib/limits.js'
import { UploadSlots } from '../../lib/policy/upload-slots.js'

/** Rounds with peers that take `rateOf(slots)` in all. */
function play(slots: UploadSlots, rateOf: (count: number) => number, rounds: number, start = 0): number[] {
  return Array.from({ length: rounds }, (_, round) => {
    slots.onRound(rateOf(slots.count), true, start + round * 10_000)
    return slots.count
  })
}

describe('UploadSlots', () => {
  it(`are ${MIN_UPLOAD_SLOTS} at first, and stay so on a line that is full`, () => {
    const slots = new UploadSlots()
    expect(slots.count).to.equal(MIN_UPLOAD_SLOTS)
    const counts = play(slots, () => 100_000, 60)
    expect(Math.max(...counts)).to.be.at.most(MIN_UPLOAD_SLOTS * 1.25)
    expect(counts.filter(count => count === MIN_UPLOAD_SLOTS).length, 'tried now and then').to.be.above(45)
  })

  it(`become ${MAX_UNCHOKED} within seconds on a fast line`, () => {
    const slots = new UploadSlots()
    slots.onRate(20e6)
    expect(slots.count).to.equal(MAX_UNCHOKED)
  })

  it(`become ${MAX_UNCHOKED} while slow peers leave the line idle`, () => {
    const slots = new UploadSlots()
    expect(play(slots, count => count * 8000, 20).at(-1)).to.equal(MAX_UNCHOKED)
  })

  it('go back when the line has become slow', () => {
    const slots = new UploadSlots()
    slots.onRate(20e6)
    expect(play(slots, () => 50_000, 30, 1e6).at(-1)).to.be.at.most(MIN_UPLOAD_SLOTS * 2)
  })

  it('stay few while nobody waits', () => {
    const slots = new UploadSlots()
    for (let now = 0; now < 600_000; now += 10_000) slots.onRound(80_000, false, now)
    expect(slots.count).to.equal(MIN_UPLOAD_SLOTS)
  })
})
