import { expect } from 'chai'
import { EmbeddedTracker } from '../../lib/demo/embedded-tracker.js'
import { TrackerClient } from '../../lib/discovery/tracker/tracker-client.js'
import { asInfoHash, asPeerId } from '../../lib/metainfo/info-hash.js'
import { UdpSocket } from '../../lib/transport/udp-socket.js'
import { announceRequest } from '../discovery/tracker/support.js'
import { hasIpv6Loopback } from '../support/loopback.js'
import { rejection } from '../support/rejection.js'

describe('EmbeddedTracker', () => {
  const udp = new UdpSocket()
  const client = new TrackerClient({ udp, userAgent: 'bt-stream/test' })
  let tracker: EmbeddedTracker

  beforeEach(async () => {
    tracker = await EmbeddedTracker.listen()
  })

  afterEach(() => tracker.close())
  after(() => udp.close())

  const peer = (number: number) => asPeerId(Buffer.from(`-BS0001-${String(number).padStart(12, '0')}`))
  const announce = (number: number, changes = {}) =>
    client.announce(tracker.url, announceRequest({ peerId: peer(number), port: 1000 + number, ...changes }))

  it('introduces peers to each other', async () => {
    expect((await announce(1, { left: 0 })).peers).to.deep.equal([])
    const response = await announce(2)
    expect(response.peers).to.deep.equal([{ host: '127.0.0.1', port: 1001 }])
    expect(response).to.include({ seeders: 1, leechers: 1, intervalMs: 300_000 })
    expect((await announce(1, { left: 0 })).peers).to.deep.equal([{ host: '127.0.0.1', port: 1002 }])
  })

  it('forgets who stops', async () => {
    await announce(1)
    expect((await announce(2, { event: 'stopped', numWant: 0 })).peers).to.deep.equal([])
    await announce(1, { event: 'stopped', numWant: 0 })
    expect((await announce(3)).peers).to.deep.equal([])
  })

  it('keeps torrents apart and gives as many as are wanted', async () => {
    for (const number of [1, 2, 3]) await announce(number)
    expect((await announce(4, { numWant: 2 })).peers).to.have.length(2)
    expect((await announce(5, { infoHash: asInfoHash(Buffer.alloc(20, 9)) })).peers).to.deep.equal([])
  })

  it('keeps 100 torrents at most', async () => {
    const other = (number: number) => announce(1, { infoHash: asInfoHash(Buffer.alloc(20, number)) })
    for (let number = 0; number < 100; number++) await other(number)
    expect((await rejection(other(100))).message).to.contain('too many torrents')
    await other(99)
  })

  it('refuses what it cannot use', async () => {
    expect(await rejection(announce(1, { port: 0 }))).to.have.property('code', 'ERR_BT_TRACKER_FAILURE')
    for (const path of ['/', '/announce/x', '/scrape']) {
      expect((await fetch(new URL(path, tracker.url))).status, path).to.equal(404)
    }
    const text = await (await fetch(`${tracker.url}?info_hash=%zz&peer_id`)).text()
    expect(text).to.match(/^d14:failure reason/)
  })

  it('serves this machine only', async function () {
    expect(await rejection(EmbeddedTracker.listen({ host: '0.0.0.0' }))).to.have.property('code', 'ERR_BT_OPTION')
    if (!hasIpv6Loopback()) this.skip()
    const ipv6 = await EmbeddedTracker.listen({ host: '::1' })
    const request = announceRequest({ peerId: peer(1), port: 7 })
    await client.announce(ipv6.url, request)
    const { peers } = await client.announce(ipv6.url, announceRequest({ peerId: peer(2) }))
    expect(peers).to.deep.equal([{ host: '::1', port: 7 }])
    await ipv6.close()
    await ipv6.close()
  })
})
