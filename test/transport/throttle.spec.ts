import { expect } from 'chai'
import { TransferLimits } from '../../lib/transport/transfer-limits.js'
import { Throttle } from '../../lib/transport/throttle.js'
import { VirtualClock } from '../support/virtual-clock.js'

const BLOCK = 16_384

describe('Throttle', () => {
  it('lets bytes pass in the order in which they came, at its rate', async () => {
    const clock = new VirtualClock()
    const throttle = new Throttle(clock, 4 * BLOCK)
    const passed: number[] = []
    for (let i = 0; i < 9; i++) {
      const held = throttle.pass(BLOCK)
      if (held) void held.then(() => passed.push(i))
      else passed.push(i)
    }
    expect(passed).to.deep.equal([0])
    await clock.advance(1005)
    expect(passed).to.deep.equal([0, 1, 2, 3, 4])
    await clock.advance(1005)
    expect(passed).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(clock.pendingTimers).to.equal(0)
  })

  it('lets go who is not wanted any more when its turn comes, and does not count its bytes', async () => {
    const clock = new VirtualClock()
    const throttle = new Throttle(clock, BLOCK)
    expect(throttle.pass(BLOCK)).to.equal(undefined)
    let gone = 0
    for (let i = 0; i < 100; i++) void throttle.pass(BLOCK, () => false)?.then(() => gone++)
    let isThere = false
    void throttle.pass(BLOCK, () => true)?.then(() => (isThere = true))
    await clock.advance(1005)
    expect([gone, isThere]).to.deep.equal([100, true])
  })

  it('lets everybody pass when the limit is lifted, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const throttle = new Throttle(clock, 100)
    const held = Array.from({ length: 50 }, () => throttle.pass(BLOCK)).filter(each => each !== undefined)
    expect(held).to.have.length(49)
    throttle.rate = undefined
    await Promise.all(held)
    expect(throttle.pass(BLOCK)).to.equal(undefined)
    expect(clock.pendingTimers).to.equal(0)
  })
})

describe('TransferLimits', () => {
  it('are shared by those that are given the same', async () => {
    const clock = new VirtualClock()
    const shared = new TransferLimits({ upload: 10 * BLOCK }, clock)
    const torrents = [1, 2].map(() => new TransferLimits({ upload: 8 * BLOCK }, clock, shared))
    const passed = [0, 0]
    torrents.forEach((limits, at) => {
      const goOn = async (): Promise<void> => {
        for (;;) {
          await limits.passUp(BLOCK)
          passed[at] = (passed[at] ?? 0) + 1
        }
      }
      void goOn()
    })
    await clock.advance(10_000)
    const [one = 0, other = 0] = passed
    expect(one + other).to.be.within(98, 106)
    expect(Math.abs(one - other)).to.be.at.most(4)
  })

  it('charge for an upload that is not wanted when the shared limit lets it pass nowhere', async () => {
    const clock = new VirtualClock()
    const shared = new TransferLimits({ upload: BLOCK }, clock)
    const limits = new TransferLimits({ upload: 4 * BLOCK }, clock, shared)
    expect(limits.passUp(BLOCK)).to.equal(undefined)
    let isWanted = true
    const held = limits.passUp(BLOCK, () => isWanted)
    await clock.advance(500)
    isWanted = false
    await clock.advance(505)
    expect(await held).to.equal(false)
    limits.set({ upload: 1 })
    expect(limits.passUp(BLOCK)).to.equal(undefined)
  })

  it('say what they are, and refuse what is no rate', () => {
    const limits = new TransferLimits({ download: 5 })
    expect(limits.rates).to.deep.equal({ download: 5, upload: 0 })
    expect(limits.downloadRate).to.equal(5)
    limits.set({ download: 0, upload: 7 })
    expect(limits.rates).to.deep.equal({ download: 0, upload: 7 })
    expect(limits.downloadRate).to.equal(undefined)
    for (const wrong of [-1, 0.5, NaN, Infinity])
      expect(() => limits.set({ upload: wrong }))
        .to.throw()
        .with.property('code', 'ERR_BT_OPTION')
  })
})
