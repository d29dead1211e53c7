/** The fast extension (BEP 6) with libtorrent, in both roles: what a relay between the two saw. */
import { expect } from 'chai'
import { once } from 'node:events'
import { openTorrent, type TorrentOptions } from '../../lib/index.js'
import { parsePeerAddress } from '../../lib/wire/peer-address.js'
import type { WireMessage } from '../../lib/wire/message.js'
import { WireReader } from '../../lib/wire/wire-reader.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { requireLibtorrent } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import { RecordingRelay } from '../support/recording-relay.js'
import { becomes, digest, digestsIn, digestsOf, Workspace } from './content.js'

/** So slow that requests wait: only then is there something to take back. */
const LIMIT = 300_000
const SOURCE = { name: 'fast.bin', data: randomBytesSeeded('fast', 1024 * 1024 + 4321), pieceLength: 64 * 1024 }
const BITFIELD_LENGTH = 3
const quiet: TorrentOptions = { host: '127.0.0.1', port: 0, dht: false, lsd: false, trackers: false, encryption: 'off' }

describe('the fast extension with libtorrent', () => {
  const workspace = new Workspace()
  let relay: RecordingRelay | undefined

  before(function () {
    requireLibtorrent(this)
  })

  afterEach(() => relay?.close())

  after(() => workspace.remove())

  /** What either side said, of the only connection. */
  function said(who: 'there' | 'back'): WireMessage[] {
    expect(relay?.connections).to.have.length(1)
    return messagesIn(relay?.connections[0]?.[who] ?? [])
  }

  it('as a seeder: it has all, names pieces that ours may have while choked, and rejects what ours takes back', async () => {
    const torrent = workspace.torrent(SOURCE)
    const dataDir = workspace.content(SOURCE)
    const options = {
      torrents: [torrent],
      dataDir,
      workDir: workspace.folder(),
      encryption: 'off',
      uploadLimit: LIMIT
    } as const
    await using seeder = await libtorrent.seed(options)
    relay = await RecordingRelay.to(`${seeder.address.host}:${seeder.address.port}`)
    const ours = await openTorrent(torrent.torrentFile, { ...quiet, peers: [relay.address] })
    try {
      const reader = ours.file(0).createReadStream()
      await once(reader, 'data')
      reader.destroy()
      await becomes(() => count(said('back'), 'reject') > 0, true)
      expect(digest(Buffer.concat(await ours.file(0).createReadStream().toArray()))).to.equal(digest(SOURCE.data))
    } finally {
      await ours.close()
    }
    expectFastTalk(said('there'), said('back'))
  })

  it('as a downloader: it has nothing, and ours names pieces, and rejects what it takes back', async () => {
    const { torrentFile } = workspace.torrent(SOURCE)
    const dir = workspace.content(SOURCE)
    const ours = await openTorrent(torrentFile, { ...quiet, dir, readOnly: true, uploadLimit: LIMIT })
    try {
      const [port] = (await once(ours, 'listening')) as [number]
      await ours.ready()
      relay = await RecordingRelay.to(`127.0.0.1:${port}`)
      const dataDir = workspace.folder()
      const address = parsePeerAddress(relay.address)
      await libtorrent.leech({
        torrentFile,
        dataDir,
        peers: address ? [address] : [],
        encryption: 'off',
        isFickle: true
      })
      expect(digestsIn(dataDir)).to.deep.equal(digestsOf(SOURCE))
    } finally {
      await ours.close()
    }
    expectFastTalk(said('there'), said('back'))
  })
})

function messagesIn(chunks: readonly Buffer[]): WireMessage[] {
  const reader = new WireReader(BITFIELD_LENGTH)
  for (const chunk of chunks) reader.push(chunk)
  const messages: WireMessage[] = []
  for (let message = reader.next(); message; message = reader.next()) messages.push(message)
  return messages
}

/** BEP 6: > The Fast Extension is enabled by setting the third least significant bit of the last reserved byte. */
function speaksFast([handshake]: readonly WireMessage[]): boolean {
  return handshake?.type === 'handshake' && ((handshake.reserved[7] ?? 0) & 0x04) !== 0
}

/** BEP 6, between one who has nothing and one who has all. */
function expectFastTalk(taker: readonly WireMessage[], giver: readonly WireMessage[]): void {
  for (const side of [taker, giver]) {
    expect(speaksFast(side)).to.equal(true)
    expect(count(side, 'bitfield')).to.equal(0)
  }
  expect([count(taker, 'haveNone'), count(giver, 'haveAll')]).to.deep.equal([1, 1])
  expect(count(giver, 'allowedFast')).to.be.within(1, 10)
  expect(count(giver, 'reject')).to.be.within(1, count(taker, 'cancel'))
  // > every request is guaranteed to result in EXACTLY ONE response which is either the corresponding reject or corresponding piece message.
  expect(count(giver, 'block') + count(giver, 'reject')).to.equal(count(taker, 'request'))
}

function count(messages: readonly WireMessage[], type: WireMessage['type']): number {
  return messages.filter(message => message.type === type).length
}
