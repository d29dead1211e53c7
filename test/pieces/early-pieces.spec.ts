import { expect } from 'chai'
import { MAX_PIECES } from '../../lib/limits.js'
import { EarlyPieces } from '../../lib/pieces/early-pieces.js'

describe('EarlyPieces', () => {
  it('are what bitfield and HAVEs said, once the number of pieces is known', () => {
    const early = new EarlyPieces()
    early.onBitfield(Buffer.of(0b1000_0000, 0b0100_0000))
    expect([early.onHave(2), early.onHave(11)]).to.deep.equal([true, true])
    const pieces = early.resolve(12)
    expect(Array.from({ length: 12 }, (_, i) => pieces?.has(i))).to.deep.equal(
      Array.from({ length: 12 }, (_, i) => [0, 2, 9, 11].includes(i))
    )
  })

  it('are none when nothing was said', () => expect(new EarlyPieces().resolve(5)?.count).to.equal(0))

  it('were a lie when they do not fit', () => {
    const long = new EarlyPieces()
    long.onBitfield(Buffer.alloc(3))
    expect([long.resolve(16), long.resolve(25)]).to.deep.equal([undefined, undefined])
    expect(long.resolve(17)?.count).to.equal(0)
    const spare = new EarlyPieces()
    spare.onHave(12)
    expect(spare.resolve(12)).to.equal(undefined)
    expect(spare.resolve(13)?.has(12)).to.equal(true)
    const far = new EarlyPieces()
    far.onHave(100)
    expect(far.resolve(50)).to.equal(undefined)
  })

  it('take no piece that no torrent has', () => expect(new EarlyPieces().onHave(MAX_PIECES)).to.equal(false))

  it('keep a copy', () => {
    const bits = Buffer.of(0xff)
    const early = new EarlyPieces()
    early.onBitfield(bits)
    bits[0] = 0
    expect(early.resolve(8)?.isComplete).to.equal(true)
  })
})
