import { expect } from 'chai'
import { ProtocolError } from '../../lib/errors.js'
import { encodeMetadataMessage, METADATA_PIECE_LENGTH, parseMetadataMessage } from '../../lib/wire/metadata-message.js'

describe('a metadata message', () => {
  it('is read as it was written', () => {
    const bytes = Buffer.alloc(METADATA_PIECE_LENGTH, 'e')
    for (const message of [
      { type: 'request', piece: 0 },
      { type: 'reject', piece: 1023 },
      { type: 'data', piece: 3, totalSize: 60_000, bytes }
    ] as const)
      expect(parseMetadataMessage(encodeMetadataMessage(message))).to.deep.equal(message)
  })

  it('is what BEP 9 shows', () => {
    expect(encodeMetadataMessage({ type: 'request', piece: 0 }).toString()).to.equal('d8:msg_typei0e5:piecei0ee')
    const data = encodeMetadataMessage({ type: 'data', piece: 0, totalSize: 3425, bytes: Buffer.from('xxxxxxxx') })
    expect(data.toString()).to.equal('d8:msg_typei1e5:piecei0e10:total_sizei3425eexxxxxxxx')
  })

  it('of another kind is ignored', () => {
    expect(parseMetadataMessage(Buffer.from('d8:msg_typei3e5:piecei0ee'))).to.equal(undefined)
    expect(parseMetadataMessage(Buffer.from('d8:msg_typei-1e5:piecei0ee'))).to.equal(undefined)
  })

  const faults = [
    '',
    'x',
    'd8:msg_typei0e5:piecei0e',
    'd8:msg_typei0ee',
    'd5:piecei0ee',
    'd8:msg_typei0e5:piecei-1ee',
    'd8:msg_type1:x5:piecei0ee',
    'd8:msg_typei1e5:piecei0eexxx',
    `d1:a2000:${'x'.repeat(2000)}8:msg_typei0e5:piecei0ee`
  ]
  for (const fault of faults) {
    it(`is refused: ${fault.slice(0, 40)}`, () =>
      expect(() => parseMetadataMessage(Buffer.from(fault))).to.throw(ProtocolError))
  }

  it('is refused when it is longer than a piece and its head', () => {
    const long = Buffer.concat([Buffer.from('d8:msg_typei1e5:piecei0e10:total_sizei99999ee'), Buffer.alloc(18_000)])
    expect(() => parseMetadataMessage(long))
      .to.throw(ProtocolError)
      .with.property('code', 'ERR_BT_MESSAGE_LENGTH')
  })
})
