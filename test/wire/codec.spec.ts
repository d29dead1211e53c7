import { expect } from 'chai'
import { BLOCK_HEADER_LENGTH, encodeMessage, encodeSpans, KEEP_ALIVE, writeBlockHeader } from '../../lib/wire/codec.js'
import { encodeHandshake, HANDSHAKE_HEAD_LENGTH, HANDSHAKE_LENGTH } from '../../lib/wire/handshake.js'
import { messageName, type SentMessage } from '../../lib/wire/message.js'
import { INFO_HASH, PEER_ID } from './decode.js'

describe('codec', () => {
  const vectors: [message: SentMessage, hex: string][] = [
    [{ type: 'choke' }, '0000000100'],
    [{ type: 'unchoke' }, '0000000101'],
    [{ type: 'interested' }, '0000000102'],
    [{ type: 'notInterested' }, '0000000103'],
    [{ type: 'have', piece: 42 }, '00000005040000002a'],
    [{ type: 'have', piece: 0xfffffffe }, '0000000504fffffffe'],
    [{ type: 'bitfield', bits: Buffer.of(0xf0, 0x80) }, '0000000305f080'],
    [{ type: 'request', piece: 1, begin: 0x4000, length: 0x4000 }, '0000000d06000000010000400000004000'],
    [{ type: 'cancel', piece: 1, begin: 0x4000, length: 0x4000 }, '0000000d08000000010000400000004000'],
    [{ type: 'port', port: 0x1ae1 }, '00000003091ae1']
  ]
  for (const [message, hex] of vectors) {
    it(`writes ${message.type} as BEP 3 has it (${hex})`, () => {
      expect(encodeMessage(message).toString('hex')).to.equal(hex)
    })
  }

  it('writes the head of a block', () => {
    const bytes = Buffer.alloc(BLOCK_HEADER_LENGTH + 2)
    writeBlockHeader(bytes, 1, { piece: 2, begin: 3, length: 0x4000 })
    expect(bytes.toString('hex')).to.equal('000000400907000000020000000300')
  })

  it('writes a keep-alive of four zeros', () => {
    expect(KEEP_ALIVE.toString('hex')).to.equal('00000000')
  })

  it('writes many requests as one run', () => {
    const spans = [1, 2, 3].map(piece => ({ piece, begin: 0, length: 5 }))
    const one = Buffer.concat(spans.map(span => encodeMessage({ type: 'request', ...span })))
    expect(encodeSpans('request', spans)).to.deep.equal(one)
    expect(encodeSpans('cancel', [])).to.have.length(0)
  })

  it('writes a handshake of 68 bytes with the bits of the extension protocol and the fast extension', () => {
    const bytes = encodeHandshake(INFO_HASH, PEER_ID)
    expect(bytes).to.have.length(HANDSHAKE_LENGTH).and.to.have.length(68)
    expect(HANDSHAKE_HEAD_LENGTH).to.equal(48)
    expect(bytes.toString('latin1')).to.equal(
      `\x13BitTorrent protocol${'\0'.repeat(5)}\x10\0\x04${INFO_HASH.toString('latin1')}${PEER_ID.toString('latin1')}`
    )
  })

  it('names the ids of its table and no other', () => {
    expect(messageName(0, false)).to.equal('choke')
    expect(messageName(9, false)).to.equal('port')
    expect(messageName(20, false)).to.equal('extended')
    for (const id of [-1, 10, 13, 17, 19, 21, 255]) expect(messageName(id, false)).to.equal(undefined)
    expect([13, 14, 15, 16, 17].map(id => messageName(id, true))).to.deep.equal([
      'suggest',
      'haveAll',
      'haveNone',
      'reject',
      'allowedFast'
    ])
    for (const id of [12, 18]) expect(messageName(id, true)).to.equal(undefined)
  })
})
