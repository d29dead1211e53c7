import { expect } from 'chai'
import { ProtocolError } from '../../lib/errors.js'
import { MAX_HASTY_PEX, MAX_PEX_PEERS, PEX_INTERVAL_MS } from '../../lib/limits.js'
import { encode } from '../../lib/metainfo/bencode.js'
import {
  encodePexMessage,
  parsePexMessage,
  PexReceiver,
  PexSender,
  type PexPeer
} from '../../lib/wire/peer-exchange.js'

const peer = (host: string, port: number, flags: Partial<PexPeer> = {}): PexPeer => ({
  address: { host, port },
  isSeed: false,
  isReachable: true,
  ...flags
})
const many = (count: number): PexPeer[] =>
  Array.from({ length: count }, (_, i) => peer(`10.0.${i >> 8}.${i & 255}`, 1000 + i))

describe('a peer exchange message', () => {
  it('is read as it was written: addresses of both families, and their flags', () => {
    const message = {
      added: [
        peer('1.2.3.4', 5, { isSeed: true, prefersEncryption: true }),
        peer('2001:db8::1', 6, { isReachable: false })
      ],
      dropped: [
        { host: '5.6.7.8', port: 9 },
        { host: '2001:db8::2', port: 10 }
      ]
    }
    expect(parsePexMessage(encodePexMessage(message))).to.deep.equal(message)
  })

  it('is read without flags, and without addresses that are none', () => {
    const added = Buffer.concat([Buffer.of(1, 2, 3, 4, 0, 0), Buffer.of(1, 2, 3, 4, 0, 7)])
    expect(parsePexMessage(encode({ added, 'added.f': Buffer.of(2, 16) })).added).to.deep.equal([peer('1.2.3.4', 7)])
    expect(parsePexMessage(encode({}))).to.deep.equal({ added: [], dropped: [] })
    expect(parsePexMessage(encode({ added: 5, dropped: ['x'] }))).to.deep.equal({ added: [], dropped: [] })
  })

  it('of thousands is read in part', () => {
    const { added, dropped } = parsePexMessage(
      encodePexMessage({ added: many(3000), dropped: many(3000).map(({ address }) => address) })
    )
    expect([added.length, dropped.length]).to.deep.equal([MAX_PEX_PEERS, MAX_PEX_PEERS])
  })

  for (const message of [
    Buffer.from('le'),
    Buffer.from('d'),
    encode({ added: Buffer.alloc(5) }),
    encode({ added6: Buffer.alloc(19) }),
    encode({ dropped: Buffer.alloc(7) })
  ])
    it(`is refused: ${message.toString('latin1').replace(/\0/g, '0')}`, () =>
      expect(() => parsePexMessage(message)).to.throw(ProtocolError))
})

describe('PexSender', () => {
  it('tells the difference to what it told before, at most once a minute', () => {
    const sender = new PexSender()
    const [a, b, c] = [peer('10.0.0.1', 1), peer('10.0.0.2', 2), peer('10.0.0.3', 3)]
    expect(sender.next([a, b], 0)).to.deep.equal({ added: [a, b], dropped: [] })
    expect(sender.next([c], PEX_INTERVAL_MS - 1)).to.equal(undefined)
    expect(sender.next([b, c], PEX_INTERVAL_MS)).to.deep.equal({ added: [c], dropped: [a.address] })
    expect(sender.next([b, c], 2 * PEX_INTERVAL_MS)).to.equal(undefined)
    expect(sender.next([b, c, a], 2 * PEX_INTERVAL_MS)).to.deep.equal({ added: [a], dropped: [] })
  })

  it('tells of fifty at a time, until all were told, nobody twice', () => {
    const sender = new PexSender()
    const all = many(120)
    const counts = [0, 1, 2, 3].map(i => sender.next([...all, ...all], i * PEX_INTERVAL_MS)?.added.length)
    expect(counts).to.deep.equal([50, 50, 20, undefined])
  })
})

describe('PexReceiver', () => {
  const message = encodePexMessage({ added: many(3), dropped: [] })

  it('takes one message a minute, give or take, and no more', () => {
    const receiver = new PexReceiver()
    expect(receiver.accept(message, 0)).to.have.length(3)
    expect(receiver.accept(message, 1000)).to.have.length(0)
    expect(receiver.accept(message, 50_000)).to.have.length(3)
  })

  it('drops who floods', () => {
    const receiver = new PexReceiver()
    receiver.accept(message, 0)
    for (let i = 0; i < MAX_HASTY_PEX; i++) receiver.accept(message, i)
    expect(() => receiver.accept(message, 10))
      .to.throw(ProtocolError)
      .with.property('code', 'ERR_BT_FLOOD')
  })
})
