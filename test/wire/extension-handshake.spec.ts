import { expect } from 'chai'
import { ProtocolError } from '../../lib/errors.js'
import { MAX_CLIENT_NAME_BYTES, MAX_METADATA_BYTES, MAX_REQUESTS_QUEUED } from '../../lib/limits.js'
import { encode } from '../../lib/metainfo/bencode.js'
import {
  encodeExtensionHandshake,
  mergeHandshakes,
  parseExtensionHandshake
} from '../../lib/wire/extension-handshake.js'

describe('an extension handshake', () => {
  it('is read as it was written', () => {
    const said = {
      ids: { ut_metadata: 1, ut_pex: 2 },
      client: 'bt-stream 1',
      port: 6881,
      maxRequests: 2000,
      uploadOnly: true,
      metadataSize: 12_345
    }
    const bytes = encodeExtensionHandshake(said, Buffer.of(10, 0, 0, 1))
    expect(parseExtensionHandshake(bytes)).to.deep.equal({ ...said, yourHost: '10.0.0.1' })
  })

  it('says nothing of what is not known', () => {
    expect(encodeExtensionHandshake({ ids: {} }).toString()).to.equal('d1:mdee')
    expect(parseExtensionHandshake(Buffer.from('de')).ids).to.deep.equal({})
  })

  const nonsense: [what: string, dictionary: Parameters<typeof encode>[0], key: string][] = [
    ['a port of 0', { p: 0 }, 'port'],
    ['a port too high', { p: 65_536 }, 'port'],
    ['a port that is text', { p: '1' }, 'port'],
    ['a queue of 0', { reqq: 0 }, 'maxRequests'],
    ['a queue below 0', { reqq: -5 }, 'maxRequests'],
    ['metadata of 0 bytes', { metadata_size: 0 }, 'metadataSize'],
    ['metadata of -1 bytes', { metadata_size: -1 }, 'metadataSize'],
    ['metadata too large', { metadata_size: MAX_METADATA_BYTES + 1 }, 'metadataSize'],
    ['an address of 5 bytes', { yourip: Buffer.alloc(5) }, 'yourHost'],
    ['a name of no text', { v: 5 }, 'client'],
    ['upload_only that is text', { upload_only: 'x' }, 'uploadOnly']
  ]
  for (const [what, dictionary, key] of nonsense) {
    it(`is read without ${what}`, () =>
      expect(parseExtensionHandshake(encode(dictionary))).to.have.property(key, undefined))
  }

  it('has ids from 0 to 255 of extensions that we speak, and no others', () => {
    const m = { ut_metadata: 256, ut_pex: 0, ut_other: 3 }
    expect(parseExtensionHandshake(encode({ m })).ids).to.deep.equal({ ut_pex: 0 })
    expect(parseExtensionHandshake(encode({ m: ['x'] })).ids).to.deep.equal({})
  })

  it('is bounded in what is believed and shown', () => {
    const { maxRequests, client } = parseExtensionHandshake(encode({ reqq: 2 ** 31, v: `\u001b[2J${'x'.repeat(500)}` }))
    expect(maxRequests).to.equal(MAX_REQUESTS_QUEUED)
    expect(client).to.match(/^\P{Cc}+$/u)
    expect(Buffer.byteLength(client ?? '')).to.be.at.most(MAX_CLIENT_NAME_BYTES)
  })

  it('is read without metadata of nearly 2^63 bytes', () => {
    const { metadataSize } = parseExtensionHandshake(Buffer.from('d13:metadata_sizei9223372036854775807ee'))
    expect(metadataSize).to.equal(undefined)
  })

  for (const bytes of [
    '',
    'le',
    'i5e',
    'd1:m',
    '4:spam',
    `${'d1:a'.repeat(20)}de${'e'.repeat(20)}`,
    `d1:ml${'i1e'.repeat(500)}ee`
  ]) {
    it(`is refused: ${JSON.stringify(bytes.slice(0, 20))}`, () =>
      expect(() => parseExtensionHandshake(Buffer.from(bytes))).to.throw(ProtocolError))
  }

  it('adds to what was said before', () => {
    const before = parseExtensionHandshake(encode({ m: { ut_metadata: 3 }, p: 1, v: 'a' }))
    const now = parseExtensionHandshake(encode({ m: { ut_pex: 4, ut_metadata: 0 }, v: 'b' }))
    expect(mergeHandshakes(before, now)).to.include({ port: 1, client: 'b' })
    expect(mergeHandshakes(before, now).ids).to.deep.equal({ ut_metadata: 0, ut_pex: 4 })
  })
})
