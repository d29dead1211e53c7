import { expect } from 'chai'
import { PiecePool, type EvictionNeed } from '../../lib/streams/piece-pool.js'
import { poolOf } from '../support/piece-fixtures.js'

const KIB = 1024

describe('PiecePool', () => {
  it('lends up to its budget and not a slot more', () => {
    const pool = poolOf(KIB, 3)
    const credits = [pool.take(false), pool.take(false), pool.take(false)]
    expect(credits.every(credit => credit?.bytes.length === KIB)).to.equal(true)
    expect(pool.usedBytes).to.equal(3 * KIB)
    expect(pool.take(false)).to.equal(undefined)
    credits[1]?.release()
    expect(pool.usedBytes).to.equal(2 * KIB)
    expect(pool.take(false)).to.not.equal(undefined)
  })

  it('lends two pieces however small the budget is', () => {
    const pool = new PiecePool({ slotLength: KIB, budget: 1, evict: () => false, extra: () => 0 })
    expect(pool.budget).to.equal(2 * KIB)
    expect([pool.take(false), pool.take(false)]).to.not.include(undefined)
    expect(pool.take(false)).to.equal(undefined)
  })

  it('goes over the budget for a piece that a reader waits for, by one a reader', () => {
    const pool = new PiecePool({ slotLength: KIB, budget: 2 * KIB, evict: () => false, extra: () => 2 })
    pool.take(false)
    pool.take(false)
    expect(pool.take(false)).to.equal(undefined)
    expect(pool.take(true)).to.not.equal(undefined)
    expect(pool.take(true)).to.not.equal(undefined)
    expect(pool.take(true)).to.equal(undefined)
    expect(pool.usedBytes).to.equal(4 * KIB)
  })

  it('uses again first what came back last', () => {
    const pool = poolOf(KIB, 3)
    const [first, second] = [pool.take(false), pool.take(false)]
    const bytes = second?.bytes
    first?.release()
    second?.release()
    expect(pool.take(false)?.bytes).to.equal(bytes)
  })

  it('never lends the same memory twice', () => {
    const pool = poolOf(KIB, 700)
    const places = new Set<string>()
    const buffers = new Map<ArrayBufferLike, number>()
    for (let credit = pool.take(false); credit; credit = pool.take(false)) {
      const { buffer, byteOffset } = credit.bytes
      if (!buffers.has(buffer)) buffers.set(buffer, buffers.size)
      places.add(`${buffers.get(buffer)}:${byteOffset}`)
    }
    expect(places.size).to.equal(700)
    expect(buffers.size).to.equal(1)
  })

  it('of one-byte pieces is ready at once', () => {
    const before = performance.now()
    expect(poolOf(1, 64 * KIB * KIB).take(false)?.bytes).to.have.length(1)
    expect(performance.now() - before).to.be.below(50)
  })

  it('asks for room before it refuses, as long as that helps', () => {
    const stored: { release(): void }[] = []
    const asked: EvictionNeed[] = []
    const pool = new PiecePool({
      slotLength: KIB,
      budget: 2 * KIB,
      evict: need => {
        asked.push(need)
        const piece = stored.pop()
        piece?.release()
        return piece !== undefined
      },
      extra: () => 0
    })
    for (let i = 0; i < 2; i++) stored.push(pool.take(false) ?? { release: () => undefined })
    expect(pool.take(true)).to.not.equal(undefined)
    expect(pool.take(false)).to.not.equal(undefined)
    expect(pool.take(false)).to.equal(undefined)
    expect(asked).to.deep.equal(['urgent', 'room', 'room'])
  })

  it('tells when a credit comes back, and throws when it comes twice', () => {
    const pool = poolOf(KIB, 2)
    let told = 0
    pool.onFree = () => told++
    const credit = pool.take(false)
    credit?.release()
    expect(told).to.equal(1)
    expect(() => credit?.release())
      .to.throw()
      .with.property('code', 'ERR_BT_INTERNAL')
    expect(pool.usedBytes).to.equal(0)
  })
})
