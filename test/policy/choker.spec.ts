import { expect } from 'chai'
import fc from 'fast-check'
import { OPTIMISTIC_MS, UPLOAD_TURN_MS } from '../../lib/limits.js'
import { Choker, type ChokerPeer } from '../../lib/policy/choker.js'

interface Peer extends ChokerPeer {
  name: string
  amChoking: boolean
  changedAt: number
}

const peer = (name: string, is: Partial<Peer> = {}): Peer => ({
  name,
  peerInterested: true,
  amChoking: true,
  givesRate: 0,
  isSnubbing: false,
  connectedAt: -1e6,
  changedAt: -1e6,
  ...is
})
const names = (peers: Iterable<Peer>): string[] => [...peers].map(({ name }) => name).sort()
/** Does what was decided, as the owner of a choker does. */
const obey = (peers: readonly Peer[], chosen: ReadonlySet<Peer>, now: number): void => {
  for (const each of peers) {
    if (each.amChoking === !chosen.has(each)) continue
    each.amChoking = !chosen.has(each)
    each.changedAt = now
  }
}

describe('Choker', () => {
  it('serves everybody who is interested while there are slots for all', () => {
    const peers = [peer('a', { isSnubbing: true }), peer('b'), peer('c', { peerInterested: false, givesRate: 9e9 })]
    const choker = new Choker<Peer>(() => 0)
    expect(names(choker.choose(peers, { slots: 2, isSeeding: false, now: 0 }))).to.deep.equal(['a', 'b'])
  })

  it('tit for tat: those that give most, and one more in turn', () => {
    const peers = [1, 2, 3, 4, 5, 6].map(rate => peer(`p${rate}`, { givesRate: rate * 1000 }))
    const choker = new Choker<Peer>(() => 0)
    const chosen = names(choker.choose(peers, { slots: 4, isSeeding: false, now: 0 }))
    expect(chosen).to.include.members(['p4', 'p5', 'p6']).and.to.have.length(4)
  })

  it('the one in turn stays for 30 s, then it is another’s turn', () => {
    const givers = [1, 2, 3].map(rate => peer(`giver${rate}`, { givesRate: rate * 1000 }))
    const others = ['x', 'y', 'z'].map(name => peer(name))
    const choker = new Choker<Peer>(() => 0)
    const turns: string[] = []
    for (let now = 0; now < 3 * OPTIMISTIC_MS; now += 10_000) {
      const chosen = choker.choose([...givers, ...others], { slots: 4, isSeeding: false, now })
      expect(names(chosen).filter(name => name.startsWith('giver'))).to.have.length(3)
      turns.push(names(chosen).find(name => !name.startsWith('giver')) ?? '')
      obey([...givers, ...others], chosen, now)
    }
    expect(turns.slice(0, 3)).to.deep.equal([turns[0], turns[0], turns[0]])
    expect(turns[3]).to.not.equal(turns[0])
    expect(turns[6]).to.not.equal(turns[3])
  })

  it('a newcomer is three times as likely to get its turn', () => {
    let drawn = 0
    const runs = 400
    for (let i = 0; i < runs; i++) {
      const old = [peer('old')]
      const fresh = peer('new', { connectedAt: 0 })
      const givers = [peer('g', { givesRate: 1 })]
      const choker = new Choker<Peer>(() => (i + 0.5) / runs)
      if (choker.choose([...old, fresh, ...givers], { slots: 2, isSeeding: false, now: 1 }).has(fresh)) drawn++
    }
    expect(drawn / runs).to.equal(0.75)
  })

  it('anti-snub: who gave most and has stopped loses its slot to one that gives less', () => {
    const peers = [
      peer('snub', { givesRate: 9e6, isSnubbing: true, amChoking: false }),
      ...[1, 2, 3, 4].map(rate => peer(`p${rate}`, { givesRate: rate }))
    ]
    const choker = new Choker<Peer>(() => 0.99)
    const chosen = choker.choose(peers, { slots: 4, isSeeding: false, now: 0 })
    expect(names(chosen)).to.include.members(['p2', 'p3', 'p4'])
  })

  it('a seed serves everybody in turn, whatever they give', () => {
    const peers = Array.from({ length: 50 }, (_, i) => peer(`p${i}`, { givesRate: i }))
    const choker = new Choker<Peer>(() => 0.5)
    const served = new Map<string, number>()
    for (let now = 0; now < 50 * UPLOAD_TURN_MS; now += 10_000) {
      const chosen = choker.choose(peers, { slots: 8, isSeeding: true, now })
      expect(chosen.size).to.equal(8)
      for (const { name } of chosen) served.set(name, (served.get(name) ?? 0) + 1)
      obey(peers, chosen, now)
    }
    expect(served.size).to.equal(50)
    const times = [...served.values()]
    expect(Math.max(...times) / Math.min(...times), 'the same time for all').to.be.at.most(1.3)
  })

  it('gives a free slot to who has waited longest, a snubbing peer last', () => {
    const peers = [
      peer('served', { amChoking: false }),
      peer('second', { changedAt: 5 }),
      peer('snub', { changedAt: 1, isSnubbing: true }),
      peer('first', { changedAt: 2 }),
      peer('content', { peerInterested: false })
    ]
    const choker = new Choker<Peer>(() => 0)
    expect(choker.fill(peers, 3).map(({ name }) => name)).to.deep.equal(['first', 'second'])
    expect(choker.fill(peers, 100)).to.have.length(3)
    expect(choker.fill(peers, 1)).to.deep.equal([])
  })

  it('never serves more than there are slots, never fewer than could be served, and never the uninterested', () => {
    const swarm = fc.array(
      fc.record({
        peerInterested: fc.boolean(),
        amChoking: fc.boolean(),
        givesRate: fc.nat(1000),
        isSnubbing: fc.boolean(),
        connectedAt: fc.nat(100_000),
        changedAt: fc.nat(100_000)
      }),
      { maxLength: 60 }
    )
    fc.assert(
      fc.property(
        swarm,
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (some, slots, isSeeding, chance) => {
          const choker = new Choker<Peer>(() => chance)
          const peers = some.map((is, i) => peer(`p${i}`, is))
          for (let now = 100_000; now < 200_000; now += 10_000) {
            const chosen = choker.choose(peers, { slots, isSeeding, now })
            const interested = peers.filter(each => each.peerInterested).length
            expect(chosen.size).to.equal(Math.min(slots, interested))
            for (const each of chosen) expect(each.peerInterested).to.equal(true)
            obey(peers, chosen, now)
          }
        }
      )
    )
  })
})
