import { expect } from 'chai'
import fc from 'fast-check'
import { TAR_END, tarHeader, tarPadding } from '../../lib/metainfo/tar-header.js'
import { TarLayout, type TarFile } from '../../lib/pieces/tar-layout.js'
import { randomBytesSeeded } from '../support/make-torrent.js'

const MODIFIED = 1_500_000_000

interface Piled {
  readonly files: readonly TarFile[]
  readonly payload: Buffer
  readonly archive: Buffer
}

/** Files one after the other, with gaps between them as padding leaves them, and the archive made in one go. */
function pile(lengths: readonly (readonly [length: number, gap: number])[]): Piled {
  let offset = 0
  const files = lengths.map(([length, gap], i) => {
    const file = { path: i % 3 === 0 ? `folder/ä-${i}` : `folder/${i}`, length, offset }
    offset += length + gap
    return file
  })
  const payload = randomBytesSeeded('tar', offset)
  const parts = files.map(({ path, length, offset: at }) => [
    tarHeader({ path, length, modified: MODIFIED }),
    payload.subarray(at, at + length),
    Buffer.alloc(tarPadding(length))
  ])
  return { files, payload, archive: Buffer.concat([...parts.flat(), TAR_END]) }
}

describe('a tar layout', () => {
  it('gives the same bytes as an archive made in one go, from any place to any other', () => {
    const lengths = fc.array(fc.tuple(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 300 })), {
      maxLength: 8
    })
    fc.assert(
      fc.property(
        lengths,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, a, b) => {
          const { files, payload, archive } = pile(list)
          const layout = new TarLayout(files, MODIFIED)
          expect(layout.length).to.equal(archive.length)
          const [start, end] = [
            Math.floor(Math.min(a, b) * archive.length),
            Math.floor(Math.max(a, b) * archive.length)
          ]
          const need = layout.payloadOf(start, end)
          const read: Buffer[] = []
          const touched: number[] = []
          for (let at = start; at < end;) {
            const run = layout.runAt(at)
            const bytes = 'made' in run ? run.made : payload.subarray(run.offset, run.offset + run.length)
            const taken = bytes.subarray(0, end - at)
            expect(taken.length).to.be.greaterThan(0)
            if (!('made' in run)) touched.push(run.offset, run.offset + taken.length)
            read.push(taken)
            at += taken.length
          }
          expect(Buffer.concat(read).equals(archive.subarray(start, end))).to.equal(true)
          expect(need).to.deep.equal(
            touched.length === 0 ? undefined : { start: Math.min(...touched), end: Math.max(...touched) }
          )
        }
      ),
      { numRuns: 300 }
    )
  })

  it('is known at once for a hundred thousand files', () => {
    const files = Array.from({ length: 100_000 }, (_, i) => ({ path: `f/${i}`, length: 1, offset: i }))
    const layout = new TarLayout(files, 0)
    expect(layout.length).to.equal(100_000 * 1024 + 1024)
    expect(layout.runAt(99_999 * 1024 + 512)).to.deep.equal({ offset: 99_999, length: 1 })
  })
})
