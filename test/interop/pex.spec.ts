/** Peer exchange (BEP 11) with libtorrent, both ways. Each client has an address of its own. */
import { expect } from 'chai'
import { seedWithBtStream, startBtStream } from '../support/bt-stream-program.js'
import { freePort } from '../support/free-port.js'
import { needsSecondLoopback } from '../support/needs.js'
import { requireLibtorrent } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import type { Address, RealClient } from '../support/real-clients/real-client.js'
import { digest, singleFile, Workspace } from './content.js'

const text = ({ host, port }: Address): string => `${host}:${port}`
/** No peers but those given and told. */
const alone = ['--no-tracker', '--no-dht', '--no-lsd']
/** libtorrent says something about five seconds after it met somebody, and then once a minute; so do we. */
const PATIENCE_MS = 90_000

describe('peer exchange with libtorrent', function () {
  this.timeout(PATIENCE_MS + 30_000)
  const workspace = new Workspace()
  const running: RealClient[] = []

  before(async function () {
    requireLibtorrent(this)
    await needsSecondLoopback(this)
  })

  afterEach('stop them', async () => {
    await Promise.all(running.splice(0).map(client => client.stop()))
  })

  after(() => workspace.remove())

  async function start(
    host: string,
    torrentFile: string,
    options: { wants: libtorrent.Wants; dataDir?: string; peers?: Address[] }
  ) {
    const { wants, dataDir = workspace.folder(), peers = [] } = options
    const client = await libtorrent.exchange({ host, torrentFile, dataDir, workDir: workspace.folder(), wants, peers })
    running.push(client)
    return client
  }

  it('ours learns of a seeder from one who has nothing', async () => {
    const { torrentFile, infoHash } = workspace.torrent(singleFile)
    const seeder = await start('127.0.2.1', torrentFile, { wants: 'no peers', dataDir: workspace.content(singleFile) })
    const teller = await start('127.0.3.1', torrentFile, { wants: 'nothing', peers: [seeder.address] })
    for (const source of [torrentFile, `magnet:?xt=urn:btih:${infoHash}`]) {
      const listen = ['--host', '127.0.4.1', '--port', String(await freePort())]
      const program = startBtStream([source, ...listen, ...alone, '--peer', text(teller.address), '-v'])
      const { code } = await program.waitForExit(PATIENCE_MS)
      expect(code, program.output).to.equal(0)
      expect(digest(program.stdout)).to.equal(digest(singleFile.data))
      expect(program.output).to.contain(`connected to peer: ${text(seeder.address)}`)
    }
  })

  it('ours tells libtorrent of a seeder, and the two meet', async () => {
    const { torrentFile } = workspace.torrent(singleFile)
    const seeder = await start('127.0.2.1', torrentFile, { wants: 'all', dataDir: workspace.content(singleFile) })
    const learner = await start('127.0.3.1', torrentFile, { wants: 'slowly' })
    const peers = [seeder, learner].flatMap(({ address }) => ['--peer', text(address)])
    running.push(await seedWithBtStream(torrentFile, workspace.content(singleFile), [...alone, ...peers]))
    const met = await Promise.any([learner.metByPex(PATIENCE_MS), seeder.metByPex(PATIENCE_MS)])
    expect(met.replace(/:\d+$/, '')).to.be.oneOf(['127.0.2.1', '127.0.3.1'])
  })
})
