import { expect } from 'chai'
import { Rc4 } from '../../../lib/net/mse/rc4.js'
import { conformanceVectors } from '../../support/conformance.js'

interface Vectors {
  readonly vectors: readonly { key: string; at_1024: string; at_4096: string }[]
}

describe('Rc4', () => {
  // RFC 6229
  const key = Buffer.from('0102030405', 'hex')
  const first = 'b2396305f03dc027ccc3524a0a1118a8'

  it('makes the keystream of RFC 6229', () => {
    expect(new Rc4(key).apply(Buffer.alloc(16)).toString('hex')).to.equal(first)
  })

  it('makes it far from its start too', function () {
    const { vectors } = conformanceVectors(this, 'rc4') as Vectors
    for (const vector of vectors) {
      const cipher = new Rc4(Buffer.from(vector.key, 'hex'))
      cipher.skip(1024)
      expect(cipher.apply(Buffer.alloc(16)).toString('hex')).to.equal(vector.at_1024)
      cipher.skip(4096 - 1024 - 16)
      expect(cipher.apply(Buffer.alloc(16)).toString('hex')).to.equal(vector.at_4096)
    }
  })

  it('is the same in whatever portions, in place or not, and leaves its input alone unless told', () => {
    const bytes = Buffer.from('the quick brown fox jumps over the lazy dog')
    const whole = new Rc4(key).apply(bytes)
    expect(bytes.toString()).to.equal('the quick brown fox jumps over the lazy dog')
    const cipher = new Rc4(key)
    const portions: Buffer[] = []
    for (let at = 0; at < bytes.length; at += 5) {
      const portion = Buffer.from(bytes.subarray(at, at + 5))
      if (at % 2 === 0) portions.push(cipher.apply(portion))
      else {
        cipher.applyInPlace(portion)
        portions.push(portion)
      }
    }
    expect(Buffer.concat(portions)).to.deep.equal(whole)
    expect(new Rc4(key).apply(whole)).to.deep.equal(bytes)
  })
})
