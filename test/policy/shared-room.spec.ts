import { expect } from 'chai'
import { SharedRoom } from '../../lib/policy/shared-room.js'

describe('SharedRoom', () => {
  it('gives one all of it', () => {
    const room = new SharedRoom(200)
    expect(room.join(() => 150).allowed()).to.equal(200)
  })

  it('gives each what the others leave, and never less than its share', () => {
    const room = new SharedRoom(200)
    const counts = [200, 0]
    const [greedy, late] = [room.join(() => counts[0] ?? 0), room.join(() => counts[1] ?? 0)]
    expect([greedy.allowed(), late.allowed()]).to.deep.equal([200, 100])
    counts[1] = 60
    expect(greedy.allowed()).to.equal(140)
  })

  it('gives back what one leaves', () => {
    const room = new SharedRoom(10)
    const [first, second] = [room.join(() => 5), room.join(() => 5)]
    expect(first.allowed()).to.equal(5)
    second.leave()
    expect(first.allowed()).to.equal(10)
  })
})
