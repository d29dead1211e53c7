import { expect } from 'chai'
import { UdpTracker } from '../../../lib/discovery/tracker/udp-tracker.js'
import { parseTrackerUrl } from '../../../lib/discovery/tracker/tracker-url.js'
import { NameLookup } from '../../../lib/transport/name-lookup.js'
import type { DatagramHandler, DatagramPort } from '../../../lib/transport/udp-socket.js'
import type { PeerAddress } from '../../../lib/wire/peer-address.js'
import { settled, VirtualClock } from '../../support/virtual-clock.js'
import { rejection } from '../../support/rejection.js'
import { announceRequest } from './support.js'

/** A socket without a network: what is sent is noted, what arrives is given by the test. */
class ScriptedPort implements DatagramPort {
  readonly sent: { datagram: Buffer; to: PeerAddress; atMs: number }[] = []
  unreachable: (to: PeerAddress) => boolean = () => false
  #handler: DatagramHandler = () => false
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  handle(handler: DatagramHandler): () => void {
    this.#handler = handler
    return () => undefined
  }

  send(datagram: Uint8Array, to: PeerAddress): Promise<void> {
    if (this.unreachable(to)) return Promise.reject(new Error('ENETUNREACH'))
    this.sent.push({ datagram: Buffer.from(datagram), to, atMs: this.#clock.now() })
    return Promise.resolve()
  }

  deliver(datagram: Buffer, from: PeerAddress): boolean {
    return this.#handler(datagram, from)
  }

  /** Answers the newest datagram as the tracker it was sent to, or as `from`. */
  answer(body: string, { from, action }: { from?: PeerAddress; action?: number } = {}): boolean {
    const { datagram, to } = this.sent.at(-1)!
    const head = Buffer.alloc(8)
    head.writeUInt32BE(action ?? datagram.readUInt32BE(8), 0)
    datagram.copy(head, 4, 12, 16)
    return this.deliver(Buffer.concat([head, Buffer.from(body, 'hex')]), from ?? to)
  }

  /** Like `c0 c15 a20`: what was sent at which second. */
  get timeline(): string {
    return this.sent.map(({ datagram, atMs }) => `${'cas'.charAt(datagram.readUInt32BE(8))}${atMs / 1000}`).join(' ')
  }
}

const connectionId = '0102030405060708'
const answerWithOnePeer = '000007080000000200000003010203041ae1'

describe('UdpTracker', () => {
  let clock: VirtualClock
  let port: ScriptedPort
  let tracker: UdpTracker
  let addresses: string[]
  const url = parseTrackerUrl('udp://tracker.example:6969/announce')
  const { signal } = new AbortController()

  beforeEach(() => {
    clock = new VirtualClock()
    port = new ScriptedPort(clock)
    addresses = ['5.6.7.8']
    const names = new NameLookup({ lookup: () => Promise.resolve(addresses), clock })
    tracker = new UdpTracker({ port, names, clock })
  })

  const announce = () => tracker.announce(url, announceRequest(), signal)

  it('repeats after 15, 30 and 60 s, and gives up after 225 s', async () => {
    const announcing = rejection(announce())
    await clock.advance(224_999)
    expect(port.timeline).to.equal('c0 c15 c45 c105')
    await clock.advance(1)
    expect(await announcing).to.have.property('code', 'ERR_BT_TRACKER_NETWORK')
    expect(clock.pendingTimers).to.equal(0)
  })

  it('takes a late answer to an earlier copy', async () => {
    const announcing = announce()
    await clock.advance(20_000)
    expect(new Set(port.sent.map(({ datagram }) => datagram.toString('hex'))).size).to.equal(1)
    port.answer(connectionId)
    await settled()
    port.answer(answerWithOnePeer)
    expect((await announcing).peers).to.deep.equal([{ host: '1.2.3.4', port: 6881 }])
  })

  it('connects anew when the connection id expires before the answer comes', async () => {
    const announcing = rejection(announce())
    await clock.advance(0)
    port.answer(connectionId)
    await clock.advance(105_000)
    expect(port.timeline).to.equal('c0 a0 a15 a45 c105')
    await clock.advance(120_000)
    expect(await announcing).to.have.property('message', 'no answer')
  })

  it('uses a connection id for 60 s', async () => {
    const round = async (connects: boolean) => {
      const announcing = announce()
      await clock.advance(0)
      if (connects) port.answer(connectionId)
      await settled()
      port.answer(answerWithOnePeer)
      await announcing
    }
    await round(true)
    await clock.advance(59_999)
    await round(false)
    await clock.advance(1)
    await round(true)
    expect(port.timeline).to.equal('c0 a0 a59.999 c60 a60')
    expect(port.sent[1]!.datagram.toString('hex', 0, 8)).to.equal(connectionId)
  })

  it('listens to the address it asked and to no other', async () => {
    const announcing = announce()
    await clock.advance(0)
    expect(port.answer(connectionId, { from: { host: '5.6.7.9', port: 6969 } })).to.equal(false)
    expect(port.answer(connectionId, { from: { host: '5.6.7.8', port: 6970 } })).to.equal(false)
    expect(port.answer(connectionId, { action: 1 })).to.equal(false)
    expect(port.answer('01020304050607')).to.equal(false)
    expect(port.answer(connectionId)).to.equal(true)
    expect(port.answer(connectionId)).to.equal(false)
    await settled()
    port.answer(answerWithOnePeer)
    await announcing
  })

  it('asks both families and goes on with the one that answers', async () => {
    addresses = ['2001:4860::1', '2001:4860::2', '5.6.7.8']
    const announcing = announce()
    await clock.advance(0)
    expect(port.sent.map(({ to }) => to.host)).to.deep.equal(['5.6.7.8', '2001:4860::1'])
    port.answer(connectionId)
    await settled()
    port.answer(`00000708000000020000000320014860${'1'.padStart(24, '0')}1ae1`)
    expect((await announcing).peers).to.deep.equal([{ host: '2001:4860::1', port: 6881 }])
  })

  it('needs only one family to be reachable', async () => {
    addresses = ['2001:4860::1', '5.6.7.8']
    port.unreachable = to => to.host.includes(':')
    const announcing = announce()
    await clock.advance(0)
    port.answer(connectionId)
    await settled()
    port.answer(answerWithOnePeer)
    expect((await announcing).peers).to.have.length(1)
  })

  it('fails at once when nothing can be sent', async () => {
    port.unreachable = () => true
    expect(await rejection(announce())).to.have.property('code', 'ERR_BT_TRACKER_NETWORK')
    expect(clock.pendingTimers).to.equal(0)
  })

  it('gives the reason of an error answer', async () => {
    const announcing = rejection(announce())
    await clock.advance(0)
    port.answer(Buffer.from('go\taway').toString('hex'), { action: 3 })
    expect((await announcing).message).to.equal('the tracker refused: go away')
  })

  it('asks no address that may not be asked', async () => {
    addresses = ['127.0.0.1', '224.0.0.1']
    const elsewhere = parseTrackerUrl('udp://tracker.example:6969/other')
    const error = await rejection(tracker.announce(elsewhere, announceRequest(), signal))
    expect(error).to.have.property('code', 'ERR_BT_TRACKER_URL')
    expect(port.sent).to.deep.equal([])
  })
})
