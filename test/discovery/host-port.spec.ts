import { expect } from 'chai'
import fc from 'fast-check'
import { parseHostPort } from '../../lib/discovery/host-port.js'

describe('a host and a port', () => {
  for (const [text, host, port] of [
    ['router.example.org:6881', 'router.example.org', 6881],
    ['localhost:1', 'localhost', 1],
    ['xn--bcher-kva.example:65535', 'xn--bcher-kva.example', 65_535],
    ['1.2.3.4:06881', '1.2.3.4', 6881],
    ['[::1]:6881', '::1', 6881],
    ['[2001:DB8:0::1]:6881', '2001:db8::1', 6881],
    ['[::ffff:1.2.3.4]:6881', '1.2.3.4', 6881]
  ] as const) {
    it(`are ${text}`, () => {
      expect(parseHostPort(text)).to.deep.equal({ host, port })
    })
  }

  const none = [
    '',
    ':',
    ':6881',
    'host',
    'host:',
    'host:0',
    'host:65536',
    'host:123456',
    'host:-1',
    'host:1x',
    'host: 1',
    'host:1.5',
    ' host:1',
    'ho st:1',
    'ho\u0000st:1',
    'host:1\n',
    'user@host:1',
    'http://host:1',
    'host/path:1',
    'host?:1',
    'host#:1',
    '::1:6881',
    '2001:db8::1:6881',
    '[::1]',
    '[::1]:0',
    '[]:1',
    '[1.2.3.4]:1',
    '[:::::]:1',
    '[abcdef]:1',
    '[1:2:3]:1',
    '[fe80::1%eth0]:1',
    '[::1]x:1',
    'x[::1]:1',
    `${'x'.repeat(254)}:1`
  ]
  for (const text of none) {
    it(`are not ${JSON.stringify(text.length > 60 ? `${text.slice(0, 9)}…` : text)}`, () => {
      expect(parseHostPort(text)).to.equal(undefined)
    })
  }

  it('have 253 characters for a name at most, as names of the DNS', () => {
    expect(parseHostPort(`${'x'.repeat(253)}:1`)?.host).to.have.length(253)
  })

  it('are read from what they are written as, whatever the text', () => {
    const text = fc.string({
      unit: fc.constantFrom(...Array.from('ab19.-:[]/%@ '), '::', '[::1]', ':80'),
      maxLength: 16
    })
    fc.assert(
      fc.property(text, input => {
        const found = parseHostPort(input)
        if (!found) return
        const { host, port } = found
        expect(host).to.match(/^[^\s[\]/@]+$/)
        expect(parseHostPort(`${host.includes(':') ? `[${host}]` : host}:${port}`)).to.deep.equal(found)
      }),
      { numRuns: 2000 }
    )
  })
})
