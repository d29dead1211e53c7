/** Eight clients, two of them ours, each with an eighth of the pieces. Everybody gets all of it from all the others. */
import { expect } from 'chai'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBtStream } from '../support/bt-stream-program.js'
import { ChildProgram } from '../support/child-program.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { NetworkRoom } from '../support/network-room.js'
import { needsNetworkNamespaces } from '../support/needs.js'
import { requireProgram } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import { startOpentracker } from '../support/real-clients/opentracker.js'
import type { Place } from '../support/real-clients/real-client.js'
import { fileHolds, Workspace } from './content.js'
import { seeders, type Seeder } from './seeders.js'

const PATIENCE_MS = 55_000
const SOURCE = {
  name: 'swarm.bin',
  data: randomBytesSeeded('swarm', 8 * 1024 * 1024 + 4321),
  pieceLength: 64 * 1024
}
const API_PEER = fileURLToPath(new URL('../support/api-peer.js', import.meta.url))

/** Six clients that others wrote; one of them speaks nothing but RC4. */
const OTHERS: readonly Seeder['seed'][] = [
  ...Object.values(seeders).map(({ seed }) => seed),
  options => libtorrent.seed({ ...options, encryption: 'require' })
]

describe('a swarm of eight clients', function () {
  this.timeout(PATIENCE_MS + 30_000)
  const workspace = new Workspace()
  const running: { stop(): Promise<void> }[] = []
  let room: NetworkRoom | undefined

  before(function () {
    for (const { require } of Object.values(seeders)) require(this)
    requireProgram(this, 'opentracker', 'opentracker')
    needsNetworkNamespaces(this)
  })

  after(async () => {
    await Promise.all(running.map(each => each.stop()))
    room?.close()
    workspace.remove()
  })

  it('that start with different pieces: all of them finish', async () => {
    const { hostAt, netns } = (room = NetworkRoom.open(1 + OTHERS.length))
    const place: Place = { host: hostAt(1), netns }
    const { infoHash } = workspace.torrent(SOURCE)
    const tracker = await startOpentracker({ infoHashes: [infoHash], workDir: workspace.folder(), place })
    running.push({ stop: async () => tracker[Symbol.asyncDispose]() })
    const torrent = workspace.torrent(SOURCE, [tracker.httpUrl])
    // Each has every eighth piece. What `get` has another has as well, as it leaves when it has all.
    const has = (share: number, piece: number): boolean => piece % 8 === share || (share === 6 && piece % 8 === 7)
    const folders = Array.from({ length: 8 }, (_, share) => workspace.pieces(SOURCE, piece => has(share, piece)))

    const starting = OTHERS.map(async (start, index) => {
      const client = { torrents: [torrent], dataDir: folders[index] ?? '', workDir: workspace.folder(), isEmpty: true }
      running.push(await start({ ...client, place: { host: hostAt(2 + index), netns } }))
    })
    const [libraryDir = '', getDir = ''] = folders.slice(OTHERS.length)
    const library = [API_PEER, torrent.torrentFile, libraryDir]
    running.push(new ChildProgram(process.execPath, library, { name: 'ours as a library', netns }))
    const quiet = ['--port', '0', '--no-dht', '--no-lsd', '--json', '-v']
    const get = startBtStream(['get', torrent.torrentFile, '-o', getDir, '--overwrite', ...quiet], { netns })
    running.push(get)

    await Promise.all(starting)
    await Promise.all(folders.map(dir => fileHolds(join(dir, SOURCE.name), SOURCE.data, PATIENCE_MS)))
    expect((await get.waitForExit(PATIENCE_MS)).code, get.output).to.equal(0)
  })
})
