import { expect } from 'chai'
import { once } from 'node:events'
import { WireDecoder } from '../../lib/streams/wire-decoder.js'
import { settled } from '../support/virtual-clock.js'
import { encode, HANDSHAKE } from '../wire/decode.js'

describe('WireDecoder', () => {
  const have = (count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, piece) => encode({ type: 'have', piece })))

  it('turns bytes into messages', async () => {
    const decoder = new WireDecoder()
    decoder.end(Buffer.concat([HANDSHAKE, have(2)]))
    const types = []
    for await (const message of decoder) types.push((message as { type: string }).type)
    expect(types).to.deep.equal(['handshake', 'peerId', 'have', 'have'])
  })

  it('takes one chunk and then nothing until its messages were taken', async () => {
    const decoder = new WireDecoder()
    decoder.write(HANDSHAKE)
    decoder.read()
    decoder.read()
    const taken: number[] = []
    for (let i = 0; i < 6; i++) decoder.write(have(100), () => taken.push(i))
    await settled()
    expect(taken).to.deep.equal([])
    expect(decoder.readableLength).to.equal(100)
    for (let i = 0; i < 97; i++) decoder.read()
    await settled()
    expect(taken).to.deep.equal([0])
    expect(decoder.readableLength).to.equal(103)
    decoder.destroy()
  })

  it('fails with the fault of the peer', async () => {
    const decoder = new WireDecoder()
    decoder.write('GET / HTTP/1.1\r\n')
    const [error] = (await once(decoder, 'error')) as [Error]
    expect(error).to.include({ name: 'ProtocolError', code: 'ERR_BT_HANDSHAKE' })
    expect(decoder.destroyed).to.equal(true)
  })

  it('checks the length of the bitfield against the torrent', async () => {
    const decoder = new WireDecoder(2)
    decoder.write(Buffer.concat([HANDSHAKE, encode({ type: 'bitfield', bits: Buffer.alloc(3) })]))
    expect(await once(decoder, 'error')).to.have.nested.property('[0].code', 'ERR_BT_MESSAGE_LENGTH')
  })

  it('counts keep-alives', () => {
    const decoder = new WireDecoder()
    decoder.write(Buffer.concat([HANDSHAKE, Buffer.alloc(12)]))
    decoder.resume()
    expect(decoder.takeKeepAlives()).to.equal(3)
    expect(decoder.takeKeepAlives()).to.equal(0)
  })
})
