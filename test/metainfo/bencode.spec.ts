import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { MAX_BENCODE_DEPTH, MAX_BENCODE_TOKENS } from '../../lib/limits.js'
import { decode, encode, type Encodable } from '../../lib/metainfo/bencode.js'
import { treeOf } from '../support/bencode-tree.js'
import { conformanceDir } from '../support/conformance.js'
import { metainfoErrorOf } from '../support/thrown.js'

const decodeText = (text: string, options = {}) => decode(Buffer.from(text, 'latin1'), options)
const refusal = (text: string, options = {}) => metainfoErrorOf(() => decodeText(text, options))

describe('decode', () => {
  it('reads each kind, and answers undefined for every other kind', () => {
    const { value, end } = decodeText('d1:ai-7e1:bl2:xyee')
    expect(end).to.equal(18)
    expect(value.get('a')?.integer).to.equal(-7)
    expect([...value.get('b')!.items()!].map(item => item.text)).to.deep.equal(['xy'])
    expect(value.get('b')?.raw.toString()).to.equal('l2:xye')
    expect(value.get('c')).to.equal(undefined)
    expect([value.bytes, value.text, value.integer, value.items()]).to.deep.equal([
      undefined,
      undefined,
      undefined,
      undefined
    ])
    expect(value.get('a')?.get('a')).to.equal(undefined)
    expect(value.get('a')?.entries()).to.equal(undefined)
  })

  it('is exact up to 64 bits: numbers while they are safe, then bigints', () => {
    const integer = (digits: string) => decodeText(`i${digits}e`).value.integer
    expect(integer('9007199254740991')).to.equal(9007199254740991)
    expect(integer('9007199254740992')).to.equal(9007199254740992n)
    expect(integer('9007199254740993')).to.equal(9007199254740993n)
    expect(integer('-9007199254740991')).to.equal(-9007199254740991)
    expect(integer('-9007199254740993')).to.equal(-9007199254740993n)
    expect(integer('9223372036854775807')).to.equal(2n ** 63n - 1n)
    expect(integer('-9223372036854775808')).to.equal(-(2n ** 63n))
    for (const digits of ['9223372036854775808', '-9223372036854775809', '10000000000000000000']) {
      expect(refusal(`i${digits}e`).message).to.include('outside 64 bits')
    }
    expect(decodeText('i9007199254740993e').value.safeInteger).to.equal(undefined)
  })

  it('takes keys as bytes, and __proto__ as a key like others', () => {
    const { value } = decodeText('d0:i1e9:__proto__i2e11:constructori3e2:\xff\x00i4ee')
    const keys = ['', '__proto__', 'constructor', '\xff\x00']
    expect(keys.map(key => value.get(key)?.integer)).to.deep.equal(
      [1, undefined, undefined, undefined].map((_, i) => i + 1)
    )
    expect(value.get('toString')).to.equal(undefined)
    expect([...value.entries()!].map(([key]) => key.toString('latin1'))).to.deep.equal(keys)
  })

  it('reports what it forgives, with the first byte, and refuses it when strict', () => {
    const cases: [string, string, number][] = [
      ['d1:bi1e1:ai2ee', 'unsorted keys', 7],
      ['d1:ai1e1:ai2ee', 'duplicate key', 7],
      ['l02:xxe', 'leading zero', 1],
      ['li007ee', 'leading zero', 1]
    ]
    for (const [text, fault, offset] of cases) {
      expect([...decodeText(text).faults]).to.deep.equal([[fault, offset]])
      expect(refusal(text, { strict: true }).message).to.include(`${fault} at byte ${offset}`)
    }
    expect([...decodeText('d1:ai1e1:bi2ee').faults]).to.deep.equal([])
  })

  it('lets the first of two equal keys count, and finds them also when they are no neighbours', () => {
    const { value, faults } = decodeText('d1:bi1e1:ai2e1:bi3ee')
    expect(value.get('b')?.integer).to.equal(1)
    expect([...faults]).to.deep.equal([
      ['unsorted keys', 7],
      ['duplicate key', 13]
    ])
  })

  it('refuses each cut of a value, saying where', () => {
    const text = 'd4:listl1:ai-12ee3:str5:abcdee'
    for (let length = 0; length < text.length; length++) {
      const error = refusal(text.slice(0, length))
      expect(error.code).to.equal('ERR_BT_BENCODE')
      expect(error.message).to.match(/at byte \d+$/)
    }
    expect(decodeText(text).value.get('str')?.text).to.equal('abcde')
  })

  it('refuses bytes after the value unless they are allowed, and says where it ends', () => {
    expect(refusal('i42ee').message).to.include('1 bytes too many at byte 4')
    expect(decodeText('i42ee', { allowTrailing: true }).end).to.equal(4)
  })

  it('refuses a string length past the end without allocating it', () => {
    for (const text of [
      '5:abcd',
      '999999999999:',
      '99999999999999999999999999:a',
      `${'9'.repeat(100_000)}:a`,
      '-3:abc',
      'l-3:e'
    ]) {
      expect(refusal(text).code).to.equal('ERR_BT_BENCODE')
    }
  })

  it('bounds depth without a stack of its own', () => {
    const nested = (depth: number) => 'l'.repeat(depth) + 'e'.repeat(depth)
    expect(decodeText(nested(MAX_BENCODE_DEPTH)).end).to.equal(2 * MAX_BENCODE_DEPTH)
    expect(refusal(nested(MAX_BENCODE_DEPTH + 1)).message).to.include('nested deeper than 100')
    expect(decodeText(nested(8), { maxDepth: 8 }).end).to.equal(16)
    expect(refusal(nested(9), { maxDepth: 8 }).message).to.include('nested deeper than 8')
    expect(refusal('d1:a'.repeat(1_000_000), { maxDepth: 10 }).message).to.include('nested')
    expect(decodeText(nested(1_000_000), { maxDepth: 1_000_000 }).end).to.equal(2_000_000)
  })

  it('bounds the number of values, keys among them', () => {
    expect(decodeText('d1:a0:1:b0:e', { maxTokens: 5 }).end).to.equal(12)
    expect(refusal('d1:a0:1:b0:e', { maxTokens: 4 }).message).to.include('more than 4 values')
    expect(decodeText(`l${'0:'.repeat(MAX_BENCODE_TOKENS - 1)}e`).faults.size).to.equal(0)
    expect(refusal(`l${'0:'.repeat(MAX_BENCODE_TOKENS)}e`).message).to.include('more than 3000000 values')
  })

  it('sees only its own part of a larger buffer', () => {
    const bytes = Buffer.from('xxi42eyy')
    expect(decode(new Uint8Array(bytes.buffer, bytes.byteOffset + 2, 4)).value.integer).to.equal(42)
    expect(metainfoErrorOf(() => decode(bytes.subarray(2, 5))).message).to.include('cut off')
  })
})

