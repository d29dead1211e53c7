import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { MetainfoError } from '../../lib/errors.js'
import { encode } from '../../lib/metainfo/bencode.js'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { openTorrent, readMetainfo } from '../../lib/torrent-open.js'
import type { TorrentOptions } from '../../lib/options.js'
import type { Torrent } from '../../lib/torrent.js'
import { EXTENDED, FakePeer } from '../support/fake-peer.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { noLeaks } from '../support/no-leaks.js'
import { until } from '../support/peer-bench.js'
import { rejection } from '../support/rejection.js'
import { SwarmBench } from '../support/swarm-bench.js'

const data = randomBytesSeeded('magnet', 400_000)
/** Long enough for three pieces of metadata. */
const source = { name: 'film.bin', pieceLength: 16_384, data: randomBytesSeeded('long', 16_384 * 2000) }
const quiet: TorrentOptions = { host: '127.0.0.1', port: 0, peerTimeoutMs: 0, stallTimeoutMs: 0 }

describe('a magnet link', function () {
  let bench: SwarmBench
  let opened: Torrent[]
  beforeEach(() => {
    opened = []
    bench = new SwarmBench({ name: 'small.bin', pieceLength: 32_768, data })
  })
  afterEach(async () => {
    for (const torrent of opened) await torrent.close()
    await bench.close()
  })
  noLeaks(this)

  const open = async (link: string, options: TorrentOptions = {}): Promise<Torrent> => {
    const torrent = await openTorrent(link, { ...quiet, ...options })
    opened.push(torrent)
    return torrent
  }
  const link = (rest = ''): string => `magnet:?xt=urn:btih:${bench.made.infoHash}${rest}`
  const read = async (torrent: Torrent): Promise<boolean> =>
    (await buffer(torrent.file(0).createReadStream())).equals(bench.made.content)

  it('is followed to the peers that it names', async () => {
    const [address] = await bench.seed()
    const torrent = await open(link(`&dn=x&x.pe=${address}`))
    expect(torrent.name).to.equal('small.bin')
    expect(await read(torrent)).to.equal(true)
    expect(torrent.sources()).to.deep.include({ source: 'magnet', peers: 1, state: 'magnet link: 1 peer' })
  })

  it('goes on with the connections that brought the metadata', async () => {
    const [address] = await bench.seed()
    const searchEvents = new EventEmitter()
    const peers: unknown[] = []
    searchEvents.on('peer', peer => peers.push(peer))
    const torrent = await open(link(`&x.pe=${address}`), { searchEvents })
    torrent.on('peer', peer => peers.push(peer))
    expect(await read(torrent)).to.equal(true)
    expect(peers).to.have.length(1)
  })

  it('may be a bare info-hash, with peers given by hand', async () => {
    const [address] = await bench.seed()
    expect(await read(await open(bench.made.infoHash.toUpperCase(), { peers: [address], discovery: false }))).to.equal(
      true
    )
  })

  it('is found by a tracker', async () => {
    const [address] = await bench.seed()
    const port = Number(address.split(':')[1])
    const tracker = createServer((_, response) =>
      response.end(encode({ interval: 1800, peers: Buffer.of(127, 0, 0, 1, port >> 8, port & 255) }))
    ).listen(0, '127.0.0.1')
    await once(tracker, 'listening')
    const url = `http://127.0.0.1:${(tracker.address() as AddressInfo).port}/announce`
    expect(await read(await open(link(`&tr=${encodeURIComponent(url)}`)))).to.equal(true)
    tracker.closeAllConnections()
    tracker.close()
  })

  it('is served on by who followed it', async () => {
    const [address] = await bench.seed()
    const first = await open(link(`&x.pe=${address}`), { dir: bench.folder('first') })
    const [port] = await Promise.all([portOf(first), first.download()])
    const second = await open(link(`&x.pe=127.0.0.1:${port}`))
    expect(await read(second)).to.equal(true)
  })

  it('has metadata of several pieces', async () => {
    const large = new SwarmBench(source)
    const [address] = await large.seed()
    const metainfo = await readMetainfo(large.made.infoHash, { ...quiet, peers: [address], discovery: false })
    expect(metainfo.infoBytes.length).to.be.above(2 * 16_384)
    expect(metainfo.length).to.equal(source.data.length)
    await large.close()
  })

  it('is resolved by one honest peer among liars, who are banned', async () => {
    const [address] = await bench.seed()
    const lie = Buffer.alloc(parseMetainfo(bench.made.torrent).infoBytes.length, 'x')
    const infoHash = Buffer.from(bench.made.infoHash, 'hex')
    const liars = await Promise.all(Array.from({ length: 3 }, () => Scripted.listen(infoHash, lie)))
    const peers = [...liars.map(liar => liar.address), address]
    expect(await read(await open(link(), { peers, discovery: false }))).to.equal(true)
    for (const liar of liars) await liar.close()
  })

  it('tells once of three liars, however much comes after them', async () => {
    const large = new SwarmBench(source)
    const infoHash = Buffer.from(large.made.infoHash, 'hex')
    const liars = await Promise.all([1, 2, 3].map(size => Scripted.listen(infoHash, Buffer.alloc(size, 'x'))))
    const searchEvents = new EventEmitter()
    const warnings: string[] = []
    searchEvents.on('warning', (warning: string) => warnings.push(warning))
    const [listening, warned] = [once(searchEvents, 'listening') as Promise<[number]>, once(searchEvents, 'warning')]
    const peers = liars.map(liar => liar.address)
    const found = readMetainfo(large.made.infoHash, { ...quiet, peers, searchEvents })
    const [[port]] = await Promise.all([listening, warned])
    await large.seed({ peers: [`127.0.0.1:${port}`] })
    expect((await found).length).to.equal(source.data.length)
    for (const liar of liars) await liar.close()
    await large.close()
    // Warnings come a turn of the loop later.
    expect(warnings).to.deep.equal(['metadata of a wrong hash came 3 times'])
  })

  it('ends when nobody has the metadata, and says how it stood', async () => {
    const error = await rejection(open(link(), { discovery: false, peers: ['127.0.0.1:1'], peerTimeoutMs: 100 }))
    expect(error).to.have.property('code', 'ERR_BT_NO_PEERS')
    expect(error)
      .to.have.property('message')
      .that.matches(/no peer connected within .*given by hand/)
  })

  it('says of every way to find peers how it went, or that it is off', async () => {
    const off = { host: '127.0.0.1', trackers: false, dht: false, lsd: false, pex: false, peerTimeoutMs: 100 }
    const said = async (options: TorrentOptions): Promise<string> => (await rejection(open(link(), options))).message
    expect(await said(off)).to.match(/\(the link names no tracker; off: trackers, DHT, LSD, PEX\)$/)
    expect(await said({ ...off, dht: { bootstrap: [] }, pex: true })).to.match(
      /\(DHT: 0 nodes, .*; off: trackers, LSD\)$/
    )
    expect(await said({ discovery: false, peerTimeoutMs: 100 })).to.match(/off: all discovery/)
  })

  it('is announced as looked for, once it was read', async () => {
    const searchEvents = new EventEmitter()
    const heard: string[] = []
    searchEvents.on('search', () => heard.push('search'))
    const options = { searchEvents, discovery: false, peerTimeoutMs: 100 }
    expect(await rejection(open('magnet:?xt=urn:btih:12', options))).to.have.property('code', 'ERR_BT_MAGNET')
    expect(heard).to.deep.equal([])
    expect(await rejection(open(` ${link()}\n`, options))).to.have.property('code', 'ERR_BT_NO_PEERS')
    expect(heard).to.deep.equal(['search'])
  })

  it('ends with its signal, leaving nothing', async () => {
    const abort = new AbortController()
    const failed = rejection(open(link(), { signal: abort.signal }))
    abort.abort()
    expect(await failed).to.have.property('code', 'ERR_BT_ABORTED')
  })

  it('is refused when its metadata is right and makes no torrent', async () => {
    const info = encode({ length: 5, name: 'x', 'piece length': 16_384, pieces: Buffer.alloc(19) })
    const infoHash = createHash('sha1').update(info).digest()
    const peer = await Scripted.listen(infoHash, info)
    const error = await rejection(
      openTorrent(infoHash.toString('hex'), { ...quiet, peers: [peer.address], discovery: false })
    )
    expect(error).to.be.instanceOf(MetainfoError)
    await peer.close()
  })

  it('stays one of version 1, whatever a peer says that it can', async () => {
    const { infoBytes } = parseMetainfo(bench.made.torrent)
    const reserved = Buffer.from(EXTENDED)
    reserved[7] = 0x10 // BEP 52: the sender would go on with version 2
    const peer = await Scripted.listen(Buffer.from(bench.made.infoHash, 'hex'), infoBytes, reserved)
    const metainfo = await readMetainfo(bench.made.infoHash, { ...quiet, peers: [peer.address], discovery: false })
    expect(metainfo.infoHash.toString('hex')).to.equal(bench.made.infoHash)
    await peer.close()
  })

  it('that turns out private forgets whom it did not get from its trackers', async () => {
    const lone = new SwarmBench({ name: 'p.bin', pieceLength: 32_768, data, private: true })
    const [address] = await lone.seed()
    const torrent = await openTorrent(`magnet:?xt=urn:btih:${lone.made.infoHash}`, { ...quiet, peers: [address] })
    opened.push(torrent)
    expect(torrent.metainfo.private).to.equal(true)
    expect(torrent.sources().map(({ source: name }) => name)).to.not.include.members(['dht', 'lsd', 'pex'])
    await torrent.close()
    await lone.close()
  })

  it('selects the files that it names', async () => {
    const files = ['a', 'b', 'c'].map(name => ({ path: [name], data: randomBytesSeeded(name, 40_000) }))
    const many = new SwarmBench({ name: 'many', pieceLength: 32_768, files })
    const [address] = await many.seed()
    const dir = many.folder('selected')
    const torrent = await openTorrent(`magnet:?xt=urn:btih:${many.made.infoHash}&so=1&x.pe=${address}`, {
      ...quiet,
      dir
    })
    await torrent.download()
    expect(many.fileIn(dir, 'many/b').equals(files[1]?.data ?? Buffer.alloc(0))).to.equal(true)
    expect(() => many.fileIn(dir, 'many/c')).to.throw()
    await torrent.close()
    await many.close()
  })
})

