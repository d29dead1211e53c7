import { expect } from 'chai'
import { addressScope, isDialable } from '../../lib/policy/address-rules.js'
import { canonicalHost } from '../../lib/wire/peer-address.js'

const scopes = {
  global: [
    '1.2.3.4',
    '8.8.8.8',
    '2a00:1450:4001::1',
    '2001:4860::8888',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1'
  ],
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '2002:7f00:1::'],
  private: [
    '10.0.0.1',
    '172.16.0.1',
    '192.168.255.255',
    '169.254.169.254',
    '100.64.0.1',
    '240.0.0.1',
    'fe80::1',
    'fd00::1',
    '2001:db8::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '::7f00:1',
    '4000::1'
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', '::ffff:224.0.0.1'],
  unusable: [
    '0.0.0.0',
    '0.1.2.3',
    '255.255.255.255',
    '::',
    '::ffff:0.0.0.0',
    '',
    'localhost',
    '1.2.3',
    '0x7f.0.0.1',
    ':'
  ]
} as const

describe('address rules', () => {
  for (const [scope, hosts] of Object.entries(scopes)) {
    for (const host of hosts) {
      it(`"${host}" is ${scope}`, () => {
        expect(addressScope(host)).to.equal(scope)
        const spelling = canonicalHost(host)
        if (spelling) expect(isDialable(spelling)).to.equal(scope !== 'multicast' && scope !== 'unusable')
      })
    }
  }
})