describe('encode', () => {
  it('sorts keys by their bytes and leaves out what is undefined', () => {
    expect(encode({ b: 1, a: [2n, 'é', Buffer.from([0xff])], B: undefined, C: {} }).toString('latin1')).to.equal(
      'd1:Cde1:ali2e2:\xc3\xa91:\xffe1:bi1ee'
    )
    expect(
      encode(
        new Map([
          ['\xff', 'x'],
          ['z', 'y']
        ])
      ).toString('latin1')
    ).to.equal('d1:z1:y1:\xff1:xe')
    expect(encode(-0).toString()).to.equal('i0e')
  })

  it('writes a decoded value as it stood', () => {
    const { value } = decodeText('d1:bi1e1:ai02ee')
    expect(encode([value]).toString()).to.equal('ld1:bi1e1:ai02eee')
  })

  it('refuses what it cannot write exactly', () => {
    for (const value of [1.5, NaN, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n, { ключ: 1 }]) {
      expect(() => encode(value)).to.throw(RangeError)
    }
  })

  it('is undone by decode, strictly', () => {
    const { tree } = fc.letrec<{ tree: Encodable }>(tie => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes)),
        fc.maxSafeInteger(),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
        fc.array(tie('tree'), { maxLength: 5 }),
        fc
          .uniqueArray(fc.tuple(fc.uint8Array({ maxLength: 6 }), tie('tree')), {
            maxLength: 5,
            selector: ([key]) => key.join()
          })
          .map(entries => entries.map(([key, value]) => [Buffer.from(key).toString('latin1'), value] as const))
          .map(entries => new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1))))
      )
    }))
    fc.assert(
      fc.property(tree, value => {
        const bytes = encode(value)
        const { value: decoded, end } = decode(bytes, { strict: true })
        expect(end).to.equal(bytes.length)
        expect(treeOf(decoded)).to.deep.equal(value)
      }),
      { numRuns: 300 }
    )
  })
})

describe('decode: conformance vectors', () => {
  interface Vector {
    hex?: string
    generate?: string
    text?: string
    verdict: string
  }
  const dir = conformanceDir()
  if (!dir) return void it.skip('the conformance data is missing')
  const vectors = (JSON.parse(readFileSync(`${dir}/vectors.json`, 'utf8')) as { bencode: Vector[] }).bencode
  const generators = new Map([
    ["'l'*1024 + 'e'*1024", () => Buffer.from('l'.repeat(1024) + 'e'.repeat(1024))],
    ["'l' + '0:'*5119 + 'e', token limit 1000", () => Buffer.from(`l${'0:'.repeat(5119)}e`)],
    ["'99999999:' + 99999999 bytes", () => Buffer.alloc(9 + 99_999_999).fill('99999999:', 0, 9)],
    ["'100000000:' + 100000000 bytes", () => Buffer.alloc(10 + 100_000_000).fill('100000000:', 0, 10)],
    ["'199999999:foobar' with a claimed buffer of 999999999", () => Buffer.from('199999999:foobar')]
  ])

  /** Transmission refuses a leading zero; ours forgives it unless strict, as libtorrent does. */
  const forgivenHere = ['i04e']

  for (const [i, vector] of vectors.entries()) {
    it(`${i}: ${vector.verdict}: ${vector.text ?? vector.generate ?? vector.hex}`, () => {
      const bytes = vector.hex === undefined ? generators.get(vector.generate!)!() : Buffer.from(vector.hex, 'hex')
      const maxTokens = vector.generate?.includes('token limit 1000') ? 1000 : MAX_BENCODE_TOKENS
      if (vector.verdict === 'ok') {
        expect(decode(bytes, { strict: true }).end).to.equal(bytes.length)
      } else if (vector.verdict === 'ok, 2 trailing bytes') {
        expect(decode(bytes, { allowTrailing: true }).end).to.equal(bytes.length - 2)
      } else if (vector.verdict === 'soft') {
        expect(decode(bytes).faults.size).to.be.greaterThan(0)
        expect(metainfoErrorOf(() => decode(bytes, { strict: true })).code).to.equal('ERR_BT_BENCODE')
      } else if (vector.verdict.startsWith('node-bencode assigns')) {
        expect(decode(bytes).value.get('__proto__')?.get('a')?.integer).to.equal(1)
      } else {
        const strict = vector.verdict === 'fuzz seed' || forgivenHere.includes(vector.text ?? '')
        expect(metainfoErrorOf(() => decode(bytes, { strict, maxTokens })).code).to.equal('ERR_BT_BENCODE')
      }
    })
  }
})
