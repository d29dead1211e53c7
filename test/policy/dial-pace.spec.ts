import { expect } from 'chai'
import fc from 'fast-check'
import { DIAL_BURST, DIALS_PER_SECOND } from '../../lib/limits.js'
import { DialPace, type DialTurns } from '../../lib/policy/dial-pace.js'

/** Begins as many as it may. */
function dial(turns: DialTurns, wanted: number, now: number): number {
  const count = turns.allowed(wanted, now)
  turns.spend(count)
  return count
}

describe('DialPace', () => {
  it('gives one all of it: a burst, then so many a second', () => {
    const alone = new DialPace().join()
    expect(dial(alone, 1000, 5000)).to.equal(DIAL_BURST)
    expect(dial(alone, 1000, 5000)).to.equal(0)
    expect(dial(alone, 1000, 6000)).to.equal(DIALS_PER_SECOND)
    expect(dial(alone, 3, 1e6)).to.equal(3)
    expect(dial(alone, 1000, 1e6)).to.equal(DIAL_BURST - 3)
  })

  it('is one pace for all, whoever asks how often', () => {
    const wishes = fc.array(fc.tuple(fc.nat(9), fc.nat(50), fc.nat(2000)), { maxLength: 100 })
    fc.assert(
      fc.property(wishes, steps => {
        const pace = new DialPace()
        const members = Array.from({ length: 10 }, () => pace.join())
        let [now, begun] = [0, 0]
        for (const [who, wanted, later] of steps) {
          now += later
          begun += dial(members[who] ?? expect.fail(), wanted, now)
          expect(begun).to.be.at.most(DIAL_BURST + (now / 1000) * DIALS_PER_SECOND)
        }
      })
    )
  })

  for (const count of [2, 20, 75])
    it(`lets each of ${count} that want many have its turn, those too who come last`, () => {
      const pace = new DialPace()
      const members = Array.from({ length: count }, () => pace.join())
      const begun = members.map(() => 0)
      const seconds = 60
      for (let second = 0; second < seconds; second++)
        members.forEach((member, at) => (begun[at] = (begun[at] ?? 0) + dial(member, 1000, second * 1000)))
      const total = begun.reduce((sum, each) => sum + each, 0)
      expect(total).to.be.above(0.95 * (DIAL_BURST + (seconds - 1) * DIALS_PER_SECOND))
      const fair = total / count
      for (const each of begun) expect(each).to.be.within(0.5 * fair - 1, 2 * fair + DIAL_BURST)
    })

  it('keeps nothing for those that want nothing, or have left', () => {
    const pace = new DialPace()
    const [one, other, gone] = [pace.join(), pace.join(), pace.join()]
    dial(gone, 1000, 0)
    gone.leave()
    dial(other, 0, 0)
    expect(dial(one, 1000, 10_000)).to.equal(DIAL_BURST)
  })
})
