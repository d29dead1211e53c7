import { expect } from 'chai'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { parseSavedNodes } from '../../lib/discovery/dht/saved-nodes.js'
import type { TorrentOptions } from '../../lib/options.js'
import { countPeers, openTorrent } from '../../lib/torrent-open.js'
import type { Torrent } from '../../lib/torrent.js'
import { makeTorrent, randomBytesSeeded, writeContent } from '../support/make-torrent.js'
import { noLeaks } from '../support/no-leaks.js'
import { until } from '../support/peer-bench.js'
import { rejection } from '../support/rejection.js'
import { SwarmBench } from '../support/swarm-bench.js'

const source = { name: 'film.bin', pieceLength: 32_768, data: randomBytesSeeded('dht', 300_000) }
const quiet: TorrentOptions = { host: '127.0.0.1', port: 0, trackers: false, peerTimeoutMs: 0, stallTimeoutMs: 0 }

describe('a swarm without a tracker', function () {
  let bench: SwarmBench
  let opened: Torrent[]
  /** A node that others enter the DHT by. */
  let entry = ''
  beforeEach(async () => {
    opened = []
    entry = ''
    bench = new SwarmBench(source)
    entry = await listening(await open(makeTorrent({ ...source, name: 'entry' }).torrent, node()))
  })
  afterEach(async () => {
    for (const torrent of opened) await torrent.close()
    await bench.close()
  })
  noLeaks(this)

  const node = (more: TorrentOptions['dht'] = {}): TorrentOptions => ({
    dht: { bootstrap: entry === '' ? [] : [entry], readOnly: false, sharesNetworks: true, ...(more as object) }
  })
  const open = async (what: string | Uint8Array, options: TorrentOptions): Promise<Torrent> => {
    const torrent = await openTorrent(what, { ...quiet, ...options })
    opened.push(torrent)
    return torrent
  }
  const listening = async (torrent: Torrent): Promise<string> => {
    const [port] = (await once(torrent, 'listening')) as [number]
    return `127.0.0.1:${port}`
  }
  const seeder = async (options: TorrentOptions = {}, made = bench.made): Promise<[Torrent, string]> => {
    const dir = bench.folder('seed')
    writeContent(dir, source)
    const torrent = await open(made.torrent, { ...node(), dir, readOnly: true, ...options })
    return [torrent, await listening(torrent)]
  }
  /** Resolves when others can find it. */
  const announced = async ([torrent]: readonly [Torrent, string]): Promise<void> => {
    await until(() => torrent.sources().some(({ state }) => /^DHT: [1-9]/.test(state)))
    await new Promise(resolve => setTimeout(resolve, 200))
  }

  it('is found by a magnet link alone', async () => {
    await announced(await seeder())
    const torrent = await open(`magnet:?xt=urn:btih:${bench.made.infoHash}`, node({ readOnly: true }))
    expect((await buffer(torrent.file(0).createReadStream())).equals(bench.made.content)).to.equal(true)
    const [state] = torrent.sources()
    expect(state).to.include({ source: 'dht', peers: 1 })
    expect(state?.state).to.match(/^DHT: [12] nodes?, 1 peer$/)
  })

  it('is entered by a node that the link names', async () => {
    await announced(await seeder())
    const link = `magnet:?xt=urn:btih:${bench.made.infoHash}&dht=${entry}`
    const torrent = await open(link, { dht: { bootstrap: [], sharesNetworks: true } })
    expect(torrent.name).to.equal(source.name)
  })

  it('is not announced by who may not be told of, but found by him', async () => {
    const priv = makeTorrent({ ...source, private: true })
    const [torrent] = await seeder({}, priv)
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(torrent.sources()).to.deep.equal([])
    const error = await rejection(
      open(`magnet:?xt=urn:btih:${priv.infoHash}`, { ...node({ readOnly: true }), peerTimeoutMs: 500 })
    )
    expect(error).to.have.property('code', 'ERR_BT_NO_PEERS')
    expect(error)
      .to.have.property('message')
      .that.matches(/DHT: \d nodes?, 0 peers/)
  })

  it('is left by a magnet link that turns out to be private, with all whom the DHT named', async () => {
    const priv = makeTorrent({ ...source, private: true })
    // Somebody announces it all the same: with the info-hash alone nobody knows.
    const dir = bench.folder('seed')
    writeContent(dir, source)
    const rogue = await open(priv.torrent, { ...quiet, dir, readOnly: true, dht: false })
    const address = await listening(rogue)
    const torrent = await open(`magnet:?xt=urn:btih:${priv.infoHash}`, { ...node(), peers: [address] })
    expect(torrent.metainfo.private).to.equal(true)
    await until(() => torrent.sources().length === 0)
    expect(torrent.sources().filter(({ source: name }) => name === 'dht')).to.deep.equal([])
  })

  it('is not looked for in a DHT that is off', async () => {
    await announced(await seeder())
    for (const options of [{ dht: false }, { ...node(), discovery: false }]) {
      const error = await rejection(
        open(`magnet:?xt=urn:btih:${bench.made.infoHash}`, { ...options, peerTimeoutMs: 300 })
      )
      expect(error.message).to.match(/off: .*(?:DHT|all discovery)/)
      expect(error.message).to.not.match(/DHT:/)
    }
  })

  it('is counted by who takes no part in it', async () => {
    await announced(await seeder())
    const leecher = await open(bench.made.torrent, node())
    await announced([leecher, await listening(leecher)])
    const options = { ...quiet, ...node({ readOnly: true }) }
    // Both of the swarm are at one address: whoever has all of it is one, and whoever has not.
    expect(await countPeers(bench.made.torrent, options)).to.deep.equal({ seeds: 1, leechers: 1 })
    expect(await countPeers(bench.made.infoHash, options)).to.deep.equal({ seeds: 1, leechers: 1 })
    expect(await countPeers('00'.repeat(20), options)).to.deep.equal({ seeds: 0, leechers: 0 })
  })

  it('is not counted when it is private, the DHT is off, or the caller wants it no more', async () => {
    const options = { ...quiet, ...node({ readOnly: true }) }
    expect(await countPeers(makeTorrent({ ...source, private: true }).torrent, options)).to.equal(undefined)
    expect(await countPeers(bench.made.infoHash, { ...options, dht: false })).to.equal(undefined)
    expect(await countPeers(bench.made.infoHash, { ...options, discovery: false })).to.equal(undefined)
    const controller = new AbortController()
    const counting = rejection(countPeers(bench.made.infoHash, { ...options, signal: controller.signal }))
    controller.abort()
    expect(await counting).to.have.property('code', 'ERR_BT_ABORTED')
  })

  it('is remembered: the nodes of one run enter the next, under the same name', async () => {
    await announced(await seeder())
    const nodesFile = bench.folder('cache/nodes')
    const first = await open(bench.made.infoHash, node({ nodesFile }))
    await first.close()
    expect(existsSync(nodesFile)).to.equal(true)
    const { ids } = parseSavedNodes(readFileSync(nodesFile))
    const second = await open(bench.made.infoHash, { dht: { bootstrap: [], nodesFile, sharesNetworks: true } })
    expect(second.name).to.equal(source.name)
    await second.close()
    expect(
      parseSavedNodes(readFileSync(nodesFile))
        .ids.get(4)
        ?.equals(ids.get(4) ?? Buffer.alloc(0))
    ).to.equal(true)
  })

  it('tells peers of nodes, and hears of theirs', async () => {
    const dht = { bootstrap: [], readOnly: false, sharesNetworks: true }
    const [one, address] = await seeder({ dht })
    const two = await open(bench.made.torrent, { dht, peers: [address] })
    await until(() => two.sources().some(({ state }) => state.startsWith('DHT: 1 node,')))
    await until(() => one.sources().some(({ state }) => state.startsWith('DHT: 1 node,')))
  })

  it('has nothing to ask on loopback that nobody named', async () => {
    const torrent = await open(bench.made.torrent, {})
    await listening(torrent)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(torrent.sources()).to.deep.equal([{ source: 'dht', peers: 0, state: 'DHT: 0 nodes, 0 peers' }])
  })
})
