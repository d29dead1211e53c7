import { expect } from 'chai'
import fc from 'fast-check'
import { encodeLsdMessage, parseLsdMessage } from '../../lib/discovery/lsd-message.js'
import { LSD_MAX_DATAGRAM, LSD_MAX_HASHES } from '../../lib/limits.js'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'

const GROUP = '239.192.152.143:6771'
const hex = 'cab507494d02ebb1178b38f2e9d7be299c86b862'
const infoHash = asInfoHash(Buffer.from(hex, 'hex'))
const parse = (text: string) => parseLsdMessage(Buffer.from(text, 'latin1'))
const head = 'BT-SEARCH * HTTP/1.1\r\n'
const whole = `${head}Host: ${GROUP}\r\nPort: 6881\r\nInfohash: ${hex}\r\ncookie: ours\r\n\r\n\r\n`

describe('messages of local service discovery (BEP 14)', () => {
  it('are written as the BEP has them', () => {
    expect(encodeLsdMessage({ port: 6881, infoHashes: [infoHash], cookie: 'ours' }, GROUP).toString()).to.equal(whole)
  })

  it('are read', () => {
    expect(parse(whole)).to.deep.equal({ port: 6881, infoHashes: [infoHash], cookie: 'ours' })
  })

  it('are read with several info-hashes, in any case and order, and without a cookie', () => {
    const other = 'AB'.repeat(20)
    expect(
      parse(`bt-search * http/1.1\nINFOHASH:${other}\ninfohash :  ${hex}  \nport:1\nX-Other: 7\n\n`)
    ).to.deep.equal({
      port: 1,
      infoHashes: [asInfoHash(Buffer.alloc(20, 0xab)), infoHash],
      cookie: ''
    })
  })

  it('need a port from 1 to 65535', () => {
    const withPort = (port: string) => parse(`${head}Port: ${port}\r\nInfohash: ${hex}\r\n\r\n`)?.port
    expect(withPort('1')).to.equal(1)
    expect(withPort('65535')).to.equal(65_535)
    for (const port of ['', '0', '-1', '65536', '123456', '1x', '1e3', '0x50', '6 881'])
      expect(withPort(port)).to.equal(undefined)
    expect(parse(`${head}Infohash: ${hex}\r\n\r\n`)).to.equal(undefined)
  })

  it('need an info-hash of 40 digits; others are passed over', () => {
    const withHash = (text: string) => parse(`${head}Port: 1\r\nInfohash: ${text}\r\n\r\n`)
    for (const bad of ['', hex.slice(1), `${hex}0`, `${hex.slice(1)}g`, '2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B'])
      expect(withHash(bad)).to.equal(undefined)
    expect(parse(`${head}Port: 1\r\nInfohash: x\r\nInfohash: ${hex}\r\n\r\n`)?.infoHashes).to.have.length(1)
  })

  it('need their first line, and no more than that kills nobody', () => {
    for (const text of [
      '',
      '\r\n',
      'BT-SEARCH',
      'BT-SEARCH * HTTP/1.1',
      head,
      `${head}\r\n\r\n`,
      `${head}:\r\n::\r\n\r\n`,
      whole.replace('BT-SEARCH', 'M-SEARCH'),
      whole.replace('1.1', '1.0'),
      `\r\n${whole}`
    ])
      expect(parse(text), JSON.stringify(text)).to.equal(undefined)
  })

  it('cut anywhere are nothing, or the whole of what was said by then', () => {
    for (let length = 0; length < whole.length; length++) {
      const message = parse(whole.slice(0, length))
      if (length < whole.indexOf('cookie') - 2) expect(message).to.equal(undefined)
      else expect(message).to.deep.include({ port: 6881, infoHashes: [infoHash] })
    }
  })

  it(`have ${LSD_MAX_DATAGRAM} bytes at most`, () => {
    const padded = (length: number) => parse(`${whole}${'x'.repeat(length - whole.length)}`)
    expect(padded(LSD_MAX_DATAGRAM)).not.to.equal(undefined)
    expect(padded(LSD_MAX_DATAGRAM + 1)).to.equal(undefined)
  })

  it(`have ${LSD_MAX_HASHES} info-hashes at most, and so many fit`, () => {
    const many = Array.from({ length: LSD_MAX_HASHES }, (_, i) => asInfoHash(Buffer.alloc(20, i)))
    const longest = { port: 65_535, infoHashes: many, cookie: 'x'.repeat(64) }
    const datagram = encodeLsdMessage(longest, '[ff15::efc0:988f]:6771')
    expect(datagram.length).to.be.at.most(LSD_MAX_DATAGRAM)
    expect(parseLsdMessage(datagram)).to.deep.equal(longest)
    const tooMany = encodeLsdMessage({ ...longest, infoHashes: [...many, infoHash], cookie: '' }, GROUP)
    expect(parseLsdMessage(tooMany)?.infoHashes).to.have.length(LSD_MAX_HASHES)
  })

  it('have a cookie of 64 characters at most', () => {
    expect(parse(whole.replace('ours', 'x'.repeat(99)))?.cookie).to.equal('x'.repeat(64))
  })

  it('are written so that they read the same', () => {
    const messages = fc.record({
      port: fc.integer({ min: 1, max: 65_535 }),
      infoHashes: fc.array(
        fc.uint8Array({ minLength: 20, maxLength: 20 }).map(bytes => asInfoHash(Buffer.from(bytes))),
        { minLength: 1, maxLength: LSD_MAX_HASHES }
      ),
      cookie: fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), maxLength: 64 })
    })
    fc.assert(
      fc.property(messages, message => {
        expect(parseLsdMessage(encodeLsdMessage(message, GROUP))).to.deep.equal(message)
      })
    )
  })
})
