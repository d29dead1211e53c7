import { expect } from 'chai'
import { METADATA_SERVED_BURST, METADATA_SERVED_PER_MINUTE } from '../../lib/limits.js'
import { MetadataService } from '../../lib/wire/metadata-service.js'

describe('MetadataService', () => {
  const metadata = Buffer.alloc(20_000, 7)

  it('gives pieces, the last of which is shorter, and nothing beyond', () => {
    const service = new MetadataService(0)
    expect(service.answer(0, metadata, 0)).to.deep.include({ type: 'data', totalSize: 20_000 })
    expect(service.answer(1, metadata, 0))
      .to.have.property('bytes')
      .that.has.length(20_000 - 16_384)
    for (const piece of [2, 2 ** 40])
      expect(service.answer(piece, metadata, 0)).to.deep.equal({ type: 'reject', piece })
    expect(service.answer(0, undefined, 0)).to.deep.equal({ type: 'reject', piece: 0 })
  })

  it('refuses a flood, and goes on a while later', () => {
    const service = new MetadataService(0)
    const served = (now: number, times: number): number =>
      Array.from({ length: times }, () => service.answer(0, metadata, now).type).filter(type => type === 'data').length
    expect(served(0, 1000)).to.equal(METADATA_SERVED_BURST)
    expect(served(30_000, 1000)).to.equal(METADATA_SERVED_PER_MINUTE / 2)
  })

  it('always gives all of it twice', () => {
    const service = new MetadataService(0)
    const large = Buffer.alloc(16_384 * 100)
    for (let i = 0; i < 200; i++) expect(service.answer(i % 100, large, 0).type).to.equal('data')
    expect(service.answer(0, large, 0).type).to.equal('reject')
  })
})
