import { expect } from 'chai'
import { once } from 'node:events'
import { get, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { buffer, json, text } from 'node:stream/consumers'
import type { TorrentServer } from '../../lib/http/torrent-server.js'
import * as limits from '../../lib/limits.js'
import type { Torrent } from '../../lib/torrent.js'
import { createServer } from '../../lib/torrent-serving.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { noLeaks } from '../support/no-leaks.js'
import { until } from '../support/peer-bench.js'
import { rejection } from '../support/rejection.js'
import { servedTorrent } from '../support/served-torrent.js'
import { SwarmBench } from '../support/swarm-bench.js'

const film = randomBytesSeeded('film', 200_001)
const source = {
  name: 'Ordner',
  pieceLength: 32_768,
  files: [
    { path: ['films', 'größe <1>.mkv'], data: film },
    { path: ['notes.html'], data: Buffer.from('<script>alert(1)</script>') },
    { path: ['empty.mp3'], data: Buffer.alloc(0) }
  ]
}

describe('TorrentServer', () => {
  let bench: SwarmBench
  let torrent: Torrent
  let server: TorrentServer
  beforeEach(async () => {
    bench = new SwarmBench(source)
    torrent = await bench.leech([(await bench.seed())[0]])
    server = await torrent.serve()
  })
  afterEach(async () => {
    await server.close()
    await bench.close()
  })

  const ask = async (url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<IncomingMessage> => {
    const asked = request(url, { method, headers, agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return response
  }
  const filmUrl = (): string => server.urlOf(torrent, 0)

  it('listens on loopback, and says where', () => {
    expect(server.url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    expect(filmUrl()).to.equal(`${server.url}${torrent.infoHash}/0/gr%C3%B6%C3%9Fe%20%3C1%3E.mkv`)
  })

  it('gives a whole file, and says what it is', async () => {
    const response = await ask(filmUrl())
    expect(response.statusCode).to.equal(200)
    expect(response.headers).to.include({
      'content-length': '200001',
      'content-type': 'video/x-matroska',
      'accept-ranges': 'bytes',
      etag: `"${torrent.infoHash}-0"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy':
        "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    })
    expect(response.headers['content-disposition']).to.include("filename*=UTF-8''gr%C3%B6%C3%9Fe%20%3C1%3E.mkv")
    expect(response.headers).not.to.have.property('access-control-allow-origin')
    expect((await buffer(response)).equals(film)).to.equal(true)
  })

  const ranges: [range: string, start: number, end: number][] = [
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, 200_000],
    ['bytes=-1', 200_000, 200_000],
    ['bytes=32767-32768', 32_767, 32_768],
    ['bytes=100000-999999', 100_000, 200_000]
  ]
  for (const [range, start, end] of ranges) {
    it(`gives ${range}`, async () => {
      const response = await ask(filmUrl(), { Range: range })
      expect(response.statusCode).to.equal(206)
      expect(response.headers['content-range']).to.equal(`bytes ${start}-${end}/200001`)
      expect((await buffer(response)).equals(film.subarray(start, end + 1))).to.equal(true)
    })
  }

  it('gives several ranges in parts, of the length it says', async () => {
    const response = await ask(filmUrl(), { Range: 'bytes=0-4,100-199,-3' })
    expect(response.statusCode).to.equal(206)
    const [, boundary] = /^multipart\/byteranges; boundary=(\w+)$/.exec(response.headers['content-type'] ?? '') ?? []
    const body = await buffer(response)
    expect(body.length).to.equal(Number(response.headers['content-length']))
    const parts = body.toString('latin1').split(`\r\n--${boundary}`)
    expect(parts).to.have.length(5)
    expect(parts[4]).to.equal('--\r\n')
    const expected = [
      [0, 4],
      [100, 199],
      [199_998, 200_000]
    ] as const
    for (const [i, [start, end]] of expected.entries()) {
      const head = `\r\nContent-Type: video/x-matroska\r\nContent-Range: bytes ${start}-${end}/200001\r\n\r\n`
      expect(parts[i + 1]).to.equal(head + film.subarray(start, end + 1).toString('latin1'))
    }
  })

  it('refuses what the file does not have, and says how long it is', async () => {
    const response = await ask(filmUrl(), { Range: 'bytes=200001-' })
    expect(response.statusCode).to.equal(416)
    expect(response.headers['content-range']).to.equal('bytes */200001')
    response.resume()
  })

  it('heeds conditions', async () => {
    const etag = `"${torrent.infoHash}-0"`
    const status = async (headers: Record<string, string>): Promise<number | undefined> => {
      const response = await ask(filmUrl(), headers)
      response.resume()
      return response.statusCode
    }
    expect(await status({ 'If-None-Match': etag })).to.equal(304)
    expect(await status({ 'If-Match': '"other"' })).to.equal(412)
    expect(await status({ Range: 'bytes=0-1', 'If-Range': etag })).to.equal(206)
    expect(await status({ Range: 'bytes=0-1', 'If-Range': '"other"' })).to.equal(200)
  })

  it('answers HEAD as it would GET, and fetches nothing for it', async () => {
    const response = await ask(filmUrl(), { Range: 'bytes=0-1' }, 'HEAD')
    expect(response.statusCode).to.equal(200)
    expect(response.headers['content-length']).to.equal('200001')
    expect((await buffer(response)).length).to.equal(0)
    expect(torrent.stats().downloaded).to.equal(0)
  })

  it('gives an empty file, and what is a page elsewhere as plain text', async () => {
    const empty = await ask(server.urlOf(torrent, 2))
    expect(empty.headers['content-length']).to.equal('0')
    expect((await buffer(empty)).length).to.equal(0)
    const page = await ask(server.urlOf(torrent, 1))
    expect(page.headers).to.include({
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': 'sandbox'
    })
    expect(await text(page)).to.equal('<script>alert(1)</script>')
  })

  it('gives all files as an archive, any part of it', async () => {
    const archive = await buffer(torrent.createTarStream())
    const whole = await ask(`${server.url}Ordner.tar`)
    expect(whole.headers).to.include({ 'content-length': String(archive.length), 'content-type': 'application/x-tar' })
    expect((await buffer(whole)).equals(archive)).to.equal(true)
    const part = await ask(`${server.url}Ordner.tar`, { Range: 'bytes=500-2000' })
    expect((await buffer(part)).equals(archive.subarray(500, 2001))).to.equal(true)
  })

  it('gives each of two torrents of one name its own archive', async () => {
    const named = (infoHash: string, size: number) => ({
      ...servedTorrent([], { name: 'Ordner', infoHash: infoHash.repeat(40) }),
      tar: servedTorrent([['Ordner.tar', Buffer.alloc(size)]]).files[0]!
    })
    await using two = await createServer([named('1', 1024), named('2', 2048)])
    const api = (await json(await ask(`${two.url}api`))) as { torrents: { tar: { url: string } }[] }
    const answers = api.torrents.map(async ({ tar }) => (await buffer(await ask(tar.url))).length)
    expect(await Promise.all(answers)).to.deep.equal([1024, 2048])
    expect(await buffer(await ask(`${two.url}Ordner.tar`))).to.have.length(1024)
  })

  it('has a page to watch on, which may run its own script and no other', async () => {
    const page = await ask(server.url)
    expect(page.headers['content-security-policy']).to.match(/^default-src 'none'.*; script-src 'sha256-[^']+';/)
    expect(await text(page))
      .to.include('größe &#60;1&#62;.mkv')
      .and.not.include('<1>')
  })

  it('lists what there is as JSON and as playlists', async () => {
    interface Listed {
      path: string
      length: number
      bytesHere: number
      url: string
    }
    const api = (await json(await ask(`${server.url}api`))) as {
      page: string
      events: string
      torrents: { infoHash: string; tar: { url: string }; files: Listed[] }[]
    }
    const [listed] = api.torrents
    expect(api).to.include({ page: server.url, events: `${server.url}events` })
    expect(listed?.files.map(({ path, length, url, bytesHere }) => [path, length, url, bytesHere])).to.deep.equal(
      torrent.files.map(({ path, length }, index) => [path, length, server.urlOf(torrent, index), 0])
    )
    expect(listed?.tar.url).to.equal(`${server.url}${torrent.infoHash}/Ordner.tar`)
    const urlsOf = async (path: string): Promise<string[]> =>
      (await text(await ask(server.url + path))).split('\n').filter(line => line.startsWith('http'))
    expect(await urlsOf('playlist.m3u')).to.deep.equal([filmUrl(), server.urlOf(torrent, 2)])
    expect(await urlsOf(`${torrent.infoHash}/1.m3u`)).to.deep.equal([server.urlOf(torrent, 1)])
  })

  it('names all by the name it was called by', async () => {
    const { port } = new URL(server.url)
    const list = await text(await ask(`${server.url}playlist.m3u`, { Host: `localhost:${port}` }))
    expect(list).to.include(`http://localhost:${port}/${torrent.infoHash}/0/`)
  })

  it('tells how the torrents stand, as it happens', async () => {
    const response = await ask(`${server.url}events`)
    expect(response.headers['content-type']).to.equal('text/event-stream; charset=utf-8')
    interface Figures {
      infoHash: string
      verified: number
      map: string
    }
    const figures = async (isIt: (figures: Figures) => boolean): Promise<Figures> => {
      for (;;) {
        const [message] = (await once(response.setEncoding('utf8'), 'data')) as [string]
        const told = (JSON.parse(message.slice('data: '.length)) as { torrents: [Figures] }).torrents[0]
        if (isIt(told)) return told
      }
    }
    expect(await figures(() => true)).to.include({ infoHash: torrent.infoHash, verified: 0, map: 'AAAAAAA' })
    const read = buffer(await ask(filmUrl()))
    const { map } = await figures(({ verified }) => verified === torrent.length)
    expect(map).to.match(/^H{6}[HX]$/)
    await read
    response.destroy()
  })

  it('gives subtitles as browsers take them', async () => {
    const lone = new SwarmBench({
      name: 'film',
      pieceLength: 32_768,
      files: [
        { path: ['film.mkv'], data: film },
        { path: ['film.srt'], data: Buffer.from('1\r\n00:00:01,000 --> 00:00:02,000\r\nGr\xfc\xdfe\r\n', 'latin1') }
      ]
    })
    const other = await lone.leech([(await lone.seed())[0]])
    const { url } = await other.serve()
    const { torrents } = (await json(await ask(`${url}api`))) as {
      torrents: { files: { subtitles?: { url: string }[] }[] }[]
    }
    const response = await ask(torrents[0]?.files[0]?.subtitles?.[0]?.url ?? '')
    expect(response.headers['content-type']).to.equal('text/vtt; charset=utf-8')
    expect(await text(response)).to.equal('WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nGrüße\n')
    expect((await ask(`${url}${other.infoHash}/0.vtt`)).statusCode).to.equal(404)
    await lone.close()
  })

  it('answers what a client sent ahead one after the other, with one window at a time', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const path = `/${torrent.infoHash}/0`
    const head = (range: string, end = ''): string =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${range}\r\n${end}\r\n`
    let most = 0
    socket.write(head('0-99999') + head('100000-199999') + head('5-5', 'Connection: close\r\n'))
    socket.on('data', () => (most = Math.max(most, torrent.stats().readers)))
    const answer = await buffer(socket)
    expect(most).to.be.at.most(1)
    expect(answer.includes(film.subarray(0, 100_000))).to.equal(true)
    expect(answer.includes(film.subarray(100_000, 200_000))).to.equal(true)
    expect(answer.subarray(-1).equals(film.subarray(5, 6))).to.equal(true)
  })

  it('leaves a client that sends ahead without end, and makes no noise about it', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.pause().on('error', () => undefined)
    socket.write(
      `GET /${torrent.infoHash}/0 HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(limits.HTTP_MAX_WAITING_REQUESTS + 2)
    )
    await once(socket.resume(), 'close')
    await until(() => torrent.stats().readers === 0)
    process.off('warning', onWarning)
    expect(warnings).to.deep.equal([])
  })

  it('knows no other path, and no way to the disk', async () => {
    const paths = [
      `${torrent.infoHash}/3/x`,
      `${torrent.infoHash}/-1/x`,
      `${'0'.repeat(40)}/0/x`,
      '../../etc/passwd',
      '%00',
      `${torrent.infoHash}/0/a/b`
    ]
    for (const path of paths) {
      const { port } = new URL(server.url)
      const asked = get({ host: '127.0.0.1', port, path: `/${path}`, agent: false })
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      expect(response.statusCode, path).to.equal(404)
      response.resume()
    }
  })

  it('only reads: other methods are refused', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await ask(filmUrl(), {}, method)
      expect(response.statusCode).to.equal(405)
      expect(response.headers.allow).to.equal('GET, HEAD')
      response.resume()
    }
  })

  it('refuses what pages of other sites ask for', async () => {
    const response = await ask(filmUrl(), { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' })
    expect(response.statusCode).to.equal(403)
    response.resume()
  })

  it('takes no body', async () => {
    const response = await ask(filmUrl(), { 'Content-Length': '1' })
    expect(response.statusCode).to.equal(413)
    response.resume()
  })

  it('refuses a foreign name: it may be one that was made to point at us', async () => {
    for (const host of ['evil.example', `evil.example:${new URL(server.url).port}`]) {
      const response = await ask(filmUrl(), { Host: host })
      expect(response.statusCode).to.equal(403)
      response.resume()
    }
    const named = await torrent.serve({ allowedHosts: ['NAS'] })
    const response = await ask(named.urlOf(torrent, 1), { Host: 'nas:1' })
    expect(response.statusCode).to.equal(200)
    response.resume()
    await named.close()
  })

  it('wants a secret beyond loopback', async () => {
    const open = await torrent.serve({ host: '0.0.0.0' })
    expect(open.url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/)
    expect((await buffer(await ask(open.urlOf(torrent, 0)))).equals(film)).to.equal(true)
    const { origin, pathname } = new URL(open.url)
    for (const path of [
      '/',
      `/${torrent.infoHash}/0/x`,
      pathname.replace(/[0-9a-f]/g, '0'),
      `${pathname.slice(0, -2)}x/`
    ]) {
      const response = await ask(origin + path)
      expect(response.statusCode, path).to.equal(404)
      response.resume()
    }
    await open.close()
  })

  it('gives the window of a request up as soon as it is aborted', async () => {
    const asked = get(filmUrl(), { agent: false })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.pause()
    asked.destroy()
    await until(() => torrent.stats().readers === 0)
  })

  it('bears clients that leave at any moment, also between the parts of an answer', async () => {
    const clients = Array.from({ length: 40 }, async (_, i) => {
      const asked = get(filmUrl(), { agent: false, headers: { Range: 'bytes=0-9,20-29,50000-99999,-9' } })
      const left = once(asked, 'close')
      asked
        .on('error', () => undefined)
        .on('response', response => {
          response.on('error', () => undefined).once('data', () => setTimeout(() => asked.destroy(), i % 5))
        })
      await left
    })
    await Promise.all(clients)
    await until(() => torrent.stats().readers === 0)
    expect((await ask(filmUrl(), {}, 'HEAD')).statusCode).to.equal(200)
  })

  it('is not to be had of a torrent that is closed', async () => {
    const lone = await bench.leech([])
    await lone.close()
    expect(await rejection(lone.serve())).to.have.property('code', 'ERR_BT_ABORTED')
  })

  it('cuts the answer off when the torrent ends, so that nobody takes it for whole', async () => {
    const lone = await bench.leech([])
    const other = await lone.serve()
    const asked = get(other.urlOf(lone, 0), { agent: false })
    const failed = rejection(once(asked, 'response').then(([response]) => buffer(response as IncomingMessage)))
    await until(() => lone.stats().readers === 1)
    await lone.close()
    expect(await failed).to.have.property('code', 'ECONNRESET')
  })

  it('closes a connection whose head is too long', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(limits.HTTP_MAX_HEADER_BYTES)}\r\n\r\n`)
    expect(await text(socket)).to.match(/^HTTP\/1\.1 431 /)
  })
})

describe('a TorrentServer that is closed', function () {
  it('leaves nothing open, also when it was in the middle of an answer', async () => {
    const bench = new SwarmBench(source)
    const torrent = await bench.leech([(await bench.seed())[0]])
    const server = await torrent.serve()
    const asked = get(server.urlOf(torrent, 0), { agent: false }).on('error', () => undefined)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    await bench.close()
  })

  it('ends with its torrent, before that says so, and may be made any number of times', async () => {
    const bench = new SwarmBench(source)
    const torrent = await bench.leech([])
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    for (let i = 0; i < 11; i++) await (await torrent.serve()).close()
    const { port } = new URL((await torrent.serve()).url)
    await torrent.close()
    const [refusal] = (await once(get({ host: '127.0.0.1', port, agent: false }), 'error').catch((error: unknown) => [
      error
    ])) as [Error]
    expect(refusal).to.have.property('code', 'ECONNREFUSED')
    process.off('warning', onWarning)
    expect(warnings).to.deep.equal([])
    await bench.close()
  })

  // Node keeps the text of the Date header for the rest of a second.
  noLeaks(this)
})
