import { expect } from 'chai'
import fc from 'fast-check'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Geometry } from '../../lib/pieces/geometry.js'

describe('Geometry', () => {
  it('knows pieces and blocks, the last of each shorter', () => {
    const geometry = new Geometry(100_000, 40_000)
    expect(geometry).to.include({ pieceCount: 3, blocksPerPiece: 3 })
    const [first, last] = [geometry.pieceIndex(0)!, geometry.pieceIndex(2)!]
    expect([geometry.lengthOf(first), geometry.lengthOf(last)]).to.deep.equal([40_000, 20_000])
    expect([geometry.blocksOf(first), geometry.blocksOf(last)]).to.deep.equal([3, 2])
    expect([0, 1, 2].map(block => geometry.blockLength(first, block))).to.deep.equal([16_384, 16_384, 7232])
    expect([0, 1].map(block => geometry.blockLength(last, block))).to.deep.equal([16_384, 3616])
    expect(geometry.pieceOffset(last)).to.equal(80_000)
  })

  it('has a full last piece when the length is a multiple', () => {
    const geometry = new Geometry(80_000, 40_000)
    expect(geometry.pieceCount).to.equal(2)
    expect(geometry.lengthOf(geometry.pieceIndex(1)!)).to.equal(40_000)
  })

  it('makes a piece index only of a piece that is there', () => {
    const geometry = new Geometry(100_000, 40_000)
    expect([0, 1, 2].map(n => geometry.pieceIndex(n))).to.deep.equal([0, 1, 2])
    for (const n of [-1, 3, 0.5, NaN, Infinity, 2 ** 32]) expect(geometry.pieceIndex(n)).to.equal(undefined)
  })

  it('finds the piece of a byte, and of no byte outside', () => {
    const geometry = new Geometry(100_000, 40_000)
    expect([0, 39_999, 40_000, 99_999].map(offset => geometry.pieceAt(offset))).to.deep.equal([0, 0, 1, 2])
    for (const offset of [-1, 100_000, 119_999, NaN]) expect(() => geometry.pieceAt(offset)).to.throw(RangeError)
  })

  it('counts the bytes of a range that lie in certain pieces', () => {
    const pieceLength = 7
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.nat(110),
        fc.nat(110),
        fc.array(fc.nat(15)),
        (length, from, to, set) => {
          const geometry = new Geometry(length, pieceLength)
          const pieces = new Bitfield(geometry.pieceCount)
          for (const index of set) if (index < geometry.pieceCount) pieces.set(index)
          const [start, end] = [Math.min(from, length), Math.min(to, length)]
          const bytes = Array.from({ length }, (_, at) => at).filter(at => at >= start && at < end)
          expect(geometry.bytesWithin(pieces, start, end)).to.equal(
            bytes.filter(at => pieces.has(Math.floor(at / pieceLength))).length
          )
        }
      ),
      { numRuns: 300 }
    )
  })

  it('adds up, also past 32 bits', () => {
    const sizes = fc.record({
      length: fc.integer({ min: 1, max: 2 ** 45 }),
      pieceLength: fc.integer({ min: 1, max: 2 ** 29 })
    })
    fc.assert(
      fc.property(sizes, fc.nat(), ({ length, pieceLength }, n) => {
        const geometry = new Geometry(length, pieceLength)
        const last = geometry.pieceIndex(geometry.pieceCount - 1)!
        expect(geometry.pieceOffset(last) + geometry.lengthOf(last)).to.equal(length)
        const index = geometry.pieceIndex(n % geometry.pieceCount)!
        expect(geometry.pieceAt(geometry.pieceOffset(index))).to.equal(index)
        const lastBlock = geometry.blocksOf(index) - 1
        expect(lastBlock * BLOCK_LENGTH + geometry.blockLength(index, lastBlock)).to.equal(geometry.lengthOf(index))
        expect(geometry.blockLength(index, lastBlock)).to.be.within(1, BLOCK_LENGTH)
      }),
      { numRuns: 300 }
    )
  })
})
