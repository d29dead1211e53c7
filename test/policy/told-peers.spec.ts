import { expect } from 'chai'
import { believablePeers, isBelievableHost } from '../../lib/policy/told-peers.js'

const peer = (host: string, port = 1): { host: string; port: number } => ({ host, port })

describe('addresses that a peer tells of', () => {
  const told = ['8.8.8.8', '192.168.1.5', '10.1.1.1', '127.0.0.1', '0.0.0.0', '224.0.0.1', '2600::1', '::1'].map(host =>
    peer(host)
  )

  it('are of the wide world when it is', () =>
    expect(believablePeers(told, peer('9.9.9.9')).map(({ host }) => host)).to.deep.equal(['8.8.8.8', '2600::1']))

  it('may be of its own network', () =>
    expect(believablePeers(told, peer('192.168.1.9')).map(({ host }) => host)).to.include.members([
      '8.8.8.8',
      '192.168.1.5'
    ]))

  it('count once a host, but on loopback', () => {
    expect(believablePeers([peer('8.8.8.8', 1), peer('8.8.8.8', 2)], peer('9.9.9.9'))).to.have.length(1)
    expect(believablePeers([peer('127.0.0.1', 1), peer('127.0.0.1', 2)], peer('127.0.0.1', 3))).to.have.length(2)
  })
})

describe('an address of a private network', () => {
  it('is believed of nobody on the internet, and of everybody else', () => {
    for (const host of ['10.1.2.3', '192.168.1.1', '127.0.0.1', 'fe80::1', '::1']) {
      expect(isBelievableHost(host, '8.8.8.8'), host).to.equal(false)
      expect(isBelievableHost(host, '2600::1'), host).to.equal(false)
      expect(isBelievableHost(host, '192.168.1.7'), host).to.equal(true)
    }
    for (const teller of ['8.8.8.8', '10.1.2.3', '127.0.0.1'])
      expect(isBelievableHost('9.9.9.9', teller)).to.equal(true)
  })
})
