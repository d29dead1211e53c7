/** What ours tells a tracker of bytes is true, to the byte: it is what libtorrent at the other end counts. */
import { expect } from 'chai'
import { openTorrent, type Torrent } from '../../lib/index.js'
import { FakeTracker } from '../support/fake-tracker.js'
import { requireLibtorrent } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import { becomes, singleFile, Workspace } from './content.js'

const { length } = singleFile.data
const ODD = (piece: number): boolean => piece % 2 === 1
/** Bytes of the odd pieces. The last of all is an even one, and short. */
const ODD_BYTES = Math.floor(length / singleFile.pieceLength / 2) * singleFile.pieceLength
const EVEN_BYTES = length - ODD_BYTES

describe('the figures that a tracker is told', () => {
  const workspace = new Workspace()
  const running: { stop(): Promise<void> }[] = []
  let tracker: FakeTracker

  before(function () {
    requireLibtorrent(this)
  })

  beforeEach(async () => {
    tracker = await FakeTracker.listen()
  })

  afterEach(async () => {
    await Promise.all(running.splice(0).map(each => each.stop()))
    await tracker.close()
  })

  after(() => workspace.remove())

  /** It knows nobody; ours hears of it from the tracker, as soon as ours has told that it is there. */
  async function startLibtorrent(dataDir: string) {
    const torrent = workspace.torrent(singleFile)
    const options = { torrents: [torrent], dataDir, workDir: workspace.folder(), isEmpty: true }
    const client = await libtorrent.seed(options)
    running.push(client)
    tracker.behaviour.peers = [client.address]
    return (sent: number, got: number) => becomes(() => client.payload(torrent.infoHash), { sent, got })
  }

  async function open(dir: string): Promise<Torrent> {
    const { torrentFile } = workspace.torrent(singleFile, [tracker.httpUrl])
    const quiet = { host: '127.0.0.1', port: 0, dht: false, lsd: false }
    const torrent = await openTorrent(torrentFile, { ...quiet, dir, overwrite: true })
    running.push({ stop: () => torrent.close() })
    return torrent
  }

  function told(): Record<string, unknown>[] {
    return tracker.announces.map(({ event, uploaded, downloaded, left }) => ({ event, uploaded, downloaded, left }))
  }

  it('are those of libtorrent, when each has what the other lacks', async () => {
    const counts = await startLibtorrent(workspace.pieces(singleFile, ODD))
    const torrent = await open(workspace.pieces(singleFile, piece => !ODD(piece)))
    await torrent.download()
    await counts(ODD_BYTES, EVEN_BYTES)
    await torrent.close()
    const [started, completed, ...rest] = told()
    expect(started).to.deep.equal({ event: 'started', uploaded: 0, downloaded: 0, left: ODD_BYTES })
    expect(completed).to.deep.include({ event: 'completed', downloaded: ODD_BYTES, left: 0 })
    expect(rest).to.deep.equal([{ event: 'stopped', uploaded: EVEN_BYTES, downloaded: ODD_BYTES, left: 0 }])
  })

  it('begin at zero in the next session, and tell nothing twice', async () => {
    const dir = workspace.folder()
    const fromIt = await startLibtorrent(workspace.content(singleFile))
    const first = await open(dir)
    await first.download()
    await fromIt(length, 0)
    await first.close()
    const toIt = await startLibtorrent(workspace.folder())
    const second = await open(dir)
    await toIt(0, length)
    await second.close()
    expect(told()).to.deep.equal([
      { event: 'started', uploaded: 0, downloaded: 0, left: length },
      { event: 'completed', uploaded: 0, downloaded: length, left: 0 },
      { event: 'stopped', uploaded: 0, downloaded: length, left: 0 },
      { event: 'started', uploaded: 0, downloaded: 0, left: 0 },
      { event: 'stopped', uploaded: length, downloaded: 0, left: 0 }
    ])
  })
})
