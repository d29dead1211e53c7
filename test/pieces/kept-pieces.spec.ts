import { expect } from 'chai'
import { Geometry } from '../../lib/pieces/geometry.js'
import { KeptPieces } from '../../lib/pieces/kept-pieces.js'

const MIB = 2 ** 20
const of = (kept: KeptPieces): number[] => Array.from({ length: 400 }, (_, i) => i).filter(i => kept.has(i))
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('KeptPieces', () => {
  const geometry = new Geometry(400 * MIB, MIB)

  it('are none before a file is named', () => {
    expect(of(new KeptPieces(geometry, 16 * MIB))).to.deep.equal([])
  })

  it('hold the first 4 MiB and the last 2 MiB of a file', () => {
    const kept = new KeptPieces(geometry, 16 * MIB)
    kept.keep(10 * MIB, 100 * MIB)
    expect(of(kept)).to.deep.equal([...range(10, 13), 98, 99])
    kept.keep(0, 0)
    expect(of(kept)).to.have.length(6)
  })

  it('hold whole pieces: also those that belong to a file in part', () => {
    const kept = new KeptPieces(geometry, 16 * MIB)
    kept.keep(10 * MIB + 1, 100 * MIB + 1)
    expect(of(kept)).to.deep.equal([...range(10, 14), 98, 99, 100])
  })

  it('hold a short file once', () => {
    const kept = new KeptPieces(geometry, 16 * MIB)
    kept.keep(5 * MIB, 7 * MIB)
    expect(of(kept)).to.deep.equal([5, 6])
  })

  it('keep to their budget: the first and the last piece before all others', () => {
    const kept = new KeptPieces(geometry, 3 * MIB)
    kept.keep(0, 100 * MIB)
    expect(of(kept)).to.deep.equal([0, 1, 99])
  })

  it('are those of the file named last, then of others as far as the budget goes', () => {
    const kept = new KeptPieces(geometry, 8 * MIB)
    kept.keep(0, 100 * MIB)
    kept.keep(200 * MIB, 300 * MIB)
    expect(of(kept)).to.deep.equal([0, 99, ...range(200, 203), 298, 299])
    kept.keep(0, 100 * MIB)
    expect(of(kept)).to.deep.equal([...range(0, 3), 98, 99, 200, 299])
  })

  it('are none when not one piece fits', () => {
    const kept = new KeptPieces(geometry, MIB - 1)
    kept.keep(0, 100 * MIB)
    expect(of(kept)).to.deep.equal([])
  })
})
