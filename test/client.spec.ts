import { expect } from 'chai'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { Client, type ClientOptions } from '../lib/client.js'
import { DIAL_BURST, DIALS_PER_SECOND } from '../lib/limits.js'
import type { Torrent } from '../lib/torrent.js'
import { FakeTracker } from './support/fake-tracker.js'
import { makeTorrent, randomBytesSeeded } from './support/make-torrent.js'
import { noLeaks } from './support/no-leaks.js'
import { until } from './support/peer-bench.js'
import { rejection } from './support/rejection.js'
import { SwarmBench } from './support/swarm-bench.js'

const MIB = 2 ** 20
const LOCAL: ClientOptions = { host: '127.0.0.1', port: 0 }
const QUIET = { trackers: false, peerTimeoutMs: 0, stallTimeoutMs: 0 }

describe('a client', function () {
  let benches: SwarmBench[]
  let clients: Client[]
  beforeEach(() => {
    clients = []
    benches = ['one', 'two', 'three'].map(
      name => new SwarmBench({ name, pieceLength: 32_768, data: randomBytesSeeded(name, 300_000) })
    )
  })
  afterEach(async () => {
    for (const client of clients) await client.close()
    for (const bench of benches) await bench.close()
  })
  noLeaks(this)

  const client = (options: ClientOptions = {}): Client => {
    const made = new Client({ ...LOCAL, ...options })
    clients.push(made)
    return made
  }
  /** Downloads all torrents from seeders of their own. */
  const complete = async (ours: Client): Promise<Torrent[]> => {
    return await Promise.all(
      benches.map(async bench => {
        const [address] = await bench.seed()
        const torrent = await ours.add(bench.made.torrent, { ...QUIET, dir: bench.folder('got'), peers: [address] })
        await torrent.download()
        return torrent
      })
    )
  }

  it('has all its torrents on one port, each peer at the one it wants', async () => {
    const ours = client()
    await complete(ours)
    const other = client()
    for (const { made } of benches) {
      const torrent = await other.add(made.infoHash, { ...QUIET, peers: [`127.0.0.1:${ours.port}`] })
      expect((await buffer(torrent.file(0).createReadStream())).equals(made.content)).to.equal(true)
    }
    expect(ours.torrents.map(({ infoHash }) => infoHash)).to.have.members(benches.map(({ made }) => made.infoHash))
  })

  it('has limits for all of them together, which can be changed', async () => {
    const ours = client({ downloadLimit: 600_000 })
    const startedAt = performance.now()
    await complete(ours)
    expect(performance.now() - startedAt, '900,000 bytes').to.be.within(1000, 5000)
    ours.setLimits({ download: 0, upload: 5 })
    expect(ours.limits).to.deep.equal({ download: 0, upload: 5 })
  })

  it('shares its memory among them, as they come and go', async () => {
    const ours = client({ maxMemory: 12 * MIB })
    const torrents = []
    for (const { made } of benches) torrents.push(await ours.add(made.torrent, QUIET))
    expect(torrents.map(({ maxMemory }) => maxMemory)).to.deep.equal([4 * MIB, 4 * MIB, 4 * MIB])
    await torrents[1]?.close()
    expect(ours.torrents).to.deep.equal([torrents[0], torrents[2]])
    expect(torrents[0]?.maxMemory).to.equal(6 * MIB)
  })

  it('gives a torrent at least two of its pieces', async () => {
    const torrent = await client({ maxMemory: 1 }).add(benches[0]?.made.torrent ?? '', QUIET)
    expect(torrent.maxMemory).to.equal(65_536)
  })

  it('refuses a torrent that it has, also as a magnet link and while it is opened', async () => {
    const ours = client()
    const { made } = benches[0] ?? expect.fail()
    const first = ours.add(made.torrent, QUIET)
    await first
    for (const source of [made.torrent, made.infoHash, `magnet:?xt=urn:btih:${made.infoHash}`])
      expect(await rejection(ours.add(source, QUIET))).to.have.property('code', 'ERR_BT_DUPLICATE')
    const second = benches[1]?.made.infoHash ?? ''
    const opening = rejection(ours.add(second, QUIET))
    expect(await rejection(ours.add(second, QUIET))).to.have.property('code', 'ERR_BT_DUPLICATE')
    await ours.close()
    expect(await opening).to.have.property('code', 'ERR_BT_ABORTED')
  })

  it('lets a torrent be closed and added again', async () => {
    const ours = client()
    const { made } = benches[0] ?? expect.fail()
    const torrent = await ours.add(made.torrent, QUIET)
    expect(ours.get(made.infoHash.toUpperCase())).to.equal(torrent)
    await torrent.close()
    expect(ours.get(made.infoHash)).to.equal(undefined)
    await ours.add(made.torrent, QUIET)
  })

  it('takes nothing more once it is closed, by its signal too', async () => {
    const abort = new AbortController()
    const ours = client({ signal: abort.signal })
    const torrent = await ours.add(benches[0]?.made.torrent ?? '', QUIET)
    const closed = once(torrent, 'close')
    abort.abort()
    await closed
    expect(await rejection(ours.add(benches[1]?.made.torrent ?? '', QUIET))).to.have.property('code', 'ERR_BT_ABORTED')
  })

  it('pauses a torrent and goes on with it', async () => {
    const bench = benches[0] ?? expect.fail()
    const seeder = await bench.fakeSeeder()
    const torrent = await client().add(bench.made.torrent, { ...QUIET, peers: [seeder.address] })
    await once(torrent, 'peer')
    await torrent.pause()
    expect(torrent.isPaused).to.equal(true)
    await until(() => torrent.stats().peers === 0 || undefined)
    const reader = torrent.file(0).createReadStream()
    const content = buffer(reader)
    // The reader waits, and nobody is dialled for it.
    const reached = await Promise.race([
      once(torrent, 'peer').then(() => 'dialled'),
      new Promise(resolve => setTimeout(resolve, 300))
    ])
    expect(reached).to.equal(undefined)
    torrent.resume()
    expect((await content).equals(bench.made.content)).to.equal(true)
  })

  it('goes on with the others while torrents are added, paused, resumed and closed', async () => {
    const ours = client()
    const steady = benches[0] ?? expect.fail()
    const [address] = await steady.seed()
    const torrent = await ours.add(steady.made.torrent, { ...QUIET, peers: [address], downloadLimit: 400_000 })
    const content = buffer(torrent.file(0).createReadStream())
    const progress = { isDone: false }
    void content.then(() => (progress.isDone = true))
    let rounds = 0
    while (!progress.isDone) {
      for (const { made } of benches.slice(1)) {
        const other = await ours.add(made.torrent, { ...QUIET, peers: ['127.0.0.1:1'] })
        await other.pause()
        other.resume()
        // Lets what else goes on go on.
        await new Promise(resolve => setImmediate(resolve))
        await other.close()
      }
      rounds++
    }
    expect((await content).equals(steady.made.content)).to.equal(true)
    expect(rounds).to.be.above(2)
    expect(ours.torrents).to.deep.equal([torrent])
  })

  describe('of 20 torrents', function () {
    this.timeout(30_000)
    let tracker: FakeTracker
    beforeEach(async () => {
      tracker = await FakeTracker.listen()
    })
    afterEach(() => tracker.close())

    const addTwenty = async (ours: Client): Promise<void> => {
      const trackers = [[tracker.httpUrl], [tracker.udpUrl]]
      const options = { ...QUIET, trackers: true, dht: false, lsd: false }
      for (let i = 0; i < 20; i++) {
        const { torrent } = makeTorrent({
          name: `t${i}`,
          pieceLength: 32_768,
          data: randomBytesSeeded(`t${i}`, 40_000),
          trackers
        })
        await ours.add(torrent, options)
      }
      const isWorking = (torrent: Torrent): boolean =>
        torrent.trackers().filter(({ state }) => state === 'working').length === trackers.length
      await until(() => ours.torrents.every(isWorking))
    }

    it('tells both trackers of each that it leaves', async () => {
      const ours = client()
      await addTwenty(ours)
      const startedAt = performance.now()
      await ours.close()
      expect(performance.now() - startedAt).to.be.below(5000)
      for (const protocol of ['http', 'udp']) {
        const stopped = tracker.announces.filter(each => each.protocol === protocol && each.event === 'stopped')
        expect(new Set(stopped.map(({ infoHash }) => infoHash)).size, protocol).to.equal(20)
      }
    })

    it('closes within 5 s when their trackers have died', async () => {
      const ours = client()
      await addTwenty(ours)
      tracker.behaviour.silent = true
      const startedAt = performance.now()
      await ours.close()
      expect(performance.now() - startedAt).to.be.within(1000, 5000)
    })

    it('closes within 5 s when nothing listens where their trackers were', async () => {
      const ours = client()
      await addTwenty(ours)
      await tracker.close()
      const startedAt = performance.now()
      await ours.close()
      expect(performance.now() - startedAt).to.be.below(5000)
    })

    it('dials no more than one would', async () => {
      const ours = client()
      let failed = 0
      const peers = Array.from({ length: 50 }, (_, i) => `127.0.0.1:${1 + i}`)
      const startedAt = performance.now()
      for (let i = 0; i < 20; i++) {
        const { torrent } = makeTorrent({
          name: `t${i}`,
          pieceLength: 32_768,
          data: randomBytesSeeded(`t${i}`, 40_000)
        })
        const opened = await ours.add(torrent, { ...QUIET, discovery: false, peers })
        opened.on('dialFailed', () => failed++)
      }
      await new Promise(resolve => setTimeout(resolve, 2500))
      const seconds = (performance.now() - startedAt) / 1000
      expect(failed).to.be.within(DIAL_BURST + DIALS_PER_SECOND, DIAL_BURST + DIALS_PER_SECOND * seconds)
    })
  })

  it('refuses options that make no sense at once', () => {
    expect(() => new Client({ port: -1 }))
      .to.throw()
      .with.property('code', 'ERR_BT_OPTION')
  })
})
