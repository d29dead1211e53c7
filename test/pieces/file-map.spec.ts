import { expect } from 'chai'
import fc from 'fast-check'
import { FileMap } from '../../lib/pieces/file-map.js'

/** Files of these lengths, one after the other; negative ones are padding. */
function filesOf(lengths: readonly number[]) {
  let offset = 0
  return lengths.map((each, i) => {
    const entry = { path: `${i}`, length: Math.abs(each), offset, padding: each < 0 }
    offset += entry.length
    return entry
  })
}

describe('FileMap', () => {
  it('splits a range at the borders of files', () => {
    const map = new FileMap(filesOf([10, 5, 10]))
    expect(map.spans(8, 10)).to.deep.equal([
      { file: 0, fileOffset: 8, rangeOffset: 0, length: 2 },
      { file: 1, fileOffset: 0, rangeOffset: 2, length: 5 },
      { file: 2, fileOffset: 0, rangeOffset: 7, length: 3 }
    ])
    expect(map.spans(10, 5)).to.deep.equal([{ file: 1, fileOffset: 0, rangeOffset: 0, length: 5 }])
  })

  it('gives nothing to empty files and padding', () => {
    const map = new FileMap(filesOf([0, 4, 0, -4, 0, 4, 0]))
    expect(map.spans(0, 12)).to.deep.equal([
      { file: 1, fileOffset: 0, rangeOffset: 0, length: 4 },
      { file: 5, fileOffset: 0, rangeOffset: 8, length: 4 }
    ])
    expect(map.spans(4, 4)).to.deep.equal([])
  })

  it('is empty for an empty range, past the end, and without files', () => {
    const map = new FileMap(filesOf([4]))
    expect([map.spans(2, 0), map.spans(4, 9), new FileMap([]).spans(0, 9)]).to.deep.equal([[], [], []])
    expect(map.spans(2, 9)).to.deep.equal([{ file: 0, fileOffset: 2, rangeOffset: 0, length: 2 }])
  })

  it('finds its place among very many files at once', () => {
    const count = 100_000
    const map = new FileMap(filesOf(Array<number>(count).fill(3)))
    const before = performance.now()
    for (let i = 0; i < count; i++) expect(map.spans(i * 3 + 1, 1)[0]?.file).to.equal(i)
    expect(performance.now() - before).to.be.below(3000)
  })

  it('names each byte once, and the right one', () => {
    const lengths = fc.array(fc.integer({ min: -6, max: 9 }), { maxLength: 12 })
    fc.assert(
      fc.property(lengths, fc.nat(60), fc.nat(60), (each, offset, length) => {
        const files = filesOf(each)
        const expected: string[] = []
        for (const [i, file] of files.entries()) {
          for (let byte = 0; byte < file.length && !file.padding; byte++) {
            const at = file.offset + byte
            if (at >= offset && at < offset + length) expected.push(`${at - offset}: ${i} ${byte}`)
          }
        }
        const named = new FileMap(files)
          .spans(offset, length)
          .flatMap(span =>
            Array.from(
              { length: span.length },
              (_, k) => `${span.rangeOffset + k}: ${span.file} ${span.fileOffset + k}`
            )
          )
        expect(named).to.deep.equal(expected)
      }),
      { numRuns: 300 }
    )
  })
})
