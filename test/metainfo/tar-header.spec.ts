import { expect } from 'chai'
import { TAR_BLOCK_BYTES, tarHeader, tarHeaderLength, tarPadding } from '../../lib/metainfo/tar-header.js'

const GiB = 2 ** 30
const text = (header: Buffer, at: number, length: number): string =>
  header.toString('latin1', at, at + length).replace(/\0.*$/s, '')

describe('a tar header', () => {
  it('of a plain file is one block with its name, length, time, and a checksum', () => {
    const header = tarHeader({ path: 'folder/film.mkv', length: 1234, modified: 1_600_000_000 })
    expect(header).to.have.length(TAR_BLOCK_BYTES)
    expect(text(header, 0, 100)).to.equal('folder/film.mkv')
    expect(parseInt(text(header, 100, 8), 8)).to.equal(0o644)
    expect(parseInt(text(header, 124, 12), 8)).to.equal(1234)
    expect(parseInt(text(header, 136, 12), 8)).to.equal(1_600_000_000)
    expect(text(header, 257, 6)).to.equal('ustar')
    const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
    expect(parseInt(text(header, 148, 8), 8)).to.equal(sum)
  })

  it('has a pax record for what is longer than ustar can say, which counts its own length', () => {
    for (const length of [85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 101, 200, 985, 986, 987, 988, 989, 990, 991, 992]) {
      const path = 'é'.repeat(2) + 'x'.repeat(length)
      const header = tarHeader({ path, length: 1, modified: 0 })
      expect(text(header, 156, 1)).to.equal('x')
      const size = parseInt(text(header, 124, 12), 8)
      const record = header.subarray(TAR_BLOCK_BYTES, TAR_BLOCK_BYTES + size).toString()
      expect(record).to.equal(`${Buffer.byteLength(record)} path=${path}\n`)
    }
  })

  it('says more than 8 GiB in pax, and up to there in ustar', () => {
    const most = tarHeader({ path: 'a', length: 8 * GiB - 1, modified: 0 })
    expect(most).to.have.length(TAR_BLOCK_BYTES)
    expect(parseInt(text(most, 124, 12), 8)).to.equal(8 * GiB - 1)
    const more = tarHeader({ path: 'a', length: 8 * GiB, modified: 0 })
    expect(more.subarray(TAR_BLOCK_BYTES).toString()).to.match(/^19 size=8589934592\n/)
  })

  it('is as long as foretold, in whole blocks', () => {
    for (const path of ['a', 'x'.repeat(100), 'x'.repeat(101), 'ü', '日本/'.repeat(200), 'a\u{1f600}b'])
      for (const length of [0, 1, 8 * GiB, 2 ** 53 - 1]) {
        const entry = { path, length, modified: 2 ** 40 }
        expect(tarHeader(entry).length).to.equal(tarHeaderLength(entry))
        expect(tarHeader(entry).length % TAR_BLOCK_BYTES).to.equal(0)
      }
  })

  it('is followed by bytes that fill the last block', () => {
    expect([0, 1, 511, 512, 513].map(tarPadding)).to.deep.equal([0, 511, 1, 0, 511])
  })
})
