import { expect } from 'chai'
import fc from 'fast-check'
import {
  addressFromBytes,
  encodeCompactPeers4,
  encodeCompactPeers6,
  parseCompactPeers4,
  parseCompactPeers6
} from '../../lib/wire/compact-peers.js'
import { canonicalHost, formatPeerAddress, parsePeerAddress } from '../../lib/wire/peer-address.js'

describe('peer addresses', () => {
  for (const [text, host, port] of [
    ['1.2.3.4:6881', '1.2.3.4', 6881],
    ['1.2.3.4:65535', '1.2.3.4', 65_535],
    ['[::1]:1', '::1', 1],
    ['[2001:DB8:0:0::1]:6881', '2001:db8::1', 6881],
    ['[::ffff:1.2.3.4]:80', '1.2.3.4', 80]
  ] as const) {
    it(`reads ${text}`, () => {
      expect(parsePeerAddress(text)).to.deep.equal({ host, port })
    })
  }

  for (const text of [
    '',
    ':',
    '1.2.3.4',
    '1.2.3.4:',
    '1.2.3.4:0',
    '1.2.3.4:65536',
    '1.2.3.4:-1',
    '1.2.3.4:1x',
    '1.2.3:80',
    '0x7f.0.0.1:80',
    '127.1:80',
    '010.0.0.1:80',
    '2130706433:80',
    '256.0.0.1:80',
    '::1:80',
    '[1.2.3.4]:80',
    '[::1]80',
    '[::1%lo]:80',
    '[:::]:80',
    'localhost:80',
    'peer.example:80',
    ' 1.2.3.4:80',
    '1.2.3.4:80\n'
  ]) {
    it(`does not read ${JSON.stringify(text)}`, () => {
      expect(parsePeerAddress(text)).to.equal(undefined)
    })
  }

  const port = fc.integer({ min: 1, max: 65_535 })
  const ipv4 = fc.ipV4().map(host => canonicalHost(host)!)
  const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => addressFromBytes(bytes)!)

  it('writes what it reads', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), port, (host, number) => {
        const peer = { host, port: number }
        expect(parsePeerAddress(formatPeerAddress(peer))).to.deep.equal(peer)
      })
    )
  })

  it('packs and unpacks IPv4 and IPv6 lists', () => {
    const peers = fc.array(fc.record({ host: fc.oneof(ipv4, ipv6), port }))
    fc.assert(
      fc.property(peers, mixed => {
        const packed4 = encodeCompactPeers4(mixed)
        const packed6 = encodeCompactPeers6(mixed)
        expect(packed4.length / 6 + packed6.length / 18).to.equal(mixed.length)
        expect([...parseCompactPeers4(packed4), ...parseCompactPeers6(packed6)]).to.have.deep.members(mixed)
      })
    )
  })

  it('drops port 0 and an incomplete entry at the end', () => {
    const bytes = Buffer.from('0102030400000102030400010909', 'hex')
    expect(parseCompactPeers4(bytes)).to.deep.equal([{ host: '1.2.3.4', port: 1 }])
    expect(parseCompactPeers6(Buffer.alloc(36))).to.deep.equal([])
    expect(parseCompactPeers6(Buffer.alloc(17, 1))).to.deep.equal([])
  })

  it('reads no more than it is asked for', () => {
    const bytes = Buffer.alloc(600, 1)
    expect(parseCompactPeers4(bytes, 99)).to.have.length(99)
    expect(parseCompactPeers4(bytes, 101)).to.have.length(100)
  })

  it('writes mapped IPv4 addresses as IPv4', () => {
    const mapped = Buffer.from('00000000000000000000ffff010203041ae1', 'hex')
    expect(parseCompactPeers6(mapped)).to.deep.equal([{ host: '1.2.3.4', port: 6881 }])
  })
})
