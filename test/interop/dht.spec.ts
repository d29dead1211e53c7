/** The DHT (BEP 5, 32) with libtorrent's nodes, aria2 and Transmission. Each IPv4 node has an address of its own: libtorrent keeps one of a /24. */
import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { formatPeerAddress } from '../../lib/wire/peer-address.js'
import { runBtStream, seedWithBtStream, startBtStream } from '../support/bt-stream-program.js'
import { freePort } from '../support/free-port.js'
import { NetworkRoom } from '../support/network-room.js'
import { needsIpv6Loopback, needsNetworkNamespaces, needsSecondLoopback } from '../support/needs.js'
import * as aria2 from '../support/real-clients/aria2.js'
import { requireLibtorrent, requireProgram } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import * as transmission from '../support/real-clients/transmission.js'
import type { Address } from '../support/real-clients/real-client.js'
import { digest, digestsIn, digestsOf, multiFile, singleFile, threePieces, Workspace } from './content.js'

const text = (address: Address | undefined): string => (address ? formatPeerAddress(address) : 'none')
/** Transmission announces a torrent within a minute and a half. */
const TRANSMISSION_MS = 170_000
/** Nobody but the DHT is asked for peers. */
const alone = ['--no-tracker', '--no-lsd', '--no-pex']

describe("the DHT of libtorrent's nodes", function () {
  this.timeout(180_000)
  const workspace = new Workspace()

  before(async function () {
    requireLibtorrent(this)
    await needsSecondLoopback(this)
  })

  after(() => workspace.remove())

  it('a magnet link is resolved, played and its seeder counted by the DHT alone: 60 nodes, one seeder', async () => {
    const { torrentFile, infoHash } = workspace.torrent(singleFile)
    await using dht = await libtorrent.startDht({
      count: 60,
      torrentFiles: [torrentFile],
      dataDir: workspace.content(singleFile),
      workDir: workspace.folder()
    })
    const listen = ['--host', '127.0.5.1', '--port', String(await freePort())]
    const entry = ['--dht-bootstrap', text(dht.nodes[17])]
    const stdout = await runBtStream([`magnet:?xt=urn:btih:${infoHash}`, ...listen, ...entry, ...alone])
    expect(digest(stdout)).to.equal(digest(singleFile.data))
    const counted = await runBtStream(['info', torrentFile, '--count', '--json', ...listen, ...entry])
    expect(JSON.parse(counted.toString())).to.have.property('peers').that.includes({ seeds: 1 })
  })

  it('a torrent that ours seeds is found there by aria2', async function () {
    requireProgram(this, 'aria2c', 'aria2')
    const { torrentFile, infoHash } = workspace.torrent(singleFile)
    await using dht = await libtorrent.startDht({ count: 12, workDir: workspace.folder() })
    const options = ['--host', '127.0.6.1', '--dht-bootstrap', text(dht.nodes[3]), ...alone]
    await using seeder = await seedWithBtStream(torrentFile, workspace.content(singleFile), options)
    const link = `magnet:?xt=urn:btih:${infoHash}`
    const [, entry] = dht.nodes
    if (!entry) throw new Error('no node')
    const fetched = await aria2.fetchMetadata({
      link,
      workDir: workspace.folder(),
      dhtEntry: entry,
      timeoutMs: 120_000
    })
    expect(parseMetainfo(fetched).infoHash.toString('hex'), seeder.name).to.equal(infoHash)
  })

  it('ours, the only node, keeps what libtorrent announces and answers libtorrent and aria2', async function () {
    requireProgram(this, 'aria2c', 'aria2')
    const other = workspace.torrent(multiFile)
    const options = ['--host', '127.0.7.1', '--dht-bootstrap', 'none', ...alone]
    await using ours = await seedWithBtStream(other.torrentFile, workspace.content(multiFile), options)
    const node = { host: '127.0.7.1', port: ours.address.port }
    const { torrentFile, infoHash } = workspace.torrent(singleFile)
    // Ready when libtorrent's own lookup, which enters at ours, found the seeder.
    await using dht = await libtorrent.startDht({
      count: 0,
      entry: node,
      torrentFiles: [torrentFile],
      dataDir: workspace.content(singleFile),
      workDir: workspace.folder()
    })
    const link = `magnet:?xt=urn:btih:${infoHash}`
    const fetched = await aria2.fetchMetadata({ link, workDir: workspace.folder(), dhtEntry: node, timeoutMs: 120_000 })
    expect(digest(parseMetainfo(fetched).infoBytes), text(dht.seeder)).to.equal(
      digest(parseMetainfo(readFileSync(torrentFile)).infoBytes)
    )
  })
})

