import { expect } from 'chai'
import { silentSupplier } from '../support/piece-fixtures.js'

describe('Supplier', () => {
  it('may be asked when it does not choke us and knows that we are interested', () => {
    const supplier = silentSupplier()
    expect(supplier.isOpen).to.equal(false)
    supplier.isChoking = false
    expect(supplier.isOpen).to.equal(false)
    supplier.amInterested = true
    expect(supplier.isOpen).to.equal(true)
    supplier.isChoking = true
    expect(supplier.isOpen).to.equal(false)
  })

  it('recalls each request that was taken back once', () => {
    const supplier = silentSupplier()
    supplier.forget(7)
    supplier.forget(7)
    expect([supplier.recall(7), supplier.recall(7), supplier.recall(8)]).to.deep.equal([true, false, false])
  })

  it('recalls the last 512, so that nobody can make it keep more', () => {
    const supplier = silentSupplier()
    for (let key = 0; key <= 512; key++) supplier.forget(key)
    expect([supplier.recall(0), supplier.recall(1), supplier.recall(512)]).to.deep.equal([false, true, true])
  })

  it('keeps a request that was taken back again as a new one', () => {
    const supplier = silentSupplier()
    for (let key = 0; key < 512; key++) supplier.forget(key)
    supplier.forget(0)
    supplier.forget(1000)
    expect([supplier.recall(0), supplier.recall(1)]).to.deep.equal([true, false])
  })

  it('is expected late while it is snubbed', () => {
    const supplier = silentSupplier()
    const before = supplier.etaMs(0)
    supplier.pipeline.isSnubbed = true
    expect(supplier.etaMs(0)).to.be.greaterThan(10 * before)
  })
})
