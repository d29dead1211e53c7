import { expect } from 'chai'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Geometry } from '../../lib/pieces/geometry.js'
import { PiecesInFlight } from '../../lib/policy/pieces-in-flight.js'
import { indexOf, silentSupplier } from '../support/piece-fixtures.js'

const data = { length: BLOCK_LENGTH, copy: () => undefined }

/** 8 pieces of 2 blocks and `slots` credits, with one more for an urgent piece. */
function piecesWith(slots: number): { pieces: PiecesInFlight; asked: boolean[]; free: () => number } {
  const geometry = new Geometry(16 * BLOCK_LENGTH, 2 * BLOCK_LENGTH)
  const asked: boolean[] = []
  let left = slots
  const take = (isUrgent: boolean): { bytes: Buffer; release: () => unknown } | undefined => {
    asked.push(isUrgent)
    if (left <= (isUrgent ? -1 : 0)) return undefined
    left--
    return { bytes: Buffer.alloc(0), release: () => left++ }
  }
  return { pieces: new PiecesInFlight(geometry, new Bitfield(8), { take }), asked, free: () => left }
}

describe('PiecesInFlight', () => {
  it('opens a piece with one credit and gives the same one again', () => {
    const { pieces, free } = piecesWith(2)
    const piece = pieces.start(indexOf(3), false)
    expect(piece).to.not.equal(undefined)
    expect(pieces.start(indexOf(3), true)).to.equal(piece)
    expect([free(), pieces.size]).to.deep.equal([1, 1])
  })

  it('asks for no credit after a refusal, except for an urgent piece, until told to', () => {
    const { pieces, asked } = piecesWith(1)
    pieces.start(indexOf(0), false)
    expect(pieces.start(indexOf(1), false)).to.equal(undefined)
    expect(pieces.start(indexOf(2), false)).to.equal(undefined)
    expect(asked).to.deep.equal([false, false])
    expect(pieces.start(indexOf(3), true)).to.not.equal(undefined)
    pieces.retryCredits()
    expect(pieces.start(indexOf(4), false)).to.equal(undefined)
    expect(asked).to.deep.equal([false, false, true, false])
  })

  it('covers a piece that is here, or of which every block is asked for', () => {
    const { pieces } = piecesWith(2)
    const supplier = silentSupplier()
    pieces.have.set(5)
    expect([pieces.isCovered(5), pieces.isCovered(4)]).to.deep.equal([true, false])
    const piece = pieces.start(indexOf(4), false)!
    pieces.ask(piece, 0, supplier)
    expect(pieces.isCovered(4)).to.equal(false)
    pieces.ask(piece, 1, supplier)
    expect(pieces.isCovered(4)).to.equal(true)
    pieces.giveBack(piece, 0, supplier)
    expect(pieces.isCovered(4)).to.equal(false)
  })

  it('lists pieces with blocks to ask for, oldest first', () => {
    const { pieces } = piecesWith(3)
    const supplier = silentSupplier()
    const [first, second] = [pieces.start(indexOf(6), false)!, pieces.start(indexOf(2), false)!]
    expect([...pieces.open()]).to.deep.equal([first, second])
    pieces.ask(first, 0, supplier)
    pieces.ask(first, 1, supplier)
    expect([...pieces.open()]).to.deep.equal([second])
    pieces.giveBack(first, 1, supplier)
    expect([...pieces.open()]).to.deep.equal([second, first])
  })

  it('does not reopen a piece that was closed', () => {
    const { pieces } = piecesWith(1)
    const supplier = silentSupplier()
    const piece = pieces.start(indexOf(0), false)!
    pieces.ask(piece, 0, supplier)
    pieces.close(piece)
    pieces.giveBack(piece, 0, supplier)
    expect([...pieces.open()]).to.deep.equal([])
    expect(pieces.get(0)).to.equal(undefined)
  })

  it('tells the next attempt at a piece who sent each block of the failed one, until it passed', () => {
    const { pieces } = piecesWith(3)
    const [liar, other] = [silentSupplier(), silentSupplier()]
    const piece = pieces.start(indexOf(1), false)!
    piece.receive(0, liar, data)
    piece.receive(1, other, data)
    pieces.close(piece)
    pieces.suspect(piece)
    const again = pieces.start(indexOf(1), false)!
    expect([again.isSuspect(0, liar), again.isSuspect(0, other)]).to.deep.equal([true, false])
    expect([again.isSuspect(1, liar), again.isSuspect(1, other)]).to.deep.equal([false, true])
    pieces.close(again)
    pieces.clear(1)
    expect(pieces.start(indexOf(1), false)!.isSuspect(0, liar)).to.equal(false)
  })

  it('has a key of its own for every block', () => {
    const { pieces } = piecesWith(1)
    const keys = Array.from({ length: 16 }, (_, i) => pieces.key(i >> 1, i & 1))
    expect(new Set(keys).size).to.equal(16)
  })
})
