import { expect } from 'chai'
import fc from 'fast-check'
import { MetainfoError } from '../../lib/errors.js'
import { decode, encode, type Decoded } from '../../lib/metainfo/bencode.js'
import { treeOf } from '../support/bencode-tree.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'

const SEEDS = [
  encode({ a: [1, -2, 2n ** 62n, ''], b: { '': { x: Buffer.alloc(30, 0xff) } }, 'long key': [[[[]]]] }),
  Buffer.from('d1:bi01e1:al02:aae1:b0:e'),
  Buffer.from('l'.repeat(40) + 'e'.repeat(40)),
  Buffer.from('i-9223372036854775808e')
]

function decodeOrRefuse(bytes: Buffer, strict: boolean): Decoded | undefined {
  try {
    return decode(bytes, { strict, maxDepth: 20, maxTokens: 50, allowTrailing: true })
  } catch (error) {
    expect(error).to.be.instanceOf(MetainfoError).with.property('code', 'ERR_BT_BENCODE')
    return undefined
  }
}

describe('fuzz: decode', () => {
  const inputs = fc.oneof(
    damaged(SEEDS),
    fc
      .string({ unit: fc.constantFrom('0', '1', '2', '3', '10', '-', ':', 'e', 'i', 'd', 'l'), maxLength: 60 })
      .map(text => Buffer.from(text)),
    fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes))
  )

  it('gives a value or ERR_BT_BENCODE; every value can be walked; a strict one is canonical', async () => {
    await fuzz(
      fc.property(inputs, bytes => {
        const lenient = decodeOrRefuse(bytes, false)
        const strict = decodeOrRefuse(bytes, true)
        if (lenient) treeOf(lenient.value)
        if (strict) {
          expect(encode(treeOf(strict.value)).equals(bytes.subarray(0, strict.end))).to.equal(true)
          expect(strict.value.raw.equals(bytes.subarray(0, strict.end))).to.equal(true)
        }
        expect(strict !== undefined).to.equal(lenient?.faults.size === 0)
      }),
      3000
    )
  })
})
