/**
 * Encryption required, allowed and off, with clients that other people wrote: each as seeder and as downloader, whoever dials. What went
 * well with `require` on either side went by RC4, as nothing else is taken there.
 */
import { expect } from 'chai'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runBtStream, seedWithBtStream, startBtStream } from '../support/bt-stream-program.js'
import { freePort } from '../support/free-port.js'
import { startOpentracker } from '../support/real-clients/opentracker.js'
import { requireProgram } from '../support/real-clients/available.js'
import type { Encryption, RealClient } from '../support/real-clients/real-client.js'
import { digest, singleFile, Workspace } from './content.js'
import { seeders } from './seeders.js'

const PATIENCE_MS = 60_000
/** What ours is told, by what the other side is told. The first goes well with nothing but what the other side wants. */
const OURS: Readonly<Record<Encryption, readonly string[]>> = {
  off: ['off', 'allow', 'prefer'],
  allow: ['off', 'allow', 'prefer', 'require'],
  require: ['require', 'allow', 'prefer']
}
const IN_VAIN: Readonly<Record<Encryption, string | undefined>> = { off: 'require', allow: undefined, require: 'off' }

describe('encryption', function () {
  this.timeout(PATIENCE_MS + 30_000)
  const workspace = new Workspace()
  after(() => workspace.remove())

  for (const [name, { require, seed, encryptions, isShy = false }] of Object.entries(seeders)) {
    for (const encryption of encryptions) {
      describe(`'${encryption}' at ${name}`, () => {
        const running: RealClient[] = []
        before(function () {
          require(this)
        })
        afterEach('stop them', async () => {
          await Promise.all(running.splice(0).map(client => client.stop()))
        })

        /** Starts the client; `isEmpty`: to download. */
        async function start(isEmpty: boolean, trackers?: string[]) {
          const torrent = workspace.torrent(singleFile, trackers)
          const dataDir = isEmpty ? workspace.folder() : workspace.content(singleFile)
          const options = { torrents: [torrent], dataDir, workDir: workspace.folder(), encryption, isEmpty }
          const client = await seed(options)
          running.push(client)
          return { client, dataDir, peer: `${client.address.host}:${client.address.port}`, ...torrent }
        }

        it('seeds to ours, which dials', async () => {
          const { peer, torrentFile } = await start(false)
          for (const ours of OURS[encryption]) {
            const stdout = await runBtStream([torrentFile, '--no-discovery', '--peer', peer, '--encryption', ours])
            expect(digest(stdout), ours).to.equal(digest(singleFile.data))
          }
          const inVain = IN_VAIN[encryption]
          if (inVain === undefined) return
          const only = ['--no-discovery', '--peer', peer, '--encryption', inVain, '--peer-timeout', '3']
          const program = startBtStream([torrentFile, ...only])
          expect((await program.waitForExit(PATIENCE_MS)).code, program.output).to.equal(4)
        })

        it('downloads from ours, which dials', async () => {
          const { peer, torrentFile, dataDir } = await start(true)
          const ours = await seedWithBtStream(torrentFile, workspace.content(singleFile), [
            ...['--no-tracker', '--peer', peer, '--encryption', OURS[encryption][0] ?? '']
          ])
          running.push(ours)
          await downloaded(dataDir)
        })

        it('dials ours and downloads from it', async function () {
          if (isShy) this.skip()
          requireProgram(this, 'opentracker', 'opentracker')
          const { infoHash } = workspace.torrent(singleFile)
          await using tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder() })
          const { torrentFile } = workspace.torrent(singleFile, [tracker.httpUrl])
          const ours = OURS[encryption][0] ?? ''
          running.push(await seedWithBtStream(torrentFile, workspace.content(singleFile), ['--encryption', ours]))
          await tracker.waitForSeeders(infoHash, 1)
          const { dataDir } = await start(true, [tracker.httpUrl])
          await downloaded(dataDir)
        })

        it('dials ours and seeds to it', async function () {
          if (isShy) this.skip()
          requireProgram(this, 'opentracker', 'opentracker')
          const { infoHash } = workspace.torrent(singleFile)
          await using tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder() })
          const { torrentFile } = workspace.torrent(singleFile, [tracker.httpUrl])
          const quiet = ['--no-dht', '--no-lsd', '--json', '-v', '--port', String(await freePort())]
          const ours = startBtStream([torrentFile, '--encryption', OURS[encryption][0] ?? '', ...quiet])
          try {
            // It asked the tracker before anybody was there, and does so again in minutes only.
            await ours.waitForOutput(/"event":"tracker".*"state":"working"/, PATIENCE_MS)
            await start(false, [tracker.httpUrl])
            expect((await ours.waitForExit(PATIENCE_MS)).code, ours.output).to.equal(0)
            expect(digest(ours.stdout)).to.equal(digest(singleFile.data))
            expect(ours.output).to.match(/"event":"peer".*"isIncoming":true/)
          } finally {
            await ours.stop()
          }
        })
      })
    }
  }
})

/** Resolves when the file is there and whole: few clients tell. */
async function downloaded(dataDir: string): Promise<void> {
  const path = join(dataDir, singleFile.name)
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const found = existsSync(path) ? digest(readFileSync(path)) : 'nothing'
    if (found === digest(singleFile.data)) return
    if (performance.now() > until) expect(found).to.equal(digest(singleFile.data))
    await delay(200)
  }
}
