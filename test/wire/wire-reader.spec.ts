import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BLOCK_LENGTH, MAX_BITFIELD_LENGTH, MAX_MESSAGE_LENGTH } from '../../lib/limits.js'
import { MESSAGES } from '../../lib/wire/message.js'
import { WireReader } from '../../lib/wire/wire-reader.js'
import { conformanceDir } from '../support/conformance.js'
import { chunkings, feeds } from '../support/feeds.js'
import { protocolFault } from '../support/protocol-error.js'
import { decode, encode, HANDSHAKE, INFO_HASH, openReader, PEER_ID, type PlainMessage, type Spoken } from './decode.js'

const frame = (id: number, payload: number): Buffer => {
  const bytes = Buffer.alloc(5 + payload)
  bytes.writeUInt32BE(1 + payload, 0)
  bytes[4] = id
  return bytes
}

const every: Spoken[] = [
  { type: 'choke' },
  { type: 'unchoke' },
  { type: 'interested' },
  { type: 'notInterested' },
  { type: 'have', piece: 0xfffffffe },
  { type: 'bitfield', bits: Buffer.of(0xa5, 0x80) },
  { type: 'request', piece: 1, begin: 0x80000000, length: 16_384 },
  { type: 'block', piece: 3, begin: 16_384, data: Buffer.from('some bytes') },
  { type: 'cancel', piece: 0xffffffff, begin: 0, length: 1 },
  { type: 'port', port: 65_535 },
  { type: 'suggest', piece: 7 },
  { type: 'haveAll' },
  { type: 'haveNone' },
  { type: 'reject', piece: 0xffffffff, begin: 0x80000000, length: 16_384 },
  { type: 'allowedFast', piece: 0xfffffffe },
  { type: 'extended', id: 3, payload: Buffer.from('d1:ade') }
]

/** We speak the extension protocol and the fast extension. */
const OURS = Buffer.of(0, 0, 0, 0, 0, 0x10, 0, 0x04)

describe('WireReader: the handshake', () => {
  for (const { name, chunks } of feeds(HANDSHAKE)) {
    it(`comes in two steps, ${name}`, () => {
      expect(decode(new WireReader(), chunks)).to.deep.equal([
        { type: 'handshake', reserved: OURS, infoHash: INFO_HASH },
        { type: 'peerId', peerId: PEER_ID }
      ])
    })
  }

  it('names the torrent after 48 bytes, not one earlier', () => {
    const reader = new WireReader()
    expect(decode(reader, [HANDSHAKE.subarray(0, 47)])).to.deep.equal([])
    expect(decode(reader, [HANDSHAKE.subarray(47, 48)])).to.have.length(1)
  })

  it('takes the messages of the fast extension for unknown ones of a peer that does not speak it', () => {
    const plain = Buffer.from(HANDSHAKE)
    plain[27] = 0
    const said = [frame(13, 9), encode({ type: 'haveAll' }), encode({ type: 'reject', piece: 1, begin: 0, length: 1 })]
    expect(decode(new WireReader(), [plain, ...said]).slice(2)).to.deep.equal([
      { type: 'unknown', id: 13, length: 10 },
      { type: 'unknown', id: 14, length: 1 },
      { type: 'unknown', id: 16, length: 13 }
    ])
  })

  it('keeps the reserved bits as they are', () => {
    const bytes = Buffer.from(HANDSHAKE)
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 20)
    expect(decode(new WireReader(), [bytes])[0])
      .to.include({ type: 'handshake' })
      .and.to.deep.include({
        reserved: Buffer.of(1, 2, 3, 4, 5, 6, 7, 8)
      })
  })

  it('of another protocol is refused at its first differing byte', () => {
    for (let at = 0; at < 20; at++) {
      const bytes = Buffer.from(HANDSHAKE)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      const reader = new WireReader()
      decode(reader, [bytes.subarray(0, at)])
      expect(protocolFault(() => decode(reader, [bytes.subarray(at, at + 1)]))).to.equal('ERR_BT_HANDSHAKE')
    }
  })

  for (const [name, bytes] of [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['TLS', Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc)],
    ['an empty line', Buffer.from('\n')]
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(protocolFault(() => decode(new WireReader(), [bytes]))).to.equal('ERR_BT_HANDSHAKE')
    })
  }
})

