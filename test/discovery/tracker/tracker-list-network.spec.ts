import { expect } from 'chai'
import { setTimeout } from 'node:timers/promises'
import { TrackerClient } from '../../../lib/discovery/tracker/tracker-client.js'
import { TrackerList } from '../../../lib/discovery/tracker/tracker-list.js'
import { UdpSocket } from '../../../lib/transport/udp-socket.js'
import { formatPeerAddress, type PeerAddress } from '../../../lib/wire/peer-address.js'
import { FakeTracker } from '../../support/fake-tracker.js'
import { infoHash, peerId } from './support.js'

describe('TrackerList on a network', () => {
  it('runs a torrent from started to stopped over HTTP and UDP and leaves nothing open', async () => {
    const before = process.getActiveResourcesInfo().filter(name => /TCP|UDP/.test(name))
    const peers = [{ host: '1.2.3.4', port: 6881 }]
    const tracker = await FakeTracker.listen({ peers })
    const broken = await FakeTracker.listen({ failure: 'unregistered torrent s3cret' })
    const udp = new UdpSocket()
    const client = new TrackerClient({ udp, userAgent: 'bt-stream/test' })
    const found: PeerAddress[] = []
    const figures = { uploaded: 0, downloaded: 0, left: 10 }
    let onFound: () => void = () => undefined
    const list = new TrackerList({
      tiers: [[broken.udpUrl, `${broken.httpUrl}/s3cret`], [tracker.httpUrl], [tracker.udpUrl]],
      infoHash,
      peerId,
      key: 1,
      port: 6881,
      announcer: client,
      random: Math.random,
      report: () => figures,
      onPeers: more => {
        found.push(...more)
        onFound()
      }
    })
    const bothAnswered = new Promise<void>(resolve => (onFound = () => found.length >= 2 && resolve()))
    list.start()
    await Promise.all([bothAnswered, broken.announced(2)])
    Object.assign(figures, { downloaded: 10, left: 0 })
    list.completed()
    await tracker.announced(4)
    await list.stop()
    expect(new Set(found.map(formatPeerAddress))).to.deep.equal(new Set(['1.2.3.4:6881']))
    for (const protocol of ['http', 'udp']) {
      const told = tracker.announces.filter(announce => announce.protocol === protocol)
      expect(told.map(({ event, left }) => `${event ?? '-'} ${left}`)).to.deep.equal([
        'started 10',
        'completed 0',
        'stopped 0'
      ])
    }
    expect(broken.announces.map(({ event }) => event)).to.deep.equal(['started', 'started'])
    expect(JSON.stringify(list.statuses())).not.to.contain('s3cret')
    client.close()
    await Promise.all([udp.close(), tracker.close(), broken.close()])
    // Node lists closed handles for a moment longer.
    const open = () => process.getActiveResourcesInfo().filter(name => /TCP|UDP/.test(name))
    for (let turn = 0; turn < 50 && open().length > before.length; turn++) await setTimeout(10)
    expect(open()).to.deep.equal(before)
  })
})
