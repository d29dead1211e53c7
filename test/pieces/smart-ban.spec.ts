import { expect } from 'chai'
import fc from 'fast-check'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { SmartBan } from '../../lib/pieces/smart-ban.js'

interface Peer {
  readonly name: string
}
const [good, better, liar, cheat] = ['good', 'better', 'liar', 'cheat'].map(name => ({ name })) as [
  Peer,
  Peer,
  Peer,
  Peer
]

/** A piece of which each block is one byte repeated. */
const bytesOf = (...blocks: number[]): Buffer => Buffer.concat(blocks.map(byte => Buffer.alloc(BLOCK_LENGTH, byte)))
const right = bytesOf(1, 2, 3)

describe('SmartBan', () => {
  it('names who sent a bad piece alone at once', () => {
    const ban = new SmartBan<Peer>()
    expect(ban.onFailed({ index: 0, bytes: bytesOf(9, 2, 3), senders: [liar, liar, liar] })).to.equal(liar)
    expect(ban.failures(0)).to.equal(1)
  })

  it('finds one liar among good peers once the piece passes, and blames nobody else', () => {
    const ban = new SmartBan<Peer>()
    expect(ban.onFailed({ index: 4, bytes: bytesOf(1, 9, 3), senders: [good, liar, better] })).to.equal(undefined)
    expect(ban.onPassed(4, right)).to.deep.equal(new Set([liar]))
  })

  it('finds two liars in one piece', () => {
    const ban = new SmartBan<Peer>()
    ban.onFailed({ index: 4, bytes: bytesOf(1, 9, 8), senders: [good, liar, cheat] })
    expect(ban.onPassed(4, right)).to.deep.equal(new Set([liar, cheat]))
  })

  it('finds liars of different attempts', () => {
    const ban = new SmartBan<Peer>()
    ban.onFailed({ index: 4, bytes: bytesOf(1, 9, 3), senders: [good, liar, good] })
    ban.onFailed({ index: 4, bytes: bytesOf(7, 2, 3), senders: [cheat, good, better] })
    expect(ban.failures(4)).to.equal(2)
    expect([...ban.onPassed(4, right)]).to.have.members([liar, cheat])
  })

  it('names who sends two versions of one block without waiting for the right one', () => {
    const ban = new SmartBan<Peer>()
    ban.onFailed({ index: 4, bytes: bytesOf(1, 9, 3), senders: [good, liar, better] })
    expect(ban.onFailed({ index: 4, bytes: bytesOf(1, 8, 7), senders: [good, liar, cheat] })).to.equal(liar)
  })

  it('does not mix pieces, and forgets one that passed', () => {
    const ban = new SmartBan<Peer>()
    ban.onFailed({ index: 4, bytes: bytesOf(1, 9, 3), senders: [good, liar, good] })
    expect(ban.onPassed(5, right).size).to.equal(0)
    expect(ban.onPassed(4, right).size).to.equal(1)
    expect(ban.onPassed(4, right).size).to.equal(0)
  })

  it('never blames a good peer, and every liar of a failed attempt', () => {
    const senders = [good, better, liar, cheat]
    const attempt = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(attempt, { minLength: 1, maxLength: 4 }), attempts => {
        const ban = new SmartBan<Peer>()
        const lied = new Set<Peer>()
        const blamed = new Set<Peer>()
        let version = 10
        for (const owners of attempts) {
          // A liar's block is wrong every time, in a new way.
          const blocks = owners.map((owner, i) => (owner >= 2 ? version++ : i))
          if (!owners.some(owner => owner >= 2)) continue
          for (const owner of owners) if (owner >= 2) lied.add(senders[owner] ?? liar)
          const at = ban.onFailed({ index: 0, bytes: bytesOf(...blocks), senders: owners.map(owner => senders[owner]) })
          if (at) blamed.add(at)
        }
        for (const peer of ban.onPassed(0, bytesOf(0, 1, 2, 3, 4))) blamed.add(peer)
        expect(blamed.has(good) || blamed.has(better)).to.equal(false)
        expect([...blamed]).to.have.members([...lied])
      }),
      { numRuns: 100 }
    )
  })
})