describe('WireReader: messages', () => {
  for (const message of every) {
    it(`reads ${message.type} from any feed`, () => {
      for (const { name, chunks } of feeds(encode(message))) {
        expect(decode(openReader(), chunks), name).to.deep.equal([message])
      }
    })
  }

  it('reads what its own encoder writes, in any run and any chunking', () => {
    const uint32 = fc.integer({ min: 0, max: 0xffffffff })
    const data = fc.uint8Array({ minLength: 1, maxLength: 600 }).map(bytes => Buffer.from(bytes))
    const span = { piece: uint32, begin: uint32, length: uint32 }
    const spoken: fc.Arbitrary<Spoken> = fc.oneof(
      fc.record({ type: fc.constantFrom('choke', 'unchoke', 'interested', 'notInterested', 'keepAlive') }),
      fc.record({ type: fc.constant('have' as const), piece: uint32 }),
      fc.record({ type: fc.constant('bitfield' as const), bits: data }),
      fc.record({ type: fc.constantFrom('request' as const, 'cancel' as const), ...span }),
      fc.record({ type: fc.constant('block' as const), piece: uint32, begin: uint32, data }),
      fc.record({ type: fc.constant('port' as const), port: fc.integer({ min: 0, max: 65_535 }) })
    )
    const run = fc.array(spoken, { maxLength: 12 }).chain(messages => {
      const bytes = Buffer.concat([HANDSHAKE, ...messages.map(encode)])
      return fc.tuple(fc.constant(messages), chunkings(bytes))
    })
    fc.assert(
      fc.property(run, ([messages, chunks]) => {
        const reader = new WireReader()
        const [handshake, peerId, ...read] = decode(reader, chunks)
        expect([handshake?.type, peerId?.type]).to.deep.equal(['handshake', 'peerId'])
        expect(read).to.deep.equal(messages.filter(({ type }) => type !== 'keepAlive'))
        expect(reader.takeKeepAlives()).to.equal(messages.filter(({ type }) => type === 'keepAlive').length)
      }),
      { numRuns: 300 }
    )
  })

  it('copies what its messages keep: later chunks change nothing', () => {
    const bytes = encode({ type: 'bitfield', bits: Buffer.of(0xff) })
    const reader = openReader()
    const [message] = decode(reader, [bytes])
    bytes.fill(0)
    expect(message).to.deep.equal({ type: 'bitfield', bits: Buffer.of(0xff) })
  })
})

