/** Clients that other people wrote download from ours. */
import { expect } from 'chai'
import { once } from 'node:events'
import { openTorrent } from '../../lib/torrent-open.js'
import { seedWithBtStream } from '../support/bt-stream-program.js'
import * as aria2 from '../support/real-clients/aria2.js'
import { requireLibtorrent, requireProgram } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import { startOpentracker } from '../support/real-clients/opentracker.js'
import { digestsIn, digestsOf, multiFile, singleFile, Workspace } from './content.js'

describe('seeding to a real client', () => {
  const workspace = new Workspace()

  after(() => workspace.remove())

  for (const [what, source] of Object.entries({ 'a single file': singleFile, 'a folder': multiFile })) {
    it(`libtorrent dials ours and downloads ${what}`, async function () {
      requireLibtorrent(this)
      const { torrentFile } = workspace.torrent(source)
      await using seeder = await seedWithBtStream(torrentFile, workspace.content(source), ['--no-tracker'])
      const dataDir = workspace.folder()
      await libtorrent.leech({ torrentFile, dataDir, peers: [seeder.address] })
      expect(digestsIn(dataDir)).to.deep.equal(digestsOf(source))
    })

    it(`aria2 finds ours by opentracker and downloads ${what}`, async function () {
      requireProgram(this, 'aria2c', 'aria2')
      requireProgram(this, 'opentracker', 'opentracker')
      const { infoHash } = workspace.torrent(source)
      await using tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder() })
      const { torrentFile } = workspace.torrent(source, [tracker.httpUrl])
      await using seeder = await seedWithBtStream(torrentFile, workspace.content(source))
      await tracker.waitForSeeders(infoHash, 1)
      const dataDir = workspace.folder()
      await aria2.leech({ torrentFile, dataDir })
      expect(digestsIn(dataDir), `from port ${seeder.address.port}`).to.deep.equal(digestsOf(source))
    })
  }

  it('libtorrent gets from a stream what it holds in memory', async function () {
    requireLibtorrent(this)
    const { torrentFile } = workspace.torrent(singleFile)
    await using seeder = await seedWithBtStream(torrentFile, workspace.content(singleFile), ['--no-tracker'])
    const { host, port } = seeder.address
    // Nor is libtorrent told of the seeder: on a busy machine it would get some of the pieces there.
    const quiet = { trackers: false, dht: false, lsd: false, pex: false, host: '127.0.0.1', port: 0 }
    const streamer = await openTorrent(torrentFile, { ...quiet, peers: [`${host}:${port}`] })
    try {
      const [ours] = (await once(streamer, 'listening')) as [number]
      for await (const chunk of streamer.file(0).createReadStream()) expect(chunk).to.not.have.length(0)
      const dataDir = workspace.folder()
      await libtorrent.leech({ torrentFile, dataDir, peers: [{ host: '127.0.0.1', port: ours }] })
      expect(digestsIn(dataDir)).to.deep.equal(digestsOf(singleFile))
      expect(streamer.stats().uploaded).to.equal(streamer.length)
    } finally {
      await streamer.close()
    }
  })
})
