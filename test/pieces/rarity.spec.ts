import { expect } from 'chai'
import fc from 'fast-check'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Rarity } from '../../lib/pieces/rarity.js'

const PIECES = 12

const fieldOf = (indexes: Iterable<number>, length = PIECES): Bitfield => {
  const field = new Bitfield(length)
  for (const index of indexes) field.set(index)
  return field
}
const full = (length = PIECES): Bitfield =>
  fieldOf(
    Array.from({ length }, (_, i) => i),
    length
  )

describe('Rarity', () => {
  it('counts and picks as sorting would, after any steps', () => {
    const step = fc.record({
      act: fc.constantFrom('include', 'exclude', 'join', 'joinSeed', 'leave', 'have'),
      index: fc.integer({ min: 0, max: PIECES - 1 }),
      indexes: fc.array(fc.integer({ min: 0, max: PIECES - 1 })),
      peer: fc.nat(20)
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (steps, random) => {
          const rarity = new Rarity(PIECES)
          const peers: Bitfield[] = []
          const included = new Set<number>()
          const availability = (index: number): number => peers.filter(peer => peer.has(index)).length
          for (const { act, index, indexes, peer } of steps) {
            const chosen = peers[peer % Math.max(1, peers.length)]
            if (act === 'include') {
              rarity.include(index)
              included.add(index)
            } else if (act === 'exclude') {
              rarity.exclude(index)
              included.delete(index)
            } else if (act === 'join' || act === 'joinSeed') {
              const pieces = act === 'join' ? fieldOf(indexes) : full()
              peers.push(pieces)
              rarity.addPeer(pieces)
            } else if (act === 'leave' && chosen) {
              rarity.removePeer(chosen)
              peers.splice(peers.indexOf(chosen), 1)
            } else if (act === 'have' && chosen?.set(index)) {
              rarity.onHave(index)
              if (chosen.isComplete) rarity.becameSeed()
            }
            expect(rarity.size).to.equal(included.size)
          }
          for (let i = 0; i < PIECES; i++) expect(rarity.availability(i)).to.equal(availability(i))
          for (const peer of peers) {
            const picked = rarity.pick(peer, () => random)
            const candidates = [...included].filter(index => peer.has(index))
            if (picked === undefined) expect(candidates).to.deep.equal([])
            else {
              expect(candidates).to.include(picked)
              expect(availability(picked)).to.equal(Math.min(...candidates.map(availability)))
            }
          }
        }
      ),
      { numRuns: 500 }
    )
  })

  it('picks every piece once when each is excluded as it is picked', () => {
    const rarity = new Rarity(PIECES)
    const seed = full()
    rarity.addPeer(seed)
    for (let i = 0; i < PIECES; i++) rarity.include(i)
    const picked = []
    for (let next = rarity.pick(seed, () => 0.5); next !== undefined; next = rarity.pick(seed, () => 0.5)) {
      picked.push(next)
      rarity.exclude(next)
    }
    expect(picked.toSorted((x, y) => x - y)).to.deep.equal(Array.from({ length: PIECES }, (_, i) => i))
  })

  it('goes on in order among equals, so that the disk is written in order', () => {
    const rarity = new Rarity(PIECES)
    const seed = full()
    rarity.addPeer(seed)
    for (let i = 0; i < PIECES; i++) rarity.include(i)
    const first = rarity.pick(seed, () => 0.3) ?? -1
    rarity.exclude(first)
    expect(rarity.pick(seed, () => 0.99)).to.equal(first + 1)
  })

  it('starts at a random one', () => {
    const rarity = new Rarity(PIECES)
    const seed = full()
    rarity.addPeer(seed)
    for (let i = 1; i < PIECES; i++) rarity.include(i)
    expect(rarity.pick(seed, () => 0)).to.not.equal(rarity.pick(seed, () => 0.99))
  })

  it('works for a torrent of one piece', () => {
    const rarity = new Rarity(1)
    const peer = new Bitfield(1)
    rarity.addPeer(peer)
    rarity.include(0)
    expect(rarity.pick(peer, () => 0)).to.equal(undefined)
    peer.set(0)
    rarity.onHave(0)
    rarity.becameSeed()
    expect(rarity.availability(0)).to.equal(1)
    expect(rarity.pick(peer, () => 0)).to.equal(0)
    rarity.removePeer(peer)
    expect(rarity.availability(0)).to.equal(0)
  })
})
