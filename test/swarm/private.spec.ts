import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { encode } from '../../lib/metainfo/bencode.js'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import type { TorrentOptions } from '../../lib/options.js'
import { openTorrent } from '../../lib/torrent-open.js'
import { encodePexMessage } from '../../lib/wire/peer-exchange.js'
import { EXTENDED, FakePeer } from '../support/fake-peer.js'
import { makeTorrent, randomBytesSeeded, type MadeTorrent } from '../support/make-torrent.js'
import { noLeaks } from '../support/no-leaks.js'
import { until } from '../support/peer-bench.js'
import { VirtualClock } from '../support/virtual-clock.js'

/** By which the scripted peers want to be called, and we. */
const THEIRS = { ut_metadata: 7, ut_pex: 9 }
const OURS = { ut_metadata: 1, ut_pex: 2 }
const TWO_MINUTES = 120_000

/** A peer that listens and says hello, and records who comes. */
class Stranger {
  readonly peers: FakePeer[] = []
  readonly #server: Server
  readonly #infoHash: Buffer

  static async listen({ infoHash, torrent }: MadeTorrent): Promise<Stranger> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Stranger(server, infoHash, parseMetainfo(torrent).infoBytes.length)
  }

  private constructor(server: Server, infoHash: string, size: number) {
    this.#server = server
    this.#infoHash = Buffer.from(infoHash, 'hex')
    server.on('connection', socket => {
      const peer = new FakePeer(socket)
      this.peers.push(peer)
      peer.sendHandshake(this.#infoHash, undefined, EXTENDED)
      peer.sendExtended(0, encode({ m: THEIRS, metadata_size: size }))
    })
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  /** The first who came. */
  async visitor(): Promise<FakePeer> {
    return await until(() => this.peers[0])
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.hangUp()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const telling = (...peers: Stranger[]): Buffer =>
  encodePexMessage({
    added: peers.map(({ address }) => ({ address, isSeed: true, isReachable: true })),
    dropped: []
  })

function answerMetadata(peer: FakePeer, { torrent }: MadeTorrent): void {
  const { infoBytes } = parseMetainfo(torrent)
  const head = encode({ msg_type: 1, piece: 0, total_size: infoBytes.length })
  peer.sendExtended(OURS.ut_metadata, Buffer.concat([head, infoBytes]))
}

/** What was said by the extensions until an answer came to a question asked now: their ids, and the payload behind. */
async function saidUntilNow(peer: FakePeer): Promise<{ id: number; payload: Buffer }[]> {
  peer.sendExtended(OURS.ut_metadata, encode({ msg_type: 0, piece: 99 }))
  const said: { id: number; payload: Buffer }[] = []
  for (;;) {
    const { payload } = await peer.expect(20)
    const message = { id: payload[0] ?? -1, payload: payload.subarray(1) }
    if (message.id === THEIRS.ut_metadata && message.payload.includes('piecei99e')) return said
    said.push(message)
  }
}

describe('a private torrent', function () {
  const made = makeTorrent({
    name: 'p',
    pieceLength: 32_768,
    data: randomBytesSeeded('private', 100_000),
    private: true
  })
  const open = makeTorrent({ name: 'p', pieceLength: 32_768, data: randomBytesSeeded('private', 100_000) })
  const strangers: Stranger[] = []
  const stranger = async (torrent: MadeTorrent): Promise<Stranger> => {
    const listening = await Stranger.listen(torrent)
    strangers.push(listening)
    return listening
  }
  const quiet = (clock: VirtualClock, ...peers: Stranger[]): TorrentOptions => ({
    host: '127.0.0.1',
    port: 0,
    clock,
    trackers: false,
    dht: false,
    lsd: false,
    peerTimeoutMs: 0,
    stallTimeoutMs: 0,
    peers: peers.map(({ address }) => `${address.host}:${address.port}`)
  })
  afterEach(async () => {
    for (const each of strangers.splice(0)) await each.close()
  })
  noLeaks(this)

  it('that a magnet link turned out to be leaves whom peers told of, tells of nobody and hears of nobody', async () => {
    const [teller, told, late] = [await stranger(made), await stranger(made), await stranger(made)]
    const clock = new VirtualClock()
    const opening = openTorrent(`magnet:?xt=urn:btih:${made.infoHash}`, quiet(clock, teller))
    const peer = await teller.visitor()
    peer.sendExtended(OURS.ut_pex, telling(told))
    const other = await told.visitor()
    answerMetadata(peer, made)
    const torrent = await opening
    expect(torrent.metainfo.private).to.equal(true)
    await other.closed()
    await clock.advance(TWO_MINUTES / 2)
    peer.sendExtended(OURS.ut_pex, telling(late))
    await clock.advance(TWO_MINUTES / 2)
    const said = await saidUntilNow(peer)
    const handshakes = said.filter(({ id }) => id === 0).map(({ payload }) => payload.toString('latin1'))
    expect(handshakes.at(-1)).to.contain('6:ut_pexi0e')
    expect(said.map(({ id }) => id)).to.not.include(THEIRS.ut_pex)
    expect(late.peers).to.have.length(0)
    expect(torrent.sources().map(({ source }) => source)).to.not.include('pex')
    await torrent.close()
  })

  for (const [what, torrentOf, isTold] of [
    ['from its file never offers peer exchange, though the peers do', made, false],
    ['is what this is not: an open one tells', open, true]
  ] as const) {
    it(what, async () => {
      const [one, other, late] = [await stranger(torrentOf), await stranger(torrentOf), await stranger(torrentOf)]
      const clock = new VirtualClock()
      const torrent = await openTorrent(torrentOf.torrent, quiet(clock, one, other))
      const [peer, second] = [await one.visitor(), await other.visitor()]
      await Promise.all([saidUntilNow(peer), saidUntilNow(second)])
      peer.sendExtended(OURS.ut_pex, telling(late))
      await clock.advance(TWO_MINUTES / 2)
      const said = await saidUntilNow(peer)
      expect(said.some(({ id }) => id === THEIRS.ut_pex)).to.equal(isTold)
      if (isTold) await late.visitor()
      else expect(late.peers).to.have.length(0)
      await torrent.close()
    })
  }
})
