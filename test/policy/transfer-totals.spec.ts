import { expect } from 'chai'
import fc from 'fast-check'
import { asTransferFigures, TransferTotals, type TransferFigures } from '../../lib/policy/transfer-totals.js'

describe('TransferTotals', () => {
  it('adds this session to what it learned', () => {
    const totals = new TransferTotals()
    expect(totals.now).to.deep.equal({ uploaded: 0, downloaded: 0 })
    totals.learn({ uploaded: 10, downloaded: 1 })
    totals.session = () => ({ uploaded: 5, downloaded: 7 })
    expect(totals.now).to.deep.equal({ uploaded: 15, downloaded: 8 })
  })

  it('is the truth after any sessions that ended well, and never more than the truth after any that were killed', () => {
    const bytes = fc.nat(2 ** 40)
    const step = fc.record({ up: bytes, down: bytes, keptIn: fc.constantFrom('file', 'record', 'both', 'none') })
    const session = fc.record({
      steps: fc.array(step, { maxLength: 5 }),
      endsIn: fc.constantFrom('file', 'both', 'killed')
    })
    fc.assert(
      fc.property(fc.array(session, { maxLength: 8 }), sessions => {
        const kept: { file?: TransferFigures; record?: TransferFigures } = {}
        const truth = { uploaded: 0, downloaded: 0 }
        let lost = false
        for (const { steps, endsIn } of sessions) {
          const totals = new TransferTotals()
          for (const each of Object.values(kept)) totals.learn(each)
          const count = { uploaded: 0, downloaded: 0 }
          totals.session = () => count
          const keep = (place: string): void => {
            if (place === 'file' || place === 'both') kept.file = totals.now
            if (place === 'record' || place === 'both') kept.record = totals.now
          }
          for (const { up, down, keptIn } of steps) {
            count.uploaded += up
            count.downloaded += down
            keep(keptIn)
          }
          truth.uploaded += count.uploaded
          truth.downloaded += count.downloaded
          keep(endsIn)
          lost ||= endsIn === 'killed'
          expect(totals.now.uploaded).to.be.at.most(truth.uploaded)
          expect(totals.now.downloaded).to.be.at.most(truth.downloaded)
          if (!lost) expect(totals.now).to.deep.equal(truth)
        }
      })
    )
  })

  it('takes no figures that are none', () => {
    expect(asTransferFigures({ uploaded: 1, downloaded: 0, more: 3 })).to.deep.equal({ uploaded: 1, downloaded: 0 })
    for (const wrong of [
      null,
      7,
      {},
      { uploaded: 1 },
      { uploaded: -1, downloaded: 0 },
      { uploaded: 1.5, downloaded: 0 }
    ])
      expect(asTransferFigures(wrong)).to.equal(undefined)
    expect(asTransferFigures({ uploaded: 2 ** 53, downloaded: 0 })).to.equal(undefined)
    expect(asTransferFigures({ uploaded: '1', downloaded: 0 })).to.equal(undefined)
  })
})
