import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_ENCRYPTION_PAD } from '../../../lib/limits.js'
import { MarkSearch } from '../../../lib/net/mse/mark-search.js'
import { cut, feeds } from '../../support/feeds.js'
import { protocolFault } from '../../support/protocol-error.js'

/** Place of the first byte behind the mark. */
function find(mark: Buffer, chunks: readonly Buffer[]): number | undefined {
  const search = new MarkSearch(mark)
  let before = 0
  for (const chunk of chunks) {
    const end = search.push(chunk)
    if (end !== undefined) return before + end
    before += chunk.length
  }
  return undefined
}

describe('MarkSearch', () => {
  const mark = Buffer.from('mark of twenty bytes')

  for (const padLength of [0, 1, 19, 20, 511, MAX_ENCRYPTION_PAD]) {
    it(`finds a mark behind ${padLength} bytes, however they are cut`, () => {
      const bytes = Buffer.concat([Buffer.alloc(padLength, 'm'), mark])
      for (const { name, chunks } of feeds(bytes)) expect(find(mark, chunks), name).to.equal(bytes.length)
    })
  }

  it('gives up as soon as it is too late, however the bytes are cut', () => {
    const bytes = Buffer.concat([Buffer.alloc(MAX_ENCRYPTION_PAD + 1), mark])
    for (const { name, chunks } of feeds(bytes))
      expect(
        protocolFault(() => find(mark, chunks)),
        name
      ).to.equal('ERR_BT_HANDSHAKE')
    const search = new MarkSearch(mark)
    expect(search.push(Buffer.alloc(MAX_ENCRYPTION_PAD + mark.length - 1))).to.equal(undefined)
    expect(protocolFault(() => search.push(Buffer.of(0)))).to.equal('ERR_BT_HANDSHAKE')
  })

  it('is not misled by what begins like the mark', () => {
    const letters = fc.array(fc.constantFrom('a', 'b'), { maxLength: 60 }).map(text => Buffer.from(text.join('')))
    const marks = letters.filter(({ length }) => length > 0 && length < 9)
    fc.assert(
      fc.property(marks, letters, fc.array(fc.nat(60), { maxLength: 8 }), (needle, hay, cuts) => {
        const at = hay.indexOf(needle)
        const places = cuts.map(place => Math.min(place, hay.length))
        expect(find(needle, cut(hay, places))).to.equal(at < 0 ? undefined : at + needle.length)
      }),
      { numRuns: 2000 }
    )
  })
})
