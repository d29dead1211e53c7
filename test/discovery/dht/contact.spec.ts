import { expect } from 'chai'
import fc from 'fast-check'
import { encodeContacts, familyOf, parseContacts } from '../../../lib/discovery/dht/contact.js'
import { asNodeId } from '../../../lib/discovery/dht/node-id.js'
import { canonicalHost } from '../../../lib/wire/peer-address.js'
import { hostsOf, nodeAt } from './support.js'

const contacts4 = [nodeAt('1.2.3.4', 'aa', 6881), nodeAt('127.0.0.1', 'bb', 1)]
const contacts6 = [nodeAt('2001:db8::1', 'cc', 65_535), nodeAt('::1', 'dd', 256)]

describe('contacts of the DHT', () => {
  it('are 26 bytes for IPv4 and 38 for IPv6', () => {
    expect(encodeContacts(contacts4.slice(0, 1), 4).toString('hex')).to.equal(`aa${'00'.repeat(19)}010203041ae1`)
    expect(encodeContacts(contacts6.slice(0, 1), 6).toString('hex')).to.equal(
      `cc${'00'.repeat(19)}20010db8${'00'.repeat(11)}01ffff`
    )
  })

  it('are read as they were written', () => {
    expect(parseContacts(encodeContacts(contacts4, 4), 4, 9)).to.deep.equal(contacts4)
    expect(parseContacts(encodeContacts(contacts6, 6), 6, 9)).to.deep.equal(contacts6)
    expect(parseContacts(Buffer.alloc(0), 4, 9)).to.deep.equal([])
  })

  it('make no sense with a byte too few or too many', () => {
    for (const [contacts, family] of [
      [contacts4, 4],
      [contacts6, 6]
    ] as const) {
      const bytes = encodeContacts(contacts, family)
      const size = bytes.length / 2
      for (let length = 0; length <= bytes.length + 1; length++) {
        const cut = Buffer.concat([bytes, Buffer.alloc(1)]).subarray(0, length)
        expect(parseContacts(cut, family, 9)?.length, `${length}`).to.equal(
          length % size === 0 ? length / size : undefined
        )
      }
    }
  })

  it('are passed over without a port, or when nobody can be there', () => {
    const unusable = ['0.0.0.0', '224.0.0.1', '255.255.255.255'].map(host => nodeAt(host, 'ee'))
    const bytes = encodeContacts([nodeAt('1.2.3.4', 'aa', 0), ...unusable, nodeAt('5.6.7.8', 'bb')], 4)
    expect(hostsOf(parseContacts(bytes, 4, 9)!)).to.deep.equal(['5.6.7.8'])
    const bytes6 = encodeContacts([nodeAt('::', 'aa'), nodeAt('ff02::1', 'bb'), nodeAt('::1', 'cc')], 6)
    expect(hostsOf(parseContacts(bytes6, 6, 9)!)).to.deep.equal(['::1'])
  })

  it('of IPv6 are none when they hide an IPv4 address', () => {
    const mapped = Buffer.concat([Buffer.alloc(20, 1), Buffer.from(`${'00'.repeat(10)}ffff010203041ae1`, 'hex')])
    expect(parseContacts(mapped, 6, 9)).to.deep.equal([])
  })

  it('are no more than the limit', () => {
    const bytes = encodeContacts(
      Array.from({ length: 10 }, (_, i) => nodeAt(`1.2.${i}.4`, 'aa')),
      4
    )
    expect(parseContacts(bytes, 4, 3)).to.have.length(3)
    expect(parseContacts(bytes, 4, 10)).to.have.length(10)
    expect(parseContacts(bytes, 4, 11)).to.have.length(10)
  })

  it('have one spelling, whatever the bytes', () => {
    for (const [family, size] of [
      [4, 26],
      [6, 38]
    ] as const) {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: size, maxLength: size }), bytes => {
          for (const contact of parseContacts(bytes, family, 1)!) {
            expect(familyOf(contact.address)).to.equal(family)
            expect(canonicalHost(contact.address.host)).to.equal(contact.address.host)
            expect(asNodeId(bytes.subarray(0, 20))).to.deep.equal(contact.id)
            expect(encodeContacts([contact], family)).to.deep.equal(Buffer.from(bytes))
          }
        })
      )
    }
  })
})
