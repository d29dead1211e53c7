import { expect } from 'chai'
import fc from 'fast-check'
import { copyBytes } from '../../lib/pieces/copy-bytes.js'

const shared = (length: number): Buffer => Buffer.from(new SharedArrayBuffer(length))

describe('copyBytes', () => {
  it('copies what copy does, from and to shared memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(50), fc.nat(50), fc.boolean(), (bytes, at, rest, back) => {
        const source = back ? shared(bytes.length) : Buffer.alloc(bytes.length)
        source.set(bytes)
        const target = back ? Buffer.alloc(at + bytes.length + rest, 7) : shared(at + bytes.length + rest).fill(7)
        const expected = Buffer.alloc(target.length, 7)
        expected.set(bytes, at)
        copyBytes(source, target, at)
        expect(target.equals(expected)).to.equal(true)
      })
    )
  })

  it('refuses what does not fit, and changes nothing', () => {
    const target = shared(8)
    for (const at of [-1, 5, 9]) expect(() => copyBytes(Buffer.alloc(4, 1), target, at)).to.throw(RangeError)
    expect(target.equals(Buffer.alloc(8))).to.equal(true)
  })
})
