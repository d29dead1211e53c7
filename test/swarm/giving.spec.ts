/** What ours give: to many at once, from memory, within limits, a piece at a time; and whom they leave. */
import { expect } from 'chai'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { CHOKER_ROUND_MS, MIN_UPLOAD_SLOTS } from '../../lib/limits.js'
import { TransferLimits } from '../../lib/transport/transfer-limits.js'
import type { Torrent } from '../../lib/torrent.js'
import type { TorrentOptions } from '../../lib/options.js'
import { FakePeer, ID } from '../support/fake-peer.js'
import { FakeTracker } from '../support/fake-tracker.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { noLeaks } from '../support/no-leaks.js'
import { until } from '../support/peer-bench.js'
import { SwarmBench } from '../support/swarm-bench.js'

const MiB = 2 ** 20
const single = (length: number, pieceLength: number) => ({
  name: 'given.bin',
  data: randomBytesSeeded('given', length),
  pieceLength
})

describe('a torrent gives', function () {
  let bench: SwarmBench
  afterEach(() => bench.close())

  /** A torrent that others can connect to, and its address. */
  const open = async (options: TorrentOptions): Promise<[torrent: Torrent, address: string]> => {
    const torrent = await bench.open({ dht: false, lsd: false, ...options })
    const [port] = (await once(torrent, 'listening')) as [number]
    return [torrent, `127.0.0.1:${port}`]
  }
  const read = async (torrent: Torrent): Promise<Buffer> => await buffer(torrent.file(0).createReadStream())

  it('to 50 at once, and all get it', async () => {
    bench = new SwarmBench(single(2 * MiB, 65_536))
    const [address, seed] = await bench.seed()
    const leechers = await Promise.all(Array.from({ length: 50 }, () => bench.leech([address])))
    const all = await Promise.all(leechers.map(read))
    for (const bytes of all) expect(bytes.equals(bench.made.content)).to.equal(true)
    const { uploaded } = seed.stats()
    expect(uploaded).to.equal(leechers.reduce((sum, leecher) => sum + leecher.stats().downloaded, 0))
  }).timeout(60_000)

  it('at once to whoever is interested while there are slots', async () => {
    bench = new SwarmBench(single(MiB, 65_536))
    const [address] = await bench.seed()
    const startedAt = performance.now()
    for (let i = 0; i < MIN_UPLOAD_SLOTS; i++) {
      const peer = await FakePeer.dial(Number(address.split(':')[1]))
      peer.sendHandshake(Buffer.from(bench.made.infoHash, 'hex'))
      peer.sendMessage(ID.interested)
      await peer.expect(ID.unchoke)
    }
    expect(performance.now() - startedAt, 'no round').to.be.below(CHOKER_ROUND_MS / 2)
  })

  describe('from memory', () => {
    it('what its reader has fetched, to a peer that knows nobody else', async () => {
      bench = new SwarmBench(single(4 * MiB, 65_536))
      const [address] = await bench.seed()
      const [streamer, streamerAddress] = await open({ peers: [address] })
      await read(streamer)
      const other = await bench.leech([streamerAddress])
      expect((await read(other)).equals(bench.made.content)).to.equal(true)
      expect(streamer.stats().uploaded).to.equal(4 * MiB)
    })

    it('while it is read, as it comes', async () => {
      bench = new SwarmBench(single(4 * MiB, 65_536))
      const [address] = await bench.seed()
      const [streamer, streamerAddress] = await open({ peers: [address] })
      const other = await bench.leech([streamerAddress])
      const [mine, theirs] = await Promise.all([read(streamer), read(other)])
      expect(mine.equals(bench.made.content) && theirs.equals(bench.made.content)).to.equal(true)
    })

    it('and takes back what was evicted', async () => {
      bench = new SwarmBench(single(16 * MiB, 131_072))
      const [address] = await bench.seed()
      const [streamer, streamerAddress] = await open({ peers: [address], maxMemory: 2 * MiB })
      const other = await bench.leech([streamerAddress])
      const [joined] = await Promise.all([once(other, 'peer'), once(streamer, 'peer')])
      expect(joined).to.have.length(1)
      expect((await read(streamer)).equals(bench.made.content)).to.equal(true)
      const here = (): number => Math.round(streamer.pieceMap(128).reduce((sum, cell) => sum + cell.here, 0))
      expect(here()).to.be.within(1, 64)
      await until(() => other.peers()[0]?.pieces === here())
      expect(streamer.stats().memory).to.be.at.most(streamer.stats().maxMemory)
    })

    it('without keeping a piece for a peer that takes nothing', async () => {
      bench = new SwarmBench(single(8 * MiB, 131_072))
      const [address] = await bench.seed()
      const [streamer, streamerAddress] = await open({ peers: [address], maxMemory: MiB })
      const other = await bench.leech([streamerAddress], { downloadLimit: 1 })
      const stream = other.file(0).createReadStream()
      stream.on('error', () => undefined)
      stream.resume()
      await once(other, 'peer')
      expect((await read(streamer)).equals(bench.made.content)).to.equal(true)
      expect(streamer.stats().memory).to.be.at.most(2 * MiB)
    })
  })

  describe('within limits', () => {
    const seconds = async (work: Promise<unknown>): Promise<number> => {
      const startedAt = performance.now()
      await work
      return (performance.now() - startedAt) / 1000
    }

    for (const side of ['downloadLimit', 'uploadLimit'] as const) {
      it(`of ${side}`, async () => {
        bench = new SwarmBench(single(3 * MiB, 65_536))
        const limit = { [side]: 2 * MiB }
        const [address, seed] = await bench.seed()
        if (side === 'uploadLimit') seed.setLimits({ upload: 2 * MiB })
        const leecher = await bench.leech([address], side === 'downloadLimit' ? limit : {})
        expect(await seconds(read(leecher))).to.be.within(1.2, 2.5)
        expect(leecher.stats().wasted, 'nothing twice').to.be.below(0.1 * 3 * MiB)
      })
    }

    it('that are changed meanwhile', async () => {
      bench = new SwarmBench(single(4 * MiB, 65_536))
      const [address, seed] = await bench.seed()
      seed.setLimits({ upload: 16_384 })
      expect(seed.limits).to.deep.equal({ download: 0, upload: 16_384 })
      const leecher = await bench.leech([address])
      const reading = read(leecher)
      await until(() => leecher.stats().downloaded > 32_768)
      seed.setLimits({ upload: 0 })
      expect(await seconds(reading)).to.be.below(3)
      expect(() => seed.setLimits({ upload: -1 })).to.throw()
    })

    it('that two torrents share', async () => {
      bench = new SwarmBench(single(2 * MiB, 65_536))
      const sharedLimits = new TransferLimits({ download: 2 * MiB })
      const [address] = await bench.seed()
      const leechers = await Promise.all([1, 2].map(() => bench.leech([address], { sharedLimits })))
      expect(await seconds(Promise.all(leechers.map(read)))).to.be.within(1.6, 3.5)
    })

    it('and closes at once while it waits for them', async () => {
      bench = new SwarmBench(single(2 * MiB, 65_536))
      const [address, seed] = await bench.seed()
      seed.setLimits({ upload: 1 })
      const leecher = await bench.leech([address], { downloadLimit: 1 })
      const reading = read(leecher).catch((error: unknown) => (error as { code: string }).code)
      await until(() => seed.stats().uploaded > 0)
      await leecher.close()
      await seed.close()
      expect(await reading).to.equal('ERR_BT_ABORTED')
    })
  })

  it('each piece about once when it super-seeds', async () => {
    bench = new SwarmBench(single(6 * MiB, 65_536))
    const [, seed] = await bench.seed()
    await seed.close()
    const dir = bench.folder('seed')
    const [sower, address] = await open({ dir, readOnly: true, superSeeding: true })
    const leechers: Torrent[] = []
    const peers = [address]
    for (const name of ['a', 'b', 'c']) {
      const [leecher, own] = await open({ dir: bench.folder(name), peers: [...peers] })
      peers.push(own)
      leechers.push(leecher)
    }
    await Promise.all(leechers.map(leecher => leecher.download()))
    for (const name of ['a', 'b', 'c'])
      expect(bench.fileIn(bench.folder(name), 'given.bin').equals(bench.made.content)).to.equal(true)
    expect(sower.stats().uploaded).to.be.below(1.4 * 6 * MiB)
  }).timeout(60_000)

  it('nothing to one that wants nothing either: they part, and do not meet again', async () => {
    bench = new SwarmBench(single(MiB, 65_536))
    const [address, seed] = await bench.seed()
    const gone = once(seed, 'peerGone')
    const [other] = await open({ dir: bench.folder('seed'), readOnly: true, peers: [address] })
    await gone
    // Longer than it takes to dial again.
    await new Promise(resolve => setTimeout(resolve, 2500))
    expect([seed.stats().peers, other.stats().peers]).to.deep.equal([0, 0])
  }).timeout(20_000)

  noLeaks(this)
})

