import { expect } from 'chai'
import { ProvenHosts } from '../../../lib/discovery/dht/proven-hosts.js'
import { DHT_MAX_HOSTS, DHT_PROVEN_MS } from '../../../lib/limits.js'

describe('hosts that have shown that their address is their own', () => {
  it('are known for a while after they did so the last time', () => {
    const hosts = new ProvenHosts()
    expect(hosts.has('1.2.3.4', 0)).to.equal(false)
    hosts.note('1.2.3.4', 0)
    hosts.note('1.2.3.4', 1000)
    expect(hosts.has('1.2.3.4', 1000 + DHT_PROVEN_MS - 1)).to.equal(true)
    expect(hosts.has('1.2.3.4', 1000 + DHT_PROVEN_MS)).to.equal(false)
    expect(hosts.has('1.2.3.5', 1000)).to.equal(false)
  })

  it(`are ${DHT_MAX_HOSTS} at most: those that did so last`, () => {
    const hosts = new ProvenHosts()
    const host = (i: number): string => `10.0.${i >> 8}.${i & 255}`
    for (let i = 0; i < DHT_MAX_HOSTS; i++) hosts.note(host(i), 0)
    hosts.note(host(0), 0)
    hosts.note(host(DHT_MAX_HOSTS), 0)
    expect([0, 1, 2, DHT_MAX_HOSTS].map(i => hosts.has(host(i), 0))).to.deep.equal([true, false, true, true])
  })
})