async function portOf(torrent: Torrent): Promise<number> {
  const [port] = (await once(torrent, 'listening')) as [number]
  return port
}

/** Says that it has the metadata, and sends these bytes for it. */
class Scripted {
  readonly #server = createTcpServer()
  readonly #peers: FakePeer[] = []

  static async listen(infoHash: Uint8Array, metadata: Uint8Array, reserved: Uint8Array = EXTENDED): Promise<Scripted> {
    const scripted = new Scripted()
    const size = metadata.length
    scripted.#server.on('connection', socket => {
      const peer = new FakePeer(socket)
      scripted.#peers.push(peer)
      peer.sendHandshake(infoHash, undefined, reserved)
      peer.sendExtended(0, encode({ m: { ut_metadata: 1 }, metadata_size: size }))
      void peer.expectExtended(1).then(
        () => {
          const head = encode({ msg_type: 1, piece: 0, total_size: size })
          peer.sendExtended(1, Buffer.concat([head, metadata]))
        },
        () => undefined
      )
    })
    scripted.#server.listen(0, '127.0.0.1')
    await once(scripted.#server, 'listening')
    return scripted
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) peer.hangUp()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

describe('peers that know of each other', () => {
  it('tell others, who then find them', async function () {
    this.timeout(20_000)
    const bench = new SwarmBench({ name: 'pex.bin', pieceLength: 32_768, data })
    const [seedAddress] = await bench.seed()
    // The middle knows the seed; the last one knows only the middle.
    const middle = await bench.open({ peers: [seedAddress] })
    const middlePort = await portOf(middle)
    middle.file(0).createReadStream({ end: 0 }).resume()
    await until(() => middle.stats().peers === 1)
    const last = await bench.open({ peers: [`127.0.0.1:${middlePort}`] })
    expect((await buffer(last.file(0).createReadStream())).equals(data)).to.equal(true)
    expect(last.sources()).to.deep.include({ source: 'pex', peers: 1, state: 'PEX: 1 peer' })
    await bench.close()
  })
})
