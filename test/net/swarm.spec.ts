import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import * as limits from '../../lib/limits.js'
import { Swarm } from '../../lib/net/swarm.js'
import type { PeerConnection } from '../../lib/net/peer-connection.js'
import type { HostedTorrent } from '../../lib/net/peer-host.js'
import { FakePeer } from '../support/fake-peer.js'
import { noLeaks } from '../support/no-leaks.js'
import { OUR_ID, PeerBench, until } from '../support/peer-bench.js'
import type { PeerAddress } from '../../lib/wire/peer-address.js'

describe('Swarm', function () {
  let bench: PeerBench
  let server: Server
  let dialled: FakePeer[]
  let swarm: Swarm
  let open: PeerConnection[]
  let gone: PeerConnection[]
  let failed: PeerAddress[]

  beforeEach(async () => {
    bench = await PeerBench.open()
    dialled = []
    server = createServer(socket => dialled.push(new FakePeer(socket))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    open = []
    gone = []
    failed = []
    swarm = new Swarm({
      host: bench.host,
      clock: bench.clock,
      onPeer: connection => open.push(connection),
      onPeerGone: connection => gone.push(connection),
      onDialFailed: address => failed.push(address)
    })
  })
  afterEach(async () => {
    await swarm.close()
    for (const peer of dialled) peer.hangUp()
    server.close()
    await once(server, 'close')
    await until(() => swarm.connectionCount === 0 && swarm.diallingCount === 0)
    await bench.close()
    await until(() => bench.clock.pendingTimers === 0)
  })

  const address = (): PeerAddress => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  /** Dials the fake peer and shakes hands. */
  const meet = async (): Promise<FakePeer> => {
    const count = dialled.length
    swarm.add([address()], 'tracker')
    const peer = await until(() => dialled[count])
    await peer.expectHandshake()
    peer.sendHandshake(bench.infoHash)
    await until(() => open.length > count)
    return peer
  }

  it('dials an address, once', async () => {
    await meet()
    swarm.add([address()], 'tracker')
    expect([...swarm.peers()]).to.deep.equal(open)
    expect(swarm.diallingCount).to.equal(0)
  })

  it(`dials ${limits.DIAL_BURST} at once, then ${limits.DIALS_PER_SECOND} a second`, async () => {
    // Nobody listens there: a dial stays open for a turn of the loop at least.
    const closed = Array.from({ length: 150 }, (_, i) => ({ host: '127.0.0.1', port: 1 + i }))
    swarm.add(closed, 'tracker')
    expect(swarm.diallingCount).to.equal(limits.DIAL_BURST)
    await until(() => failed.length === limits.DIAL_BURST)
    await bench.clock.advance(1000)
    await until(() => failed.length === limits.DIAL_BURST + limits.DIALS_PER_SECOND)
    await bench.clock.advance(1000)
    await until(() => failed.length === 150)
  })

  it('dials again a minute after a failure', async () => {
    swarm.add([{ host: '127.0.0.1', port: 1 }], 'tracker')
    await until(() => failed.length === 1)
    await bench.clock.advance(59_000)
    expect(failed).to.have.length(1)
    await bench.clock.advance(2_000)
    await until(() => failed.length === 2)
  })

  it('dials again a second after somebody who gave data hung up', async () => {
    const peer = await meet()
    const { supplier } = open[0] as PeerConnection
    if (supplier) supplier.verified = 1
    peer.hangUp()
    await until(() => gone.length === 1)
    await bench.clock.advance(2000)
    await until(() => dialled.length === 2)
  })

  it('forgets an address that turned out to be our own', async () => {
    swarm.add([address()], 'user')
    const peer = await until(() => dialled[0])
    peer.sendHandshake(bench.infoHash, OUR_ID)
    await until(() => failed.length === 1)
    expect(swarm.candidates.size).to.equal(0)
  })

  it('hands out the bytes that each message came with, though it held the peer while more arrived', async () => {
    const got: Buffer[] = []
    let release: (() => void) | undefined
    const acceptBlock: HostedTorrent['acceptBlock'] = (_supplier, _piece, _begin, data) => {
      const bytes = Buffer.alloc(data.length)
      data.copy(bytes)
      got.push(bytes)
      if (got.length % 7 > 0) return { outcome: 'taken' }
      return { outcome: 'taken', held: new Promise(resolve => (release = resolve)) }
    }
    const holding = new Swarm({
      host: { ...bench.host, torrent: { ...bench.torrent, acceptBlock } },
      clock: bench.clock,
      onPeer: connection => open.push(connection),
      onPeerGone: connection => gone.push(connection),
      onDialFailed: failure => failed.push(failure)
    })
    holding.add([address()], 'tracker')
    const peer = await until(() => dialled[0])
    await peer.expectHandshake()
    peer.sendHandshake(bench.infoHash)
    const blocks = Array.from({ length: 200 }, (_, i) => Buffer.alloc(limits.BLOCK_LENGTH, i))
    for (const [i, block] of blocks.entries()) peer.sendBlock({ piece: i % 10, begin: 0 }, block)
    while (got.length < blocks.length) {
      await until(() => release !== undefined || got.length === blocks.length)
      // The socket reads what it may before the next message is handled.
      for (let turn = 0; turn < 5; turn++) await setImmediate()
      release?.()
      release = undefined
    }
    expect(got.findIndex((bytes, i) => !bytes.equals(blocks[i] as Buffer))).to.equal(-1)
    await holding.close()
  })

  it('bans: drops the peer, forgets and refuses its address, even when it has left', async () => {
    const peer = await meet()
    const [connection] = open as [PeerConnection]
    const { supplier } = connection
    if (!supplier) return expect.fail()
    swarm.ban(supplier, new Error('bad data'))
    await peer.closed()
    await until(() => gone.length === 1)
    expect(swarm.candidates.isBanned(address())).to.equal(true)
    swarm.add([address()], 'user')
    expect(swarm.diallingCount).to.equal(0)
  })

  it('takes incoming ones, two of an address, loopback aside, and none that is banned', async () => {
    const incoming = async (host: string): Promise<boolean> => {
      const [, connection] = await bench.connect(true)
      Object.defineProperty(connection, 'address', { value: { host, port: 5 } })
      return swarm.adopt(connection)
    }
    expect([await incoming('198.51.100.1'), await incoming('198.51.100.1')]).to.deep.equal([true, true])
    expect(await incoming('198.51.100.1')).to.equal(false)
    expect(await incoming('198.51.100.2')).to.equal(true)
    for (let i = 0; i < 4; i++) expect(await incoming('127.0.0.1')).to.equal(true)
    swarm.candidates.ban({ host: '198.51.100.9', port: 1 })
    expect(await incoming('198.51.100.9')).to.equal(false)
    for (const connection of swarm.everyone()) {
      connection.destroy()
      swarm.onClosed(connection, undefined)
    }
  })

  it('closes with dials under way and peers in every state, and takes nobody after that', async () => {
    await meet()
    swarm.add([{ host: '127.0.0.1', port: 2 }], 'user')
    void swarm.close()
    await until(() => gone.length === 1)
    const [, connection] = await bench.connect(true)
    expect(swarm.adopt(connection)).to.equal(false)
    swarm.add([address()], 'user')
    expect(swarm.diallingCount).to.be.at.most(1)
    expect(failed).to.deep.equal([])
  })

  noLeaks(this)
})
