import { expect } from 'chai'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TorrentServer } from '../../lib/http/torrent-server.js'
import * as limits from '../../lib/limits.js'
import type { Torrent } from '../../lib/torrent.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { SwarmBench } from '../support/swarm-bench.js'

const PIECE = 65_536
const film = randomBytesSeeded('film', 8 * 2 ** 20 + 1)

describe('a TorrentServer among bad and many clients', () => {
  let bench: SwarmBench
  let torrent: Torrent
  let server: TorrentServer
  let sockets: Socket[]
  beforeEach(async () => {
    sockets = []
    bench = new SwarmBench({ name: 'film.mkv', pieceLength: PIECE, data: film })
    torrent = await bench.leech([(await bench.seed())[0]], { maxMemory: 4 * 2 ** 20 })
    server = await torrent.serve()
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await server.close()
    await bench.close()
  })

  const open = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'connect')
    return socket.resume()
  }
  const ask = async (headers: Record<string, string> = {}): Promise<IncomingMessage> => {
    const asked = get(server.urlOf(torrent, 0), { agent: false, headers })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return response
  }

  it('leaves those that say nothing, or say it byte by byte, and those alone', async function () {
    this.timeout(limits.HTTP_HEADERS_MS + 5000)
    const reading = await ask()
    const [mute, slow] = [await open(), await open()]
    const drip = setInterval(() => slow.write('x'), 100)
    slow.write('GET / HTTP/1.1\r\nX: ')
    await Promise.all([mute, slow].map(socket => once(socket, 'close')))
    clearInterval(drip)
    expect((await buffer(reading)).equals(film)).to.equal(true)
  })

  it('has room for so many, and again when one leaves', async () => {
    for (let i = 0; i < limits.HTTP_MAX_CONNECTIONS; i++) await open()
    const refused = await open()
    await once(refused, 'close')
    sockets[0]?.destroy()
    let isServed = false
    while (!isServed) {
      const socket = await open()
      socket.write('GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n')
      isServed = await Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)])
    }
  })

  it('gives fifty players at fifty places what each asks for, within the budget', async () => {
    const bodies = Array.from({ length: 50 }, async (_, i) => {
      const [start, end] = [i * 160_000, i * 160_000 + 300_000]
      const body = await buffer(await ask({ Range: `bytes=${start}-${end}` }))
      return body.equals(film.subarray(start, end + 1))
    })
    expect(await Promise.all(bodies)).to.deep.equal(bodies.map(() => true))
    const { memory, maxMemory, readers } = torrent.stats()
    expect(readers).to.equal(0)
    expect(memory).to.be.at.most(maxMemory)
  })

  it('fetches for players that pause no more than its memory holds, and keeps them for as long as they like', async () => {
    const paused = await Promise.all(Array.from({ length: 10 }, () => ask()))
    for (const response of paused) response.pause()
    const reading = await ask({ Range: 'bytes=-4000000' })
    expect((await buffer(reading)).equals(film.subarray(-4_000_000))).to.equal(true)
    expect(torrent.stats().memory).to.be.at.most(torrent.stats().maxMemory + 11 * PIECE)
    const bodies = await Promise.all(paused.map(response => buffer(response)))
    expect(bodies.every(body => body.equals(film))).to.equal(true)
  })

  it('keeps both ends of a file that is open, so that coming back costs nothing', async () => {
    const read = async (range: string): Promise<number> => {
      await buffer(await ask({ Range: range }))
      return torrent.stats().downloaded
    }
    await read('bytes=0-')
    const before = torrent.stats().downloaded
    expect(torrent.file(0).bytesHere).to.be.at.most(4 * 2 ** 20)
    expect(await read('bytes=0-500000')).to.equal(before)
    expect(await read('bytes=-10')).to.equal(before)
    expect(await read('bytes=5000000-5000001')).to.be.above(before)
  })
})
