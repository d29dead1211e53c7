import { expect } from 'chai'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { TrackerClient } from '../../../lib/discovery/tracker/tracker-client.js'
import { TrackerError } from '../../../lib/errors.js'
import { encode } from '../../../lib/metainfo/bencode.js'
import { NameLookup } from '../../../lib/transport/name-lookup.js'
import { UdpSocket } from '../../../lib/transport/udp-socket.js'
import { FakeTracker, type FakeTrackerBehaviour } from '../../support/fake-tracker.js'
import { hasIpv6Loopback } from '../../support/loopback.js'
import { rejection } from '../../support/rejection.js'
import { announceRequest, infoHash } from './support.js'

const peers = [
  { host: '1.2.3.4', port: 6881 },
  { host: '5.6.7.8', port: 51413 }
]
const peers6 = [{ host: '2001:db8::1', port: 6881 }]

describe('TrackerClient', () => {
  let udp: UdpSocket
  let client: TrackerClient
  let tracker: FakeTracker

  const listen = async (behaviour: FakeTrackerBehaviour = {}, host?: string) => {
    tracker = await FakeTracker.listen(behaviour, host)
    return tracker
  }

  beforeEach(() => {
    udp = new UdpSocket()
    client = new TrackerClient({ udp, userAgent: 'bt-stream/test' })
  })

  afterEach(async () => {
    client.close()
    await udp.close()
    await tracker.close()
  })

  for (const protocol of ['http', 'udp'] as const) {
    const urlOf = (fake: FakeTracker) => (protocol === 'http' ? fake.httpUrl : fake.udpUrl)

    describe(`over ${protocol}`, () => {
      it('tells the tracker everything byte for byte and reads its peers', async () => {
        await listen({ peers, interval: 900 })
        const response = await client.announce(urlOf(tracker), announceRequest({ event: 'started' }))
        expect(response.peers).to.deep.equal(peers)
        expect(response.intervalMs).to.equal(900_000)
        const { protocol: asked, headers, urlData, ...told } = tracker.announces[0]!
        expect(asked).to.equal(protocol)
        expect(told).to.deep.equal({
          infoHash: infoHash.toString('hex'),
          peerId: announceRequest().peerId.toString('hex'),
          port: 6881,
          uploaded: 1,
          downloaded: 2 ** 40,
          left: 3,
          numWant: 200,
          key: 0xdeadbeef,
          event: 'started'
        })
        expect(urlData).to.match(/^\/announce/)
        if (headers) expect(headers['user-agent']).to.equal('bt-stream/test')
      })

      for (const event of [undefined, 'completed', 'stopped'] as const) {
        it(`sends the event ${event ?? '(none)'}`, async () => {
          await listen({ peers })
          await client.announce(urlOf(tracker), announceRequest({ event }))
          expect(tracker.announces[0]!.event).to.equal(event)
        })
      }

      it('gives the reason of a tracker that refuses, clean and cut', async () => {
        await listen({ failure: `\u001b[31mnot\nregistered ${'x'.repeat(1000)}` })
        const error = await rejection(client.announce(urlOf(tracker), announceRequest()))
        expect(error).to.be.instanceOf(TrackerError).with.property('code', 'ERR_BT_TRACKER_FAILURE')
        expect(error.message).to.match(/^the tracker refused: \[31mnot registered x+$/)
        expect(error.message.length).to.be.below(300)
      })

      it('keeps the passkey in the query', async () => {
        await listen({ peers })
        await client.announce(`${urlOf(tracker)}?passkey=a%20b&x=%12`, announceRequest())
        expect(tracker.announces[0]!.urlData).to.match(/^\/announce\?passkey=a%20b&x=%12/)
      })

      it('scrapes', async () => {
        await listen({
          respond: (_request, response) => {
            const entry = { complete: 10, downloaded: 20, incomplete: 30 }
            const head = Buffer.concat([Buffer.from('d5:filesd20:'), infoHash, encode(entry), Buffer.from('ee')])
            response.end(head)
          }
        })
        const entries = await client.scrape(urlOf(tracker), [infoHash])
        expect(entries).to.deep.equal([{ seeders: 10, completed: 20, leechers: 30 }])
      })

      it('ends at once when the caller gives up', async () => {
        await listen({ silent: true })
        const controller = new AbortController()
        const announcing = client.announce(urlOf(tracker), announceRequest(), { signal: controller.signal })
        setTimeout(() => controller.abort(new Error('enough')), 20)
        expect(await rejection(announcing)).to.have.property('message', 'enough')
      })

      it('ends when its time is up', async () => {
        await listen({ silent: true })
        const error = await rejection(client.announce(urlOf(tracker), announceRequest(), { timeoutMs: 30 }))
        expect(error).to.have.property('code', 'ERR_BT_TRACKER_NETWORK')
      })

      it('works over IPv6', async function () {
        if (!hasIpv6Loopback()) this.skip()
        await listen({ peers: peers6 }, '::1')
        const response = await client.announce(urlOf(tracker), announceRequest())
        expect(response.peers).to.deep.equal(peers6)
      })

      it('finds a tracker on localhost whichever family it listens on', async () => {
        await listen({ peers })
        const url = urlOf(tracker).replace('127.0.0.1', 'localhost')
        expect((await client.announce(url, announceRequest())).peers).to.deep.equal(peers)
      })
    })
  }

  describe('over http', () => {
    const ask = (behaviour: FakeTrackerBehaviour) =>
      listen(behaviour).then(fake => client.announce(fake.httpUrl, announceRequest()))
    const failure = (behaviour: FakeTrackerBehaviour) => rejection(ask(behaviour))
    const body = encode({ interval: 1800, peers: Buffer.from([1, 2, 3, 4, 0x1a, 0xe1]) })

    it('keeps awkward bytes of info-hash and peer id', async () => {
      await listen({ peers })
      await client.announce(tracker.httpUrl, announceRequest())
      expect(tracker.announces[0]!.urlData).to.contain('info_hash=%00%01%7F%80%FF%25%26%2B%3D%20az-_.~%0A%0D%00%3F')
    })

    it('sends the tracker id back', async () => {
      await listen({ peers, extra: { 'tracker id': Buffer.from([0, 0xff, 0x26]) } })
      const { trackerId } = await client.announce(tracker.httpUrl, announceRequest())
      await client.announce(tracker.httpUrl, announceRequest({ trackerId }))
      expect(tracker.announces[1]!.urlData).to.contain('&trackerid=%00%FF%26')
    })

    for (const [encoding, packed] of [
      ['gzip', gzipSync(body)],
      ['deflate', deflateSync(body)],
      ['deflate', deflateRawSync(body)]
    ] as const) {
      it(`inflates ${encoding} (${packed.length} bytes)`, async () => {
        const response = await ask({
          respond: (_request, reply) => void reply.setHeader('content-encoding', encoding).end(packed)
        })
        expect(response.peers).to.deep.equal([{ host: '1.2.3.4', port: 6881 }])
      })
    }

    it('looks up peers that are given by name, and takes them only on the internet, one address of each family', async () => {
      const answers = new Map([
        ['peer.example', ['127.0.0.1', '8.8.4.4', '8.8.4.5', '2600::5', '2600::6']],
        ['inside.example', ['192.168.1.1']]
      ])
      const names = new NameLookup({
        lookup: host => Promise.resolve(answers.get(host) ?? [])
      })
      client.close()
      client = new TrackerClient({ udp, userAgent: 'test', names })
      const entry = (ip: string, port: number) => ({ ip, port })
      const list = [entry('peer.example', 1), entry('inside.example', 2), entry('gone.example', 3), entry('9.9.9.9', 4)]
      const response = await ask({
        respond: (_request, reply) => void reply.end(encode({ interval: 60, peers: list }))
      })
      expect(response.peers).to.deep.equal([
        { host: '9.9.9.9', port: 4 },
        { host: '8.8.4.4', port: 1 },
        { host: '2600::5', port: 1 }
      ])
    })

    for (const [name, status, text, code] of [
      ['HTML', 200, '<html>\u001b[2J Sign in to the hotel', 'ERR_BT_TRACKER_RESPONSE'],
      ['nothing', 200, '', 'ERR_BT_TRACKER_RESPONSE'],
      ['JSON', 200, '{"peers":[]}', 'ERR_BT_TRACKER_RESPONSE'],
      ['no peers', 200, 'd8:completei1ee', 'ERR_BT_TRACKER_RESPONSE'],
      ['204', 204, '', 'ERR_BT_TRACKER_HTTP'],
      ['500', 500, 'oh no', 'ERR_BT_TRACKER_HTTP'],
      ['400 with a reason', 400, 'd14:failure reason3:whye', 'ERR_BT_TRACKER_FAILURE']
    ] as const) {
      it(`says what is wrong: ${name}`, async () => {
        const error = await failure({ respond: (_request, reply) => void reply.writeHead(status).end(text) })
        expect(error).to.have.property('code', code)
        expect(error.message).not.to.match(/\p{Cc}/u)
      })
    }

    it('refuses an answer over 1 MiB, as sent and inflated, and takes one below', async () => {
      const padded = (length: number) => Buffer.concat([body, Buffer.alloc(length - body.length)])
      const send = (bytes: Buffer, encoding = 'identity'): FakeTrackerBehaviour => ({
        respond: (_request, reply) => void reply.setHeader('content-encoding', encoding).end(bytes)
      })
      for (const encoding of ['identity', 'gzip']) {
        const pack = encoding === 'gzip' ? gzipSync : (bytes: Buffer) => bytes
        const response = await ask(send(pack(padded(2 ** 20)), encoding))
        expect(response.peers).to.have.length(1)
        await tracker.close()
        const error = await failure(send(pack(padded(2 ** 20 + 1)), encoding))
        expect(error).to.have.property('code', 'ERR_BT_TRACKER_RESPONSE')
        expect(error.message).to.contain('too large')
        if (encoding === 'identity') await tracker.close()
      }
    })

    it('cuts off a body without end', async () => {
      const error = await failure({
        respond: (_request, reply) => {
          const pump = () => {
            while (!reply.destroyed && reply.write(Buffer.alloc(65_536)));
          }
          reply.on('drain', pump)
          pump()
        }
      })
      expect(error).to.have.property('code', 'ERR_BT_TRACKER_RESPONSE')
    })

    it('takes no broken gzip', async () => {
      const broken = gzipSync(body).subarray(0, 20)
      const error = await failure({
        respond: (_request, reply) => void reply.setHeader('content-encoding', 'gzip').end(broken)
      })
      expect(error).to.have.property('code', 'ERR_BT_TRACKER_RESPONSE')
    })

    it('reports a tracker that hangs up or is not there', async () => {
      const error = await failure({ respond: request => request.socket.destroy() })
      expect(error).to.have.property('code', 'ERR_BT_TRACKER_NETWORK')
      const closed = createNetServer().listen(0, '127.0.0.1')
      await new Promise(resolve => closed.once('listening', resolve))
      const { port } = closed.address() as AddressInfo
      await new Promise(resolve => closed.close(resolve))
      const gone = await rejection(client.announce(`http://127.0.0.1:${port}/announce`, announceRequest()))
      expect(gone).to.have.property('code', 'ERR_BT_TRACKER_NETWORK')
    })
  })

  describe('over udp', () => {
    it('connects once for a minute of announces', async () => {
      await listen({ peers })
      await client.announce(tracker.udpUrl, announceRequest())
      await client.announce(tracker.udpUrl, announceRequest())
      expect(tracker.datagrams.map(datagram => datagram.readUInt32BE(8))).to.deep.equal([0, 1, 1])
    })

    it('asks for a new connection id when the tracker has forgotten the old one', async () => {
      await listen({ peers })
      await client.announce(tracker.udpUrl, announceRequest())
      tracker.forgetConnections()
      expect((await client.announce(tracker.udpUrl, announceRequest())).peers).to.deep.equal(peers)
    })

    it('never uses a transaction id twice', async () => {
      await listen({ peers })
      for (let i = 0; i < 5; i++) await client.announce(tracker.udpUrl, announceRequest())
      const ids = new Set(tracker.datagrams.map(datagram => datagram.readUInt32BE(12)))
      expect(ids.size).to.equal(tracker.datagrams.length)
    })

    it('sends long URL data in several options', async () => {
      await listen({ peers })
      const passkey = 'k'.repeat(600)
      await client.announce(`${tracker.udpUrl}?key1=${passkey}`, announceRequest())
      expect(tracker.announces[0]!.urlData).to.equal(`/announce?key1=${passkey}`)
    })

    it('passes over answers that do not match its question', async () => {
      const flip = (answer: Buffer, at: number) => {
        const forged = Buffer.from(answer)
        forged.writeUInt8(forged.readUInt8(at) ^ 1, at)
        return forged
      }
      await listen({
        peers,
        datagrams: answer => [
          Buffer.alloc(0),
          answer.subarray(0, 7),
          answer.subarray(0, 15),
          flip(answer, 3),
          flip(answer, 0),
          flip(answer, 7),
          answer
        ]
      })
      expect((await client.announce(tracker.udpUrl, announceRequest())).peers).to.deep.equal(peers)
    })
  })
})