describe("the IPv6 DHT of libtorrent's nodes", function () {
  this.timeout(120_000)
  const workspace = new Workspace()

  before(async function () {
    requireLibtorrent(this)
    await needsIpv6Loopback(this)
  })

  after(() => workspace.remove())

  it('resolves a magnet link, and the torrent is played', async () => {
    const { torrentFile, infoHash } = workspace.torrent(singleFile)
    await using dht = await libtorrent.startDht({
      count: 1,
      host: '::1',
      torrentFiles: [torrentFile],
      dataDir: workspace.content(singleFile),
      workDir: workspace.folder()
    })
    const listen = ['--host', '::1', '--port', String(await freePort())]
    const entry = ['--dht-bootstrap', text(dht.nodes[0])]
    const stdout = await runBtStream([`magnet:?xt=urn:btih:${infoHash}`, ...listen, ...entry, ...alone])
    expect(digest(stdout)).to.equal(digest(singleFile.data))
  })

  it('enters at ours, the only other node, which keeps what it announces', async () => {
    const other = workspace.torrent(multiFile)
    const options = ['--host', '::1', '--dht-bootstrap', 'none', ...alone]
    await using ours = await seedWithBtStream(other.torrentFile, workspace.content(multiFile), options)
    const { torrentFile } = workspace.torrent(singleFile)
    // Ready when libtorrent's own lookup found the seeder at ours.
    await using dht = await libtorrent.startDht({
      count: 0,
      host: '::1',
      entry: { host: '::1', port: ours.address.port },
      torrentFiles: [torrentFile],
      dataDir: workspace.content(singleFile),
      workDir: workspace.folder()
    })
    expect(dht.seeder?.host).to.equal('::1')
  })
})

describe('a DHT with Transmission', function () {
  this.timeout(2 * TRANSMISSION_MS)
  const NODES = 12
  const [TRANSMISSION, SEEDER, GETTER] = [NODES + 1, NODES + 2, NODES + 3]
  const prefix = '10.78'
  const workspace = new Workspace()
  let room: NetworkRoom | undefined

  before(function () {
    requireLibtorrent(this)
    requireProgram(this, 'transmission-daemon', 'transmission-daemon')
    requireProgram(this, 'ip', 'iproute2')
    needsNetworkNamespaces(this)
  })

  after(() => {
    room?.close()
    workspace.remove()
  })

  it('finds ours there, and ours finds it', async () => {
    room = NetworkRoom.open(GETTER, prefix)
    const { netns, hostAt } = room
    const within = { netns, prefix }
    await using dht = await libtorrent.startDht({ count: NODES, within, workDir: workspace.folder() })
    const [its, ours] = [workspace.torrent(singleFile), workspace.torrent(threePieces)]
    const options = (place: number): string[] => [
      ...['--host', hostAt(place), '--port', '7000'],
      ...['--dht-bootstrap', text(dht.nodes[place % NODES]), '--json', ...alone]
    ]
    const folder = workspace.content(threePieces)
    const seeder = startBtStream(['seed', ours.torrentFile, '--dir', folder, ...options(SEEDER)], { netns })
    await seeder.waitForOutput(/"event":"listening"/, 15_000)
    const dataDir = workspace.content(singleFile)
    await using other = transmission.startInDht({
      place: { host: hostAt(TRANSMISSION), netns },
      nodes: dht.nodes,
      torrentFiles: [its.torrentFile, ours.torrentFile],
      dataDir,
      workDir: workspace.folder()
    })
    const link = `magnet:?xt=urn:btih:${its.infoHash}`
    const getter = startBtStream([link, '--peer-timeout', '0', ...options(GETTER)], { netns })
    const [{ code }] = await Promise.all([
      getter.waitForExit(TRANSMISSION_MS),
      other.completed(threePieces.name, TRANSMISSION_MS)
    ])
    expect(code, getter.error('the magnet link').message).to.equal(0)
    expect(digest(getter.stdout)).to.equal(digest(singleFile.data))
    expect(digestsIn(dataDir)).to.deep.include.members(digestsOf(threePieces))
    await seeder.stop()
  })
})
