import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_RANGES, parseRange, type RangeAnswer } from '../../lib/http/byte-range.js'

const SIZE = 1000
const one = (start: number, end: number): RangeAnswer => [{ start, end }]

describe('a Range header', () => {
  const cases: [header: string | undefined, answer: RangeAnswer][] = [
    [undefined, 'whole'],
    ['', 'whole'],
    ['bytes', 'whole'],
    ['bytes=', 'whole'],
    ['bytes=,', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=1-2-3', 'whole'],
    ['bytes=1', 'whole'],
    ['bytes=--5', 'whole'],
    ['bytes=+1-2', 'whole'],
    ['bytes=1.5-2', 'whole'],
    ['bytes=0x1-2', 'whole'],
    ['bytes =0-1', 'whole'],
    ['items=0-1', 'whole'],
    ['bytes=5-2', 'whole'],
    ['bytes=0-1,5-2', 'whole'],
    ['bytes=0-1;5-9', 'whole'],
    ['bytes=0-0', one(0, 0)],
    ['BYTES=0-0', one(0, 0)],
    ['bytes=0-', one(0, 999)],
    ['bytes=0-999', one(0, 999)],
    ['bytes=0-1000', one(0, 999)],
    ['bytes=999-', one(999, 999)],
    ['bytes=999-999', one(999, 999)],
    ['bytes=500-99999999999999999999', one(500, 999)],
    ['bytes=007-9', one(7, 9)],
    ['bytes=-1', one(999, 999)],
    ['bytes=-500', one(500, 999)],
    ['bytes=-1000', one(0, 999)],
    ['bytes=-1001', one(0, 999)],
    ['bytes=-99999999999999999999', one(0, 999)],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=1000-1000', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    ['bytes=1000-,2000-3000', 'unsatisfiable'],
    [
      'bytes= 0-1 , 5-6 ',
      [
        { start: 0, end: 1 },
        { start: 5, end: 6 }
      ]
    ],
    [
      'bytes=,0-1,,5-6,',
      [
        { start: 0, end: 1 },
        { start: 5, end: 6 }
      ]
    ],
    [
      'bytes=0-0,-1',
      [
        { start: 0, end: 0 },
        { start: 999, end: 999 }
      ]
    ],
    [
      'bytes=0-1,2-3',
      [
        { start: 0, end: 1 },
        { start: 2, end: 3 }
      ]
    ],
    ['bytes=0-1,2000-', one(0, 1)],
    ['bytes=5-6,0-1', 'whole'],
    ['bytes=0-5,5-9', 'whole'],
    ['bytes=0-,0-', 'whole'],
    [`bytes=${Array.from({ length: MAX_RANGES + 1 }, (_, i) => `${i * 2}-${i * 2}`).join()}`, 'whole'],
    [`bytes=${'0'.repeat(2000)}-1`, 'whole']
  ]
  for (const [header, answer] of cases) {
    it(`${(header ?? 'none').slice(0, 60)} of ${SIZE} bytes`, () => {
      expect(parseRange(header, SIZE)).to.deep.equal(answer)
    })
  }

  it('of an empty file can only be whole or unsatisfiable', () => {
    expect(parseRange('bytes=0-', 0)).to.equal('unsatisfiable')
    expect(parseRange('bytes=-5', 0)).to.equal('unsatisfiable')
    expect(parseRange(undefined, 0)).to.equal('whole')
  })

  it(`may ask for ${MAX_RANGES} ranges`, () => {
    const header = `bytes=${Array.from({ length: MAX_RANGES }, (_, i) => `${i * 2}-${i * 2}`).join()}`
    expect(parseRange(header, SIZE)).to.have.length(MAX_RANGES)
  })

  it('never gives bytes outside the file, whatever it says', () => {
    const text = fc.string({
      unit: fc.constantFrom('bytes', '=', '-', ',', '0', '1', '7', '99', ' ', 'x'),
      maxLength: 40
    })
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map(rest => `bytes=${rest}`)
        ),
        fc.integer({ min: 0, max: 2000 }),
        (header, size) => {
          const answer = parseRange(header, size)
          if (typeof answer === 'string') return
          let after = 0
          for (const { start, end } of answer) {
            expect(start).to.be.at.least(after)
            expect(end).to.be.at.least(start).and.below(size)
            after = end + 1
          }
        }
      ),
      { numRuns: 2000 }
    )
  })
})