describe('WireReader: lengths', () => {
  const fault = (bytes: Buffer, bitfieldLength?: number) =>
    protocolFault(() => decode(openReader(bitfieldLength), [bytes]))

  for (const [name, { id, payload }] of Object.entries(MESSAGES)) {
    if (typeof payload !== 'number') continue
    it(`${name} has ${payload} bytes of payload, no more and no less`, () => {
      expect(fault(frame(id, payload))).to.equal(undefined)
      expect(fault(frame(id, payload + 1))).to.equal('ERR_BT_MESSAGE_LENGTH')
      if (payload > 0) expect(fault(frame(id, payload - 1))).to.equal('ERR_BT_MESSAGE_LENGTH')
    })
  }

  it('block has one byte to 16 KiB', () => {
    expect(fault(frame(7, 8 + 1))).to.equal(undefined)
    expect(fault(frame(7, 8 + BLOCK_LENGTH))).to.equal(undefined)
    for (const payload of [0, 7, 8, 8 + BLOCK_LENGTH + 1])
      expect(fault(frame(7, payload))).to.equal('ERR_BT_MESSAGE_LENGTH')
  })

  it('bitfield is as long as the torrent needs, once that is known', () => {
    expect(fault(frame(5, 3), 3)).to.equal(undefined)
    expect(fault(frame(5, 2), 3)).to.equal('ERR_BT_MESSAGE_LENGTH')
    expect(fault(frame(5, 4), 3)).to.equal('ERR_BT_MESSAGE_LENGTH')
    expect(fault(frame(5, MAX_BITFIELD_LENGTH))).to.equal(undefined)
    expect(fault(frame(5, MAX_BITFIELD_LENGTH + 1))).to.equal('ERR_BT_MESSAGE_LENGTH')
  })

  it('judges the five bytes of a header before any payload is there', () => {
    expect(fault(frame(4, 5).subarray(0, 5))).to.equal('ERR_BT_MESSAGE_LENGTH')
  })

  it('judges a length over the cap on its four bytes', () => {
    for (const length of [MAX_MESSAGE_LENGTH + 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const prefix = Buffer.alloc(4)
      prefix.writeUInt32BE(length)
      expect(fault(prefix)).to.equal('ERR_BT_MESSAGE_LENGTH')
    }
    const atTheCap = Buffer.alloc(5)
    atTheCap.writeUInt32BE(MAX_MESSAGE_LENGTH)
    atTheCap[4] = 99
    expect(fault(atTheCap)).to.equal(undefined)
  })
})

describe('WireReader: what it does not know', () => {
  it('skips an unknown id, from any feed, and reads on', () => {
    const bytes = Buffer.concat([frame(21, 6), encode({ type: 'have', piece: 7 })])
    for (const { name, chunks } of feeds(bytes)) {
      const expected: PlainMessage[] = [
        { type: 'unknown', id: 21, length: 7 },
        { type: 'have', piece: 7 }
      ]
      expect(decode(openReader(), chunks), name).to.deep.equal(expected)
    }
  })

  it('tells of an unknown id at once and holds none of its bytes', () => {
    const reader = openReader()
    const header = frame(200, MAX_MESSAGE_LENGTH - 1).subarray(0, 5)
    expect(decode(reader, [header])).to.deep.equal([{ type: 'unknown', id: 200, length: MAX_MESSAGE_LENGTH }])
    const chunk = Buffer.alloc(65_536, 0xee)
    for (let i = 0; i < 15; i++) {
      expect(decode(reader, [chunk])).to.deep.equal([])
      expect(reader.bufferedBytes).to.equal(0)
    }
    expect(decode(reader, [chunk.subarray(1), encode({ type: 'choke' })])).to.deep.equal([{ type: 'choke' }])
  })

  it('counts a chunk of keep-alives instead of telling of each', () => {
    const reader = openReader()
    expect(decode(reader, [Buffer.alloc(65_536), encode({ type: 'choke' })])).to.deep.equal([{ type: 'choke' }])
    expect(reader.takeKeepAlives()).to.equal(16_384)
    expect(reader.takeKeepAlives()).to.equal(0)
  })

  it('holds no more than a message, however small the chunks', () => {
    const block = encode({ type: 'block', piece: 0, begin: 0, data: Buffer.alloc(BLOCK_LENGTH, 1) })
    const reader = openReader()
    let messages = 0
    let most = 0
    for (let i = 0; i < 3 * block.length; i++) {
      messages += decode(reader, [block.subarray(i % block.length, (i % block.length) + 1)]).length
      most = Math.max(most, reader.bufferedBytes)
    }
    expect(messages).to.equal(3)
    expect(most).to.be.below(block.length)
  })
})

describe('WireReader: the frames of another client', function () {
  const dir = conformanceDir()
  before(function (this: Mocha.Context) {
    if (dir === undefined) this.skip()
  })

  it('are judged alike', () => {
    const vectors = JSON.parse(readFileSync(join(dir ?? '', 'vectors.json'), 'utf8')) as {
      wire_frames_anacrolix: { hex: string; ok?: string; error?: string }[]
    }
    const said = vectors.wire_frames_anacrolix.map(({ hex }) => {
      const reader = openReader()
      let messages: PlainMessage[] = []
      const fault = protocolFault(() => (messages = decode(reader, [Buffer.from(hex, 'hex')])))
      return fault ?? messages[0] ?? (reader.takeKeepAlives() > 0 ? 'keepalive' : 'more is needed')
    })
    expect(said).to.deep.equal([
      'ERR_BT_MESSAGE_LENGTH',
      'more is needed',
      'more is needed',
      'ERR_BT_MESSAGE_LENGTH',
      'ERR_BT_MESSAGE_LENGTH',
      { type: 'have', piece: 42 },
      { type: 'port', port: 0xaabb },
      'keepalive'
    ])
  })
})
