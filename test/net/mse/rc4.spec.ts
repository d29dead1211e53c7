import { expect } from 'chai'
import fc from 'fast-check'
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

  it('is the same wherever in memory the bytes lie, and however they are cut', () => {
    const stream = keystream(key, 1000)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(70), fc.nat(9), fc.boolean()), { maxLength: 12 }), cuts => {
        const cipher = new Rc4(key)
        let at = 0
        for (const [length, offset, isInPlace] of cuts) {
          const around = Buffer.alloc(offset + length + 5, 0xaa)
          const bytes = around.subarray(offset, offset + length)
          const expected = bytes.map((byte, n) => byte ^ (stream[at + n] ?? 0))
          const made = isInPlace ? bytes : cipher.apply(bytes)
          if (isInPlace) cipher.applyInPlace(bytes)
          expect(made.equals(expected)).to.equal(true)
          expect(
            Buffer.concat([around.subarray(0, offset), around.subarray(offset + length)]).every(b => b === 0xaa)
          ).to.equal(true)
          at += length
        }
      })
    )
  })
})

/** RC4 as textbooks have it, byte by byte. */
function keystream(key: Uint8Array, length: number): number[] {
  const state = Array.from({ length: 256 }, (_, i) => i)
  const swap = (a: number, b: number): void => void ([state[a], state[b]] = [state[b] ?? 0, state[a] ?? 0])
  let j = 0
  for (let i = 0; i < 256; i++) swap(i, (j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) % 256))
  let k = 0
  return Array.from({ length }, (_, n) => {
    const i = (n + 1) % 256
    swap(i, (k = (k + (state[i] ?? 0)) % 256))
    return state[((state[i] ?? 0) + (state[k] ?? 0)) % 256] ?? 0
  })
}
