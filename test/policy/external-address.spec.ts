import { expect } from 'chai'
import { ExternalAddress } from '../../lib/policy/external-address.js'

describe('ExternalAddress', () => {
  it('is what two hosts agree on, of each family', () => {
    const external = new ExternalAddress()
    external.vote('1.1.1.1', '8.8.8.8')
    expect(external.best(4)).to.equal(undefined)
    external.vote('1.1.1.2', '8.8.8.8')
    external.vote('1.1.1.3', '9.9.9.9')
    external.vote('1.1.1.1', '2600::1')
    external.vote('1.1.1.2', '2600::1')
    expect([external.best(4), external.best(6)]).to.deep.equal(['8.8.8.8', '2600::1'])
  })

  it('is not decided by one host that votes often, nor by addresses that nobody outside can see', () => {
    const external = new ExternalAddress()
    for (let i = 0; i < 10; i++) external.vote('1.1.1.1', '8.8.8.8')
    for (let i = 0; i < 10; i++) external.vote(`1.1.1.${i}`, '192.168.0.1')
    expect(external.best(4)).to.equal(undefined)
  })

  it('follows what is said lately', () => {
    const external = new ExternalAddress()
    for (let i = 0; i < 50; i++) external.vote(`1.1.1.${i}`, '8.8.8.8')
    for (let i = 0; i < 50; i++) external.vote(`1.1.2.${i}`, '9.9.9.9')
    expect(external.best(4)).to.equal('9.9.9.9')
  })
})
