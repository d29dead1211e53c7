/** Ours finds peers by a tracker that other people wrote, over HTTP and over UDP. */
import { expect } from 'chai'
import { openTorrent } from '../../lib/index.js'
import { runBtStream, seedWithBtStream, startBtStream } from '../support/bt-stream-program.js'
import { freePort } from '../support/free-port.js'
import * as aria2 from '../support/real-clients/aria2.js'
import { requireProgram } from '../support/real-clients/available.js'
import { startOpentracker } from '../support/real-clients/opentracker.js'
import { becomes, digest, digestsIn, digestsOf, multiFile, singleFile, Workspace } from './content.js'

const PATIENCE_MS = 10_000

describe('finding peers by opentracker', () => {
  const workspace = new Workspace()

  before(function () {
    requireProgram(this, 'opentracker', 'opentracker')
  })

  after(() => workspace.remove())

  for (const [protocol, url] of [
    ['HTTP', 'httpUrl'],
    ['UDP', 'udpUrl']
  ] as const) {
    it(`two of ours meet over ${protocol}: one announces that it seeds, the other downloads`, async () => {
      const { infoHash } = workspace.torrent(multiFile)
      await using tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder() })
      const { torrentFile } = workspace.torrent(multiFile, [tracker[url]])
      await using seeder = await seedWithBtStream(torrentFile, workspace.content(multiFile))
      await tracker.waitForSeeders(infoHash, 1)
      const dir = workspace.folder()
      await runBtStream(['get', torrentFile, '-o', dir, '--no-dht', '--no-lsd'])
      expect(digestsIn(dir), `from port ${seeder.address.port}`).to.deep.equal(digestsOf(multiFile))
      // Though it left as soon as it had all.
      await becomes(() => tracker.scrape(infoHash), { complete: 1, incomplete: 0, downloaded: 1 })
    })

    it(`ours meets aria2 over ${protocol}`, async function () {
      requireProgram(this, 'aria2c', 'aria2')
      const { infoHash } = workspace.torrent(singleFile)
      await using tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder() })
      const torrent = workspace.torrent(singleFile, [tracker.httpUrl])
      await using seeder = await aria2.seed({
        torrents: [torrent],
        dataDir: workspace.content(singleFile),
        workDir: workspace.folder()
      })
      await tracker.waitForSeeders(infoHash, 1)
      const { torrentFile } = workspace.torrent(singleFile, [tracker[url]])
      const stdout = await runBtStream([torrentFile, '--no-dht', '--no-lsd'])
      expect(digest(stdout), `from port ${seeder.address.port}`).to.equal(digest(singleFile.data))
    })

    it(`ours are counted as what they are over ${protocol}: as they come, complete and leave`, async () => {
      const { infoHash } = workspace.torrent(multiFile)
      await using tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder() })
      const { torrentFile } = workspace.torrent(multiFile, [tracker[url]])
      const counts = (complete: number, incomplete: number, downloaded: number): Promise<void> =>
        becomes(() => tracker.scrape(infoHash), { complete, incomplete, downloaded })
      await counts(0, 0, 0)
      const seeder = await seedWithBtStream(torrentFile, workspace.content(multiFile))
      await counts(1, 0, 0)
      const options = { host: '127.0.0.1', port: 0, dht: false, lsd: false }
      const [first, second] = await Promise.all(
        [workspace.folder(), workspace.folder()].map(dir => openTorrent(torrentFile, { ...options, dir }))
      )
      try {
        await counts(1, 2, 0)
        await first?.download()
        await counts(2, 1, 1)
        await second?.close() // as somebody who changed his mind
        await counts(2, 0, 1)
        await seeder.stop()
        await counts(1, 0, 1)
      } finally {
        await Promise.all([first?.close(), second?.close(), seeder.stop()])
      }
      await counts(0, 0, 1)
    })

    it(`those whom a kill ended come back, and are counted once, over ${protocol}`, async () => {
      const { infoHash } = workspace.torrent(multiFile)
      await using tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder() })
      const { torrentFile } = workspace.torrent(multiFile, [tracker[url]])
      const again = ['seed', torrentFile, '--dir', workspace.content(multiFile), '--no-dht', '--no-lsd', '--json', '-v']
      const port = String(await freePort())
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        const program = startBtStream([...again, '--port', port])
        await program.waitForOutput(/"event":"tracker".*"state":"working"/, PATIENCE_MS)
        await becomes(() => tracker.scrape(infoHash), { complete: 1, incomplete: 0, downloaded: 0 })
        program.kill(signal)
        await program.exited
      }
      await becomes(() => tracker.scrape(infoHash), { complete: 0, incomplete: 0, downloaded: 0 })
    })
  }
})
