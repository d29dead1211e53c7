import { expect } from 'chai'
import { SUPER_SEED_PATIENCE_MS, SUPER_SEED_PIECES } from '../../lib/limits.js'
import { SuperSeeding } from '../../lib/policy/super-seeding.js'

/** A swarm in which a piece that a peer is told of is fetched at once, and goes on to a neighbour. */
class Swarm {
  readonly told = new Map<string, Set<number>>()
  readonly have = new Map<string, Set<number>>()
  now = 0
  readonly seeding: SuperSeeding<string>

  constructor(pieceCount: number, ...peers: string[]) {
    let seed = 7
    this.seeding = new SuperSeeding(pieceCount, () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647)
    for (const peer of peers) {
      this.told.set(peer, new Set())
      this.have.set(peer, new Set())
    }
  }

  /** Tells a peer what it may know now. */
  offer(peer: string): number[] {
    const fresh: number[] = []
    const seeded = {
      knows: (index: number) => this.told.get(peer)?.has(index) === true || this.have.get(peer)?.has(index) === true,
      copies: (index: number) => [...this.have.values()].filter(pieces => pieces.has(index)).length,
      isAlone: this.have.size === 1,
      now: this.now
    }
    for (;;) {
      const index = this.seeding.next(peer, seeded)
      if (index === undefined) return fresh
      fresh.push(index)
      this.told.get(peer)?.add(index)
    }
  }

  fetch(peer: string, index: number): string[] {
    this.have.get(peer)?.add(index)
    return this.seeding.onHas(peer, index, this.now)
  }
}

describe('SuperSeeding', () => {
  it(`tells each peer of ${SUPER_SEED_PIECES} pieces, all different, and of no more`, () => {
    const swarm = new Swarm(100, 'a', 'b', 'c')
    const told = ['a', 'b', 'c'].flatMap(peer => swarm.offer(peer))
    expect(new Set(told).size).to.equal(3 * SUPER_SEED_PIECES)
    expect(swarm.offer('a')).to.deep.equal([])
  })

  it('tells of another when a piece was seen at somebody else, not when its first holder got it', () => {
    const swarm = new Swarm(100, 'a', 'b')
    const [first = -1] = swarm.offer('a')
    expect(swarm.fetch('a', first)).to.deep.equal(['a'])
    expect(swarm.offer('a')).to.deep.equal([])
    expect(swarm.fetch('b', first)).to.deep.equal(['a'])
    expect(swarm.offer('a')).to.have.length(1)
  })

  it(`tells a peer of another after ${SUPER_SEED_PATIENCE_MS} ms even if the others do not take it`, () => {
    const swarm = new Swarm(100, 'a', 'b')
    for (const index of swarm.offer('a')) swarm.fetch('a', index)
    swarm.now = SUPER_SEED_PATIENCE_MS - 1
    expect(swarm.offer('a')).to.deep.equal([])
    swarm.now++
    expect(swarm.offer('a')).to.have.length(SUPER_SEED_PIECES)
  })

  it('says once that a peer has what it was told of, however often it says so, and nothing of what it was not told of', () => {
    const swarm = new Swarm(100, 'a', 'b')
    const [first = -1, second = -1] = swarm.offer('a')
    expect(swarm.fetch('a', first)).to.deep.equal(['a'])
    expect(swarm.fetch('a', first)).to.deep.equal([])
    const other = Array.from({ length: 100 }, (_, index) => index).find(index => index !== first && index !== second)
    expect(swarm.fetch('a', other ?? -1)).to.deep.equal([])
  })

  it('looks at a small part of a torrent of millions of pieces for a peer that knows nearly all, and finds what it lacks in time', () => {
    const pieceCount = 2_097_152
    let seed = 7
    const seeding = new SuperSeeding<string>(pieceCount, () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647)
    let looks = 0
    const seeded = { knows: (index: number) => ++looks > 0 && index !== 5, copies: () => 0, isAlone: true, now: 0 }
    let most = 0
    let tries = 0
    for (let found: number | undefined; found === undefined; tries++) {
      looks = 0
      found = seeding.next('a', seeded)
      most = Math.max(most, looks)
    }
    expect(most).to.be.at.most(20_480)
    expect(tries).to.be.at.most(1000)
  })

  it('does not make a lone peer wait', () => {
    const swarm = new Swarm(10, 'a')
    let count = 0
    for (let told = swarm.offer('a'); told.length > 0; told = swarm.offer('a')) {
      for (const index of told) swarm.fetch('a', index)
      count += told.length
    }
    expect(count).to.equal(10)
  })

  it('gives each piece away once to peers that share', () => {
    const peers = ['a', 'b', 'c', 'd']
    const swarm = new Swarm(200, ...peers)
    let given = 0
    const isDone = (): boolean => peers.every(peer => swarm.have.get(peer)?.size === 200)
    for (let round = 0; round < 1000 && !isDone(); round++) {
      for (const peer of peers) {
        for (const index of swarm.offer(peer)) {
          given++
          swarm.fetch(peer, index)
          for (const other of peers) if (other !== peer) swarm.fetch(other, index)
        }
      }
    }
    expect(isDone()).to.equal(true)
    expect(given).to.equal(200)
  })

  it('tells others of what a peer took with it that left', () => {
    const swarm = new Swarm(2, 'a', 'b')
    expect(swarm.offer('a')).to.have.length(2)
    swarm.seeding.onGone('a')
    expect(swarm.offer('b')).to.have.length(2)
  })

  it('chooses among two million pieces without a pause', () => {
    const swarm = new Swarm(2_000_000, 'a', 'b')
    const startedAt = performance.now()
    swarm.offer('a')
    expect(performance.now() - startedAt).to.be.below(50)
  })
})
