/** Ours finds peers by a tracker that other people wrote, over HTTP and over UDP. */
import { expect } from 'chai'
import { runBtStream, seedWithBtStream } from '../support/bt-stream-program.js'
import * as aria2 from '../support/real-clients/aria2.js'
import { requireProgram } from '../support/real-clients/available.js'
import { startOpentracker } from '../support/real-clients/opentracker.js'
import { digest, digestsIn, digestsOf, multiFile, singleFile, Workspace } from './content.js'

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
  }
})
