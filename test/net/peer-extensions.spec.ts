import { expect } from 'chai'
import { METADATA_SERVED_BURST, PEX_INTERVAL_MS } from '../../lib/limits.js'
import { decode, encode } from '../../lib/metainfo/bencode.js'
import type { PeerConnection } from '../../lib/net/peer-connection.js'
import { parsePexMessage } from '../../lib/wire/peer-exchange.js'
import { EXTENDED, ID, type FakePeer } from '../support/fake-peer.js'
import { PeerBench, until } from '../support/peer-bench.js'

/** The ids that the fake peer wants its extensions to be called by. */
const THEIRS = { ut_metadata: 7, ut_pex: 9 }
const OURS = { ut_metadata: 1, ut_pex: 2 }

describe("a peer's extensions", () => {
  let bench: PeerBench
  afterEach(() => bench.close())

  const introduced = async (
    said: Parameters<typeof encode>[0] = { m: THEIRS }
  ): Promise<[FakePeer, PeerConnection]> => {
    const [peer, connection] = await bench.handshaken(EXTENDED)
    peer.sendExtended(0, encode(said))
    await until(() => bench.extensions.introduced.length > 0)
    return [peer, connection]
  }
  const endOf = async (peer: FakePeer): Promise<unknown> => {
    await peer.closed()
    return await until(() => bench.ends[0])
  }

  it('begin with our handshake, which says how the peer is seen', async () => {
    bench = await PeerBench.open({ announced: 'all' })
    const [peer] = await bench.handshaken(EXTENDED)
    const { value } = decode(await peer.expectExtended(0))
    expect(value.get('m')?.get('ut_metadata')?.safeInteger).to.equal(OURS.ut_metadata)
    expect(value.get('yourip')?.bytes).to.deep.equal(Buffer.of(127, 0, 0, 1))
    expect(value.get('reqq')?.safeInteger).to.equal(2000)
    await peer.expect(ID.bitfield)
  })

  it('are not spoken to who does not speak them', async () => {
    bench = await PeerBench.open({ announced: 'all' })
    const [peer, connection] = await bench.handshaken()
    const first = await until(() => peer.heard[0])
    expect(first.id).to.equal(ID.bitfield)
    expect(connection.extensions).to.equal(undefined)
  })

  it('keep to as many requests as the peer queues', async () => {
    bench = await PeerBench.open()
    const [, connection] = await introduced({ m: {}, reqq: 3 })
    expect(connection.supplier?.pipeline.maxDepth).to.equal(3)
  })

  it('serve metadata to who asks, by the id it chose', async () => {
    bench = await PeerBench.open()
    bench.extensions.served = Buffer.alloc(16_385, 5)
    const [peer] = await introduced()
    peer.sendExtended(OURS.ut_metadata, encode({ msg_type: 0, piece: 1 }))
    const answer = await peer.expectExtended(THEIRS.ut_metadata)
    expect(answer.toString()).to.equal('d8:msg_typei1e5:piecei1e10:total_sizei16385ee\x05')
    peer.sendExtended(OURS.ut_metadata, encode({ msg_type: 0, piece: 2 }))
    expect((await peer.expectExtended(THEIRS.ut_metadata)).toString()).to.equal('d8:msg_typei2e5:piecei2ee')
  })

  it('refuse metadata to who asks without end, then drop it', async () => {
    bench = await PeerBench.open()
    bench.extensions.served = Buffer.alloc(100)
    const [peer] = await introduced()
    for (let i = 0; i < METADATA_SERVED_BURST + 1; i++)
      peer.sendExtended(OURS.ut_metadata, encode({ msg_type: 0, piece: 0 }))
    let refused = false
    while (!refused) refused = (await peer.expectExtended(THEIRS.ut_metadata)).toString().startsWith('d8:msg_typei2e')
    for (let i = 0; i < 20_000; i++) peer.sendExtended(OURS.ut_metadata, encode({ msg_type: 0, piece: 0 }))
    expect(await endOf(peer)).to.have.property('code', 'ERR_BT_FLOOD')
  })

  it('end with a request that cannot be answered', async () => {
    bench = await PeerBench.open()
    const [peer] = await bench.handshaken(EXTENDED)
    peer.sendExtended(OURS.ut_metadata, encode({ msg_type: 0, piece: 0 }))
    expect(await endOf(peer)).to.have.property('code', 'ERR_BT_MESSAGE_ORDER')
  })

  for (const [what, id, payload] of [
    ['a handshake that is no dictionary', 0, 'le'],
    ['metadata that is no message', OURS.ut_metadata, 'x'],
    ['addresses that are none', OURS.ut_pex, 'd5:added5:abcdee']
  ] as const) {
    it(`end with ${what}`, async () => {
      bench = await PeerBench.open()
      const [peer] = await introduced()
      peer.sendExtended(id, payload)
      expect(await endOf(peer)).to.have.property('code', 'ERR_BT_MESSAGE_CONTENT')
    })
  }

  it('pass on what peers say of the metadata', async () => {
    bench = await PeerBench.open({ isUnknown: true })
    const [peer, connection] = await introduced({ m: THEIRS, metadata_size: 5 })
    connection.extensions?.requestMetadata([0])
    expect((await peer.expectExtended(THEIRS.ut_metadata)).toString()).to.equal('d8:msg_typei0e5:piecei0ee')
    peer.sendExtended(OURS.ut_metadata, 'd8:msg_typei1e5:piecei0e10:total_sizei5eehello')
    const [message] = await until(() => bench.extensions.metadataHeard.length > 0 && bench.extensions.metadataHeard)
    expect(message).to.deep.equal({ type: 'data', piece: 0, totalSize: 5, bytes: Buffer.from('hello') })
  })

  it('take the pieces that a peer had before anybody knew the torrent', async () => {
    bench = await PeerBench.open({ isUnknown: true })
    const [peer, connection] = await introduced()
    peer.sendBitfield(Buffer.of(0b1010_0000, 0))
    peer.sendMessage(ID.have, 9)
    peer.sendMessage(ID.unchoke)
    peer.sendExtended(0, encode({ m: {} }))
    await until(() => bench.extensions.introduced.length === 2)
    expect(connection.supplier).to.equal(undefined)
    connection.begin(bench.torrent)
    const { supplier } = connection
    expect([0, 1, 2, 9].map(index => supplier?.pieces.has(index))).to.deep.equal([true, false, true, true])
    expect(supplier?.isChoking).to.equal(false)
  })

  it('do not take pieces that turn out not to exist', async () => {
    bench = await PeerBench.open({ isUnknown: true })
    const [peer, connection] = await introduced()
    peer.sendMessage(ID.have, 10)
    peer.sendExtended(0, encode({ m: {} }))
    await until(() => bench.extensions.introduced.length === 2)
    expect(() => connection.begin(bench.torrent))
      .to.throw()
      .with.property('code', 'ERR_BT_MESSAGE_CONTENT')
  })

  it('tell of others once a minute, of nobody to himself, and note what is told', async () => {
    bench = await PeerBench.open()
    const [peer, connection] = await introduced()
    const other = { address: { host: '10.0.0.1', port: 5 }, isSeed: true, isReachable: true }
    bench.extensions.known = [other, { ...other, address: connection.address }]
    connection.tick(bench.clock.now())
    expect(parsePexMessage(await peer.expectExtended(THEIRS.ut_pex))).to.deep.equal({ added: [other], dropped: [] })
    bench.extensions.known = []
    connection.tick(bench.clock.now() + PEX_INTERVAL_MS - 1)
    connection.tick(bench.clock.now() + PEX_INTERVAL_MS)
    expect(parsePexMessage(await peer.expectExtended(THEIRS.ut_pex)).dropped).to.deep.equal([other.address])
    peer.sendExtended(OURS.ut_pex, encode({ added: Buffer.of(1, 2, 3, 4, 0, 9), 'added.f': Buffer.of(0x10) }))
    await until(() => bench.extensions.told.length > 0)
    expect(bench.extensions.told[0]?.address).to.deep.equal({ host: '1.2.3.4', port: 9 })
  })

  it('are silent to who switched them off', async () => {
    bench = await PeerBench.open()
    const [peer, connection] = await introduced()
    peer.sendExtended(0, encode({ m: { ut_pex: 0 } }))
    await until(() => bench.extensions.introduced.length === 2)
    bench.extensions.known = [{ address: { host: '10.0.0.1', port: 5 }, isSeed: true, isReachable: true }]
    connection.tick(bench.clock.now())
    connection.setInterested(true)
    await peer.expect(ID.interested)
    expect(peer.heard.filter(({ id }) => id === ID.extended)).to.deep.equal([])
  })
})
