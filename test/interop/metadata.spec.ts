/** Magnet links between ours and clients that other people wrote: metadata (BEP 9) fetched from them, and given to them. */
import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { runBtStream, seedWithBtStream } from '../support/bt-stream-program.js'
import { FakeTracker } from '../support/fake-tracker.js'
import type { TorrentSource } from '../support/make-torrent.js'
import * as aria2 from '../support/real-clients/aria2.js'
import { requireLibtorrent, requireProgram } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import type { RealClient, TorrentOnDisk } from '../support/real-clients/real-client.js'
import { digest, singleFile, threePieces, twoFullPieces, Workspace } from './content.js'
import { seeders } from './seeders.js'

const sources: Readonly<Record<string, TorrentSource>> = {
  'one piece': singleFile,
  'three pieces, the last one short': threePieces,
  'two pieces, both full': twoFullPieces
}

/** The info dictionary, byte for byte. */
function infoIn(torrent: Buffer): string {
  return digest(parseMetainfo(torrent).infoBytes)
}

/** Nobody is asked for peers. */
const alone = ['--no-tracker', '--no-dht', '--no-lsd']

const linkTo = ({ infoHash }: TorrentOnDisk, rest = ''): string => `magnet:?xt=urn:btih:${infoHash}${rest}`

describe('metadata from a real client', () => {
  const workspace = new Workspace()
  const starting = new Map<string, Promise<RealClient>>()
  const torrents = new Map<string, TorrentOnDisk>()

  before('start all of them', () => {
    for (const [what, source] of Object.entries(sources)) torrents.set(what, workspace.torrent(source))
    const dataDir = workspace.content(...Object.values(sources))
    for (const [name, { seed }] of Object.entries(seeders)) {
      const seeder = seed({ torrents: [...torrents.values()], dataDir, workDir: workspace.folder() })
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
      let fromIt: string[] = []

      before('wait until it seeds', async function () {
        require(this)
        const address = (await starting.get(name))?.address
        fromIt = ['--no-discovery', '--peer', `${address?.host}:${address?.port}`]
      })

      for (const [what, source] of Object.entries(sources)) {
        // rTorrent 0.9.8 sends an empty piece in place of a last one that is full.
        if (name === 'rTorrent' && source === twoFullPieces) continue
        it(`in ${what}`, async () => {
          const torrent = torrents.get(what)
          if (!torrent) throw new Error(`no torrent with metadata in ${what}`)
          const saved = join(workspace.folder(), 'saved.torrent')
          await runBtStream(['info', torrent.infoHash, '--save', saved, ...fromIt])
          expect(infoIn(readFileSync(saved))).to.equal(infoIn(readFileSync(torrent.torrentFile)))
        })
      }

      it('and then the content, to stdout', async () => {
        const torrent = torrents.get('one piece')
        const stdout = await runBtStream([torrent ? linkTo(torrent) : '', ...fromIt])
        expect(digest(stdout)).to.equal(digest(singleFile.data))
      })
    })
  }
})

describe('metadata for a real client', () => {
  const workspace = new Workspace()

  after(() => workspace.remove())

  for (const [what, source] of Object.entries(sources)) {
    it(`libtorrent dials ours and gets ${what}`, async function () {
      requireLibtorrent(this)
      const torrent = workspace.torrent(source)
      await using seeder = await seedWithBtStream(torrent.torrentFile, workspace.content(source), alone)
      const fetched = await libtorrent.fetchMetadata({
        link: linkTo(torrent),
        peers: [seeder.address],
        workDir: workspace.folder()
      })
      expect(infoIn(fetched)).to.equal(infoIn(readFileSync(torrent.torrentFile)))
    })

    it(`aria2 finds ours by a tracker and gets ${what}`, async function () {
      requireProgram(this, 'aria2c', 'aria2')
      const torrent = workspace.torrent(source)
      await using seeder = await seedWithBtStream(torrent.torrentFile, workspace.content(source), alone)
      const tracker = await FakeTracker.listen({ peers: [seeder.address] })
      try {
        const link = linkTo(torrent, `&tr=${encodeURIComponent(tracker.httpUrl)}`)
        const fetched = await aria2.fetchMetadata({ link, workDir: workspace.folder() })
        expect(infoIn(fetched)).to.equal(infoIn(readFileSync(torrent.torrentFile)))
      } finally {
        await tracker.close()
      }
    })
  }
})
