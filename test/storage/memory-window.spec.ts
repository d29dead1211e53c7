import { expect } from 'chai'
import { MemoryWindow } from '../../lib/storage/memory-window.js'
import type { PiecePool } from '../../lib/streams/piece-pool.js'
import { indexOf, poolOf, verifiedPiece } from '../support/piece-fixtures.js'

const LENGTH = 100

describe('MemoryWindow', () => {
  let pool: PiecePool
  let evicted: number[]
  /** Wanted pieces, with their distance from the nearest reader; undefined for the one a reader is at. */
  let wanted: Map<number, number | undefined>
  let kept: Set<number>
  let memory: MemoryWindow

  beforeEach(async () => {
    pool = poolOf(LENGTH, 20)
    evicted = []
    wanted = new Map()
    kept = new Set()
    memory = new MemoryWindow({
      isWanted: index => wanted.has(index),
      isKept: index => kept.has(index),
      distance: index => wanted.get(index),
      onEvicted: index => evicted.push(index)
    })
    for (const index of [5, 3, 4]) await memory.write([verifiedPiece(pool, index)])
  })

  it('lends what was written', async () => {
    const lease = await memory.read(indexOf(3), 10, 20)
    expect(lease?.bytes).to.deep.equal(Buffer.alloc(20, 3))
    expect(await memory.read(indexOf(9), 0, 1)).to.equal(undefined)
  })

  it('evicts the oldest that no reader is about to take', () => {
    wanted.set(5, 10)
    expect(memory.evict('room')).to.equal(true)
    expect(memory.evict('room')).to.equal(true)
    expect(evicted).to.deep.equal([3, 4])
    expect(memory.evict('room')).to.equal(false)
    expect(pool.usedBytes).to.equal(LENGTH)
  })

  it('evicts wanted pieces only for an urgent one, the furthest first, never the one a reader is at', () => {
    wanted = new Map([
      [3, undefined],
      [4, 100],
      [5, 200]
    ])
    expect(memory.evict('room')).to.equal(false)
    expect([memory.evict('urgent'), memory.evict('urgent'), memory.evict('urgent')]).to.deep.equal([true, true, false])
    expect(evicted).to.deep.equal([5, 4])
    expect(memory.size).to.equal(1)
  })

  it('evicts what readers come back to only when there is nothing else, and never for thrift', () => {
    kept = new Set([3, 5])
    expect([memory.evict('thrift'), memory.evict('thrift')]).to.deep.equal([true, false])
    expect(evicted).to.deep.equal([4])
    wanted.set(3, undefined)
    expect([memory.evict('room'), memory.evict('room')]).to.deep.equal([true, false])
    expect(evicted).to.deep.equal([4, 5])
  })

  it('gives up what readers come back to before what one is about to take', () => {
    kept = new Set([4])
    wanted = new Map([
      [3, 100],
      [5, 200]
    ])
    expect([memory.evict('urgent'), memory.evict('urgent')]).to.deep.equal([true, true])
    expect(evicted).to.deep.equal([4, 5])
  })

  it('evicts nothing that is lent', async () => {
    const leases = await Promise.all([5, 5, 3, 4].map(index => memory.read(indexOf(index), 0, LENGTH)))
    expect(memory.evict('urgent')).to.equal(false)
    leases[0]?.release()
    leases[0]?.release()
    expect(memory.evict('urgent')).to.equal(false)
    leases[1]?.release()
    expect(memory.evict('urgent')).to.equal(true)
    expect(evicted).to.deep.equal([5])
  })

  it('keeps one of a piece that is written twice', async () => {
    await memory.write([verifiedPiece(pool, 3)])
    expect(memory.size).to.equal(3)
    expect(pool.usedBytes).to.equal(3 * LENGTH)
  })

  it('gives all back when it is closed, what is lent when that comes back', async () => {
    const lease = await memory.read(indexOf(5), 0, LENGTH)
    await memory.close()
    await memory.close()
    expect(pool.usedBytes).to.equal(LENGTH)
    expect(lease?.bytes).to.deep.equal(Buffer.alloc(LENGTH, 5))
    lease?.release()
    expect(pool.usedBytes).to.equal(0)
    await memory.write([verifiedPiece(pool, 7)])
    expect(pool.usedBytes).to.equal(0)
  })
})
