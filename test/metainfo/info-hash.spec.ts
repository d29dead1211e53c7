import { expect } from 'chai'
import { asInfoHash, asPeerId, infoHashOf } from '../../lib/metainfo/info-hash.js'

describe('info-hash and peer id', () => {
  it('is the SHA-1 of the bytes', () => {
    expect(infoHashOf(Buffer.from('abc')).toString('hex')).to.equal('a9993e364706816aba3e25717850c26c9cd0d89d')
  })

  it('has 20 bytes, copied', () => {
    const bytes = Buffer.alloc(20, 1)
    const hash = asInfoHash(bytes)
    bytes.fill(2)
    expect(hash.every(byte => byte === 1)).to.equal(true)
    for (const length of [0, 19, 21, 32]) {
      expect(() => asInfoHash(Buffer.alloc(length))).to.throw(RangeError)
      expect(() => asPeerId(Buffer.alloc(length))).to.throw(RangeError)
    }
    expect(asPeerId(bytes)).to.have.length(20)
  })
})
