/** Ours downloads from clients that other people wrote: one file to stdout, and a folder to disk. */
import { expect } from 'chai'
import { runBtStream } from '../support/bt-stream-program.js'
import type { Address, RealClient } from '../support/real-clients/real-client.js'
import { digest, digestsIn, digestsOf, multiFile, singleFile, Workspace } from './content.js'
import { seeders } from './seeders.js'

describe('downloading from a real seeder', () => {
  const workspace = new Workspace()
  const starting = new Map<string, Promise<RealClient>>()
  let singleTorrent: string
  let multiTorrent: string

  before('start all of them', () => {
    const torrents = [workspace.torrent(singleFile), workspace.torrent(multiFile)] as const
    ;[singleTorrent, multiTorrent] = [torrents[0].torrentFile, torrents[1].torrentFile]
    const dataDir = workspace.content(singleFile, multiFile)
    for (const [name, { seed }] of Object.entries(seeders)) {
      const seeder = seed({ torrents, dataDir, workDir: workspace.folder() })
      seeder.catch(() => undefined) // its own suite waits for it and tells
      starting.set(name, seeder)
    }
  })

  after('stop them', async () => {
    await Promise.allSettled([...starting.values()].map(async seeder => (await seeder).stop()))
    workspace.remove()
  })

  for (const [name, { require }] of Object.entries(seeders)) {
    describe(name, () => {
      let address: Address | undefined

      before('wait until it seeds', async function () {
        require(this)
        address = (await starting.get(name))?.address
      })

      const fromIt = (): string[] => ['--no-discovery', '--peer', `${address?.host}:${address?.port}`]

      it('a single file to stdout, byte for byte', async () => {
        const stdout = await runBtStream([singleTorrent, ...fromIt()])
        expect(digest(stdout)).to.equal(digest(singleFile.data))
      })

      it('a folder to disk, byte for byte', async () => {
        const dir = workspace.folder()
        await runBtStream(['get', multiTorrent, '-o', dir, ...fromIt()])
        expect(digestsIn(dir)).to.deep.equal(digestsOf(multiFile))
      })
    })
  }
})