describe('what trackers are told', function () {
  it('adds up to what a torrent remembers, however its sessions end', async () => {
    const tracker = await FakeTracker.listen()
    const length = 300_001
    const bench = new SwarmBench({ ...single(length, 32_768), trackers: [[tracker.httpUrl]] })
    const totalsDir = bench.folder('totals')
    let [up, down] = [0, 0]
    try {
      const [address, seed] = await bench.seed()
      // A leecher of many sessions: paused, closed, complete in the end; it serves from the first piece on.
      const options = { dht: false, lsd: false, trackers: true, port: 0, peers: [address], totalsDir }
      const last = (): [number, number] => {
        const { uploaded = 0, downloaded = 0, event } = tracker.announces.at(-1) ?? {}
        expect(event).to.equal('stopped')
        return [uploaded, downloaded]
      }
      seed.setLimits({ upload: 400_000 })
      for (let session = 0; session < 4; session++) {
        const torrent = await bench.open({ ...options, dir: bench.folder('got') })
        const [port] = (await once(torrent, 'listening')) as [number]
        expect(torrent.stats().uploadedEver).to.equal(up)
        expect(torrent.stats().downloadedEver).to.equal(down)
        const downloading = torrent.download().catch(() => undefined)
        await until(() => torrent.stats().verified > Math.min(session * 100_000, length - 1))
        await until(() => torrent.trackers()[0]?.state === 'working')
        const other = await bench.leech([`127.0.0.1:${port}`])
        const reader = other.file(0).createReadStream()
        reader.on('error', () => undefined)
        await once(reader.resume(), 'data')
        if (session % 2 === 1) {
          await torrent.pause()
          ;[up, down] = [up + last()[0], down + last()[1]]
          torrent.resume()
          await until(() => torrent.trackers()[0]?.state === 'working')
        }
        if (session === 3) await downloading
        await torrent.close()
        await other.close()
        ;[up, down] = [up + last()[0], down + last()[1]]
        const { uploaded, uploadedEver, downloadedEver } = torrent.stats()
        expect([uploadedEver, downloadedEver]).to.deep.equal([up, down])
        expect(uploaded).to.be.above(0)
      }
      expect(
        tracker.announces.filter(({ event }) => event === 'started').every(({ uploaded }) => uploaded === 0)
      ).to.equal(true)
    } finally {
      await bench.close()
      await tracker.close()
    }
  }).timeout(30_000)

  it('is true to the byte, and counts anew with each session', async () => {
    const tracker = await FakeTracker.listen()
    const bench = new SwarmBench({ ...single(300_001, 32_768), trackers: [[tracker.httpUrl]] })
    try {
      const [address, seed] = await bench.seed()
      const local = { dht: false, lsd: false, trackers: true, port: 0 }
      const leecher = await bench.open({ ...local, dir: bench.folder('got'), peers: [address] })
      await leecher.download()
      await until(() => tracker.announces.some(({ event }) => event === 'completed'))
      await leecher.pause()
      const figures = tracker.announces.map(({ event, uploaded, downloaded, left }) => [
        event,
        uploaded,
        downloaded,
        left
      ])
      expect(figures).to.deep.equal([
        ['started', 0, 0, 300_001],
        ['completed', 0, 300_001, 0],
        ['stopped', 0, 300_001, 0]
      ])
      expect(seed.stats().uploaded).to.equal(300_001)
      leecher.resume()
      await until(() => tracker.announces.length > 3)
      expect(tracker.announces[3]).to.include({ event: 'started', downloaded: 0, left: 0 })
    } finally {
      await bench.close()
      await tracker.close()
    }
  }).timeout(20_000)
})
