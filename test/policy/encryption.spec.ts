import { expect } from 'chai'
import { allowsWay, ENCRYPTIONS, methodsOf, waysTo, type Encryption } from '../../lib/policy/encryption.js'

describe('encryption', () => {
  const orders: [Encryption, string, string, string][] = [
    // nothing known; prefers encryption, they say; worked plain
    ['off', 'plain', 'plain', 'plain'],
    ['allow', 'plain encrypted', 'encrypted plain', 'plain encrypted'],
    ['prefer', 'encrypted plain', 'encrypted plain', 'plain encrypted'],
    ['require', 'encrypted', 'encrypted', 'encrypted']
  ]
  for (const [encryption, unknown, said, worked] of orders) {
    it(`${encryption}: ${unknown}`, () => {
      expect(waysTo({}, encryption).join(' ')).to.equal(unknown)
      expect(waysTo({ prefersEncryption: false }, encryption).join(' ')).to.equal(unknown)
      expect(waysTo({ prefersEncryption: true }, encryption).join(' ')).to.equal(said)
      expect(waysTo({ worksBy: 'plain', prefersEncryption: true }, encryption).join(' ')).to.equal(worked)
      expect(waysTo({ worksBy: 'encrypted' }, encryption).join(' ')).to.equal(said)
    })
  }

  it('takes from others what it would do itself', () => {
    for (const encryption of ENCRYPTIONS) {
      const ways = waysTo({}, encryption)
      expect(allowsWay(encryption, 'plain')).to.equal(ways.includes('plain'))
      expect(allowsWay(encryption, 'encrypted')).to.equal(ways.includes('encrypted'))
      expect(methodsOf(encryption).length > 0).to.equal(ways.includes('encrypted'))
    }
    expect(methodsOf('require')).to.deep.equal(['rc4'])
  })
})
