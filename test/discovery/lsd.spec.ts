import { expect } from 'chai'
import { createSocket } from 'node:dgram'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { systemClock } from '../../lib/clock.js'
import { Lsd } from '../../lib/discovery/lsd.js'
import { encodeLsdMessage } from '../../lib/discovery/lsd-message.js'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import type { PeerAddress } from '../../lib/wire/peer-address.js'
import { noLeaks } from '../support/no-leaks.js'
import { until } from '../support/peer-bench.js'

const [one, two] = [asInfoHash(Buffer.alloc(20, 1)), asInfoHash(Buffer.alloc(20, 2))]

describe('Lsd', function () {
  let opened: Lsd[]
  let group: PeerAddress
  beforeEach(async () => {
    opened = []
    group = { host: '239.192.152.143', port: await freeUdpPort() }
  })
  afterEach(async () => {
    for (const lsd of opened) await lsd.close()
  })
  noLeaks(this)

  /** On loopback, where multicast reaches this machine only. */
  const open = async (cookie: string): Promise<Lsd> => {
    const lsd = new Lsd({ clock: systemClock, cookie, groups: [group], interfaces: ['127.0.0.1'] })
    opened.push(lsd)
    await lsd.ready()
    return lsd
  }
  const send = async (datagram: Buffer): Promise<void> => {
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
    socket.setMulticastInterface('127.0.0.1')
    await new Promise(resolve => socket.send(datagram, group.port, group.host, resolve))
    await new Promise<void>(resolve => socket.close(() => resolve()))
  }

  it('tells others of a torrent, and hears of them', async () => {
    const [a, b] = [await open('a'), await open('b')]
    const [ofA, ofB]: PeerAddress[][] = [[], []]
    a.join(one, peer => ofA?.push(peer))
    b.join(one, peer => ofB?.push(peer))
    a.announce(one, 7001)
    b.announce(one, 7002)
    await until(() => (ofA?.length ?? 0) > 0 && (ofB?.length ?? 0) > 0)
    expect(ofA?.map(({ port }) => port)).to.deep.equal([7002])
    expect(ofB).to.deep.equal([{ host: ofB?.[0]?.host, port: 7001 }])
  })

  it('finds no network where the system tells of none, and is no worse for it', async () => {
    const { networkInterfaces } = os
    os.networkInterfaces = () => {
      throw new Error('uv_interface_addresses returned Unknown system error 13')
    }
    syncBuiltinESMExports()
    try {
      const lsd = await open('a')
      expect(lsd.channelCount).to.equal(0)
    } finally {
      os.networkInterfaces = networkInterfaces
      syncBuiltinESMExports()
    }
  })

  it('says nothing of a torrent before it may be told, and each only once in five minutes', async () => {
    const [a, b] = [await open('a'), await open('b')]
    const heard: string[] = []
    b.join(one, () => heard.push('one'))
    b.join(two, () => heard.push('two'))
    a.join(one, () => undefined)
    a.join(two, () => undefined)
    a.announce(two, 7001)
    a.announce(two, 7001)
    a.announceSoon(two)
    await until(() => heard.length > 0)
    await send(encodeLsdMessage({ port: 5, infoHashes: [one], cookie: 'z' }, 'x'))
    await until(() => heard.includes('one'))
    expect(heard).to.deep.equal(['two', 'one'])
  })

  it('hears nothing of torrents that were left, of itself, or of what is none', async () => {
    const lsd = await open('mine')
    const heard: string[] = []
    const leave = lsd.join(two, () => heard.push('two'))
    lsd.join(one, ({ port }) => heard.push(`one ${port}`))
    leave()
    const message = { port: 7, infoHashes: [two, one], cookie: 'mine' }
    await send(encodeLsdMessage(message, 'x'))
    await send(Buffer.alloc(1401, 0x41))
    await send(Buffer.from('BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: ' + one.toString('hex') + '\r\n\r\n'))
    await send(encodeLsdMessage({ ...message, cookie: 'theirs' }, 'x'))
    await until(() => heard.length > 0)
    expect(heard).to.deep.equal(['one 7'])
  })

  it('reads ten datagrams a second and no more', async () => {
    const lsd = await open('mine')
    let heard = 0
    lsd.join(one, () => heard++)
    for (let i = 0; i < 40; i++) await send(encodeLsdMessage({ port: 7, infoHashes: [one], cookie: `${i}` }, 'x'))
    await until(() => heard > 0)
    // A second may have begun in between.
    expect(heard).to.be.at.most(20)
  })

  it('does without networks that are not there', async () => {
    const lsd = new Lsd({ clock: systemClock, cookie: 'x', groups: [group], interfaces: ['203.0.113.1'] })
    opened.push(lsd)
    await lsd.ready()
    expect(lsd.channelCount).to.equal(0)
    lsd.join(one, () => undefined)
    lsd.announce(one, 1)
  })
})

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await new Promise<void>(resolve => socket.close(() => resolve()))
  return port
}
