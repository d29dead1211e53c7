import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_MESSAGE_LENGTH } from '../../lib/limits.js'
import { WireReader } from '../../lib/wire/wire-reader.js'
import { chunkings } from '../support/feeds.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'
import { protocolFault } from '../support/protocol-error.js'
import { decode, encode, HANDSHAKE, type PlainMessage, type Spoken } from '../wire/decode.js'

const spoken: Spoken[] = [
  { type: 'bitfield', bits: Buffer.of(0xff, 0xf0) },
  { type: 'unchoke' },
  { type: 'keepAlive' },
  { type: 'request', piece: 1, begin: 0, length: 16_384 },
  { type: 'block', piece: 1, begin: 16_384, data: Buffer.alloc(300, 7) },
  { type: 'have', piece: 3 },
  { type: 'cancel', piece: 1, begin: 0, length: 16_384 },
  { type: 'port', port: 6881 },
  { type: 'haveAll' },
  { type: 'suggest', piece: 2 },
  { type: 'reject', piece: 1, begin: 0, length: 16_384 },
  { type: 'allowedFast', piece: 1 },
  { type: 'choke' }
]
const valid = Buffer.concat([HANDSHAKE, ...spoken.map(encode)])

/** What a reader makes of the chunks: its messages, and the fault that ended it. */
function outcome(chunks: readonly Buffer[]): unknown[] {
  const reader = new WireReader()
  const messages: PlainMessage[] = []
  let fed = 0
  const fault = protocolFault(() => {
    for (const chunk of chunks) {
      decode(reader, [chunk], messages)
      fed += chunk.length
      expect(reader.bufferedBytes).to.be.at.most(Math.min(fed, MAX_MESSAGE_LENGTH + 4))
    }
  })
  return [...messages, fault ?? reader.takeKeepAlives()]
}

describe('fuzz: WireReader', () => {
  const inputs = fc.oneof(
    damaged([valid]),
    fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.concat([HANDSHAKE, bytes])),
    damaged(spoken.map(encode)).map(bytes => Buffer.concat([HANDSHAKE, bytes]))
  )

  it('ends in messages or a ProtocolError, the same for any split', async () => {
    const split = inputs.chain(bytes => fc.tuple(fc.constant(bytes), chunkings(bytes)))
    await fuzz(
      fc.property(split, ([bytes, chunks]) => {
        expect(outcome(chunks)).to.deep.equal(outcome([bytes]))
      }),
      1000
    )
  })
})
