import { expect } from 'chai'
import fc from 'fast-check'
import { ALLOWED_FAST_PIECES } from '../../lib/limits.js'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import { allowedFastPieces } from '../../lib/wire/allowed-fast.js'
import { conformanceVectors } from '../support/conformance.js'

interface Vector {
  readonly ip: string
  readonly infohash: string
  readonly pieces: number
  readonly k: number
  readonly set: number[]
}

const HASH = asInfoHash(Buffer.alloc(20, 0xaa))

describe('allowedFastPieces', () => {
  it('are those of BEP 6', () => {
    expect(allowedFastPieces('80.4.4.200', HASH, 1313, 7)).to.deep.equal([1059, 431, 808, 1217, 287, 376, 1188])
    expect(allowedFastPieces('80.4.4.200', HASH, 1313)).to.deep.equal([1059, 431, 808, 1217, 287])
  })

  it('agree with other clients', function () {
    for (const { ip, infohash, pieces, k, set } of conformanceVectors(this, 'bep6_allowed_fast') as Vector[])
      expect(allowedFastPieces(ip, asInfoHash(Buffer.from(infohash, 'hex')), pieces, k), ip).to.deep.equal(set)
  })

  it('are the same for a whole network, and none for IPv6', () => {
    expect(allowedFastPieces('80.4.4.1', HASH, 1313)).to.deep.equal(allowedFastPieces('80.4.4.200', HASH, 1313))
    expect(allowedFastPieces('2001:db8::1', HASH, 1313)).to.deep.equal([])
  })

  it('are as many as wanted or as there are, each once and in range', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 1, max: 2_097_152 }), fc.nat(12), (host, pieces, count) => {
        const allowed = allowedFastPieces(host, HASH, pieces, count)
        expect(new Set(allowed).size).to.equal(Math.min(count, pieces)).and.to.equal(allowed.length)
        for (const index of allowed) expect(index).to.be.within(0, pieces - 1)
      })
    )
    expect(allowedFastPieces('1.2.3.4', HASH, 3)).to.have.length(3)
    expect(ALLOWED_FAST_PIECES).to.equal(5)
  })
})
