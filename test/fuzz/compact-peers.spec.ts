import { expect } from 'chai'
import fc from 'fast-check'
import {
  encodeCompactPeers4,
  encodeCompactPeers6,
  parseCompactPeers4,
  parseCompactPeers6
} from '../../lib/wire/compact-peers.js'
import { formatPeerAddress, parsePeerAddress } from '../../lib/wire/peer-address.js'
import { fuzz } from '../support/fuzz.js'

describe('fuzz: compact peers and peer addresses', () => {
  it('any bytes are peers with one spelling each', async () => {
    await fuzz(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const peers4 = parseCompactPeers4(bytes)
        const peers6 = parseCompactPeers6(bytes)
        for (const peer of [...peers4, ...peers6]) expect(parsePeerAddress(formatPeerAddress(peer))).to.deep.equal(peer)
        expect(parseCompactPeers4(encodeCompactPeers4(peers4))).to.deep.equal(peers4)
        expect(parseCompactPeers6(encodeCompactPeers6(peers6))).to.deep.equal(
          peers6.filter(({ host }) => host.includes(':'))
        )
      }),
      1000
    )
  })

  it('any text is an address or none', async () => {
    const text = fc.string({
      unit: fc.constantFrom(...Array.from('0123456789abf:.[]%x-/ '), '::', '1.2.3.4', ':80'),
      maxLength: 20
    })
    await fuzz(
      fc.property(text, input => {
        const peer = parsePeerAddress(input)
        if (peer) expect(parsePeerAddress(formatPeerAddress(peer))).to.deep.equal(peer)
      }),
      2000
    )
  })
})
