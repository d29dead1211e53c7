import { expect } from 'chai'
import fc from 'fast-check'
import { BloomFilter } from '../../../lib/discovery/dht/bloom-filter.js'

/** BEP 33, "Test Vectors". */
const FILTER = `
  f6c3f5ea a07ffd91 bde89f77 7f26fb2b ff37bdb8 fb2bbaa2 fd3ddde7 bacfff75 ee7ccbae fe5eedb1 fbfaff67 f6abff5e
  43ddbca3 fd9b9ffd f4ffd3e9 dff12d1b df59db53 dbe9fa5b 7ff3b8fd fcde1afb 8bedd7be 2f3ee71e bbbfe93b cdeefe14
  8246c2bc 5dbff7e7 efdcf24f d8dc7adf fd8fffdf ddfff7a4 bbeedf5c b95ce81f c7fcff1f f4ffffdf e5f7fdcb b7fd79b3
  fa1fc77b fe07fff9 05b7b7ff c7fefeff e0b8370b b0cd3f5b 7f2bd93f eb4386cf dd6f7fd5 bfaf2e9e bffffeec d67adbf7
  c67f17ef d5d75eba 6ffeba7f ff47a91e b1bfbb53 e8abfb57 62abe8ff 237279bf efbfeef5 ffc5febf dfe5adff adfee1fb
  737ffffb fd9f6aef feee76b6 fd8f72ef`.replace(/\s/g, '')

const hosts4 = Array.from({ length: 256 }, (_, i) => `192.0.2.${i}`)
const hosts6 = Array.from({ length: 0x3e8 }, (_, i) => (i === 0 ? '2001:db8::' : `2001:db8::${i.toString(16)}`))

describe('Bloom filters of BEP 33', () => {
  it('hold the addresses of its example in its bytes, 1224.9308 of them', () => {
    const filter = new BloomFilter()
    for (const host of [...hosts4, ...hosts6]) filter.add(host)
    expect(filter.bytes.toString('hex')).to.equal(FILTER)
    expect(filter.size).to.be.closeTo(1224.9308, 0.0001)
  })

  it('joined are the filter of all', () => {
    const [all, some, others] = [new BloomFilter(), new BloomFilter(), new BloomFilter()]
    for (const host of [...hosts4, ...hosts6]) all.add(host)
    for (const host of hosts4) some.add(host)
    for (const host of hosts6) others.add(host)
    some.join(others.bytes)
    expect(some.bytes).to.deep.equal(all.bytes)
  })

  it('count a host once, however often it is added', () => {
    const filter = new BloomFilter()
    filter.add('1.2.3.4')
    const { size } = filter
    filter.add('1.2.3.4')
    expect(filter.size).to.equal(size)
    expect(Math.round(size)).to.equal(1)
  })

  it('have a size that is a number when they are empty, full, and all between', () => {
    expect(new BloomFilter().size).to.equal(0)
    expect(new BloomFilter(Buffer.alloc(256, 0xff)).size).to.be.within(6000, 9000)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), bytes => {
        expect(new BloomFilter(bytes).size).to.be.within(0, 9000)
      })
    )
  })

  it('are copies of the bytes they are given', () => {
    const bytes = Buffer.alloc(256)
    new BloomFilter(bytes).add('1.2.3.4')
    expect(bytes).to.deep.equal(Buffer.alloc(256))
  })
})
