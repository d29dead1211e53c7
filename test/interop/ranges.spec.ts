/** Ranges of a file as a static file server gives them: nginx has the same file on disk. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage, type RequestOptions } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect } from 'chai'
import type { TorrentServer } from '../../lib/http/torrent-server.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { until } from '../support/peer-bench.js'
import { requireProgram } from '../support/real-clients/available.js'
import { SwarmBench } from '../support/swarm-bench.js'
import { Workspace } from './content.js'

const PIECE = 32_768
const SIZE = 5 * PIECE + 1234

/** Every kind of range that is well formed and ascending, at the borders of pieces, blocks and the file. */
const RANGES: readonly string[] = [
  ...[0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, SIZE - 2, SIZE - 1].flatMap(at => [
    `${at}-${at}`,
    `${at}-${at + 1}`,
    `${at}-`
  ]),
  `0-${SIZE - 1}`,
  `0-${SIZE}`,
  `${PIECE - 1}-${3 * PIECE}`,
  `16383-16385`,
  `0-999999999999`,
  `007-9`,
  '-1',
  '-2',
  `-${PIECE}`,
  `-${SIZE - 1}`,
  `-${SIZE}`,
  `-${SIZE + 1}`,
  `${SIZE}-`,
  `${SIZE}-${SIZE}`,
  `${SIZE + 5}-`,
  '999999999999-',
  '0-0,-1',
  '0-1,5-6',
  ' 0-1 , 5-6 ',
  `0-0,${PIECE}-${PIECE},${2 * PIECE}-${2 * PIECE}`,
  `${PIECE - 2}-${PIECE + 1},${3 * PIECE}-`,
  `0-99,${SIZE - 10}-${SIZE + 10}`,
  `0-5,${SIZE}-`,
  '0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14'
]

describe('ranges over HTTP', () => {
  const workspace = new Workspace()
  const data = randomBytesSeeded('ranges', SIZE)
  let bench: SwarmBench | undefined
  let server: TorrentServer
  let nginx: ChildProcess | undefined
  let ours: Whom
  let theirs: Whom

  before(async function () {
    requireProgram(this, 'nginx', 'nginx-light')
    bench = new SwarmBench({ name: 'film.mp4', pieceLength: PIECE, data })
    const torrent = await bench.leech([(await bench.seed())[0]])
    server = await torrent.serve()
    const { hostname: host, port, pathname: path } = new URL(server.urlOf(torrent, 0))
    ours = { host, port, path }
    const socketPath = startNginx()
    theirs = { socketPath, path: '/film.mp4', headers: { Host: 'localhost' } }
    await until(() => existsSync(socketPath))
  })
  after(async () => {
    nginx?.kill('SIGQUIT')
    if (nginx && nginx.exitCode === null) await once(nginx, 'exit')
    await bench?.close()
    workspace.remove()
  })

  /** Gives the socket that it listens on. */
  function startNginx(): string {
    const dir = workspace.folder()
    const root = join(dir, 'www')
    mkdirSync(root)
    writeFileSync(join(root, 'film.mp4'), data)
    // Its worker is somebody else when we are root.
    for (const folder of [join(dir, '..'), dir, root]) chmodSync(folder, 0o755)
    const socketPath = join(dir, 'http')
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(each => `${each}_temp_path ${dir}/${each};`)
    const http = `access_log off; ${places.join(' ')} types { video/mp4 mp4; } server { listen unix:${socketPath}; root ${root}; }`
    writeFileSync(join(dir, 'conf'), `daemon off; pid ${dir}/pid; error_log ${dir}/log; events {} http { ${http} }\n`)
    nginx = spawn('nginx', ['-p', dir, '-c', join(dir, 'conf'), '-e', join(dir, 'log')], { stdio: 'ignore' })
    return socketPath
  }

  it(`are enough of a table`, () => expect(RANGES.length).to.be.at.least(40))

  for (const range of RANGES) {
    for (const method of range.includes(',') ? ['GET'] : ['GET', 'HEAD']) {
      it(`${method} bytes=${range} is as nginx has it`, async () => {
        const answers = await Promise.all([ours, theirs].map(whom => ask(whom, method, `bytes=${range}`)))
        // nginx heeds a range for HEAD, too; section 14.2 of RFC 9110 defines it for GET alone.
        if (method === 'HEAD') expect(answers[0]).to.deep.equal({ status: 200, length: String(SIZE), parts: [] })
        else expect(answers[0]).to.deep.equal(answers[1])
      })
    }
  }
})

interface Whom extends RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
}

interface Part {
  readonly range: string | undefined
  readonly type: string | undefined
  readonly bytes: string
}

interface Answer {
  readonly status: number | undefined
  readonly length?: string | undefined
  readonly range?: string | undefined
  readonly parts: readonly Part[]
}

async function ask(whom: Whom, method: string, range: string): Promise<Answer> {
  const asked = request({ ...whom, method, agent: false, headers: { ...whom.headers, Range: range } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const { statusCode: status, headers } = response
  const body = await buffer(response)
  if (method === 'HEAD') return { status, length: headers['content-length'], parts: [] }
  if (status === 416) return { status, range: headers['content-range'], parts: [] }
  const [, boundary] = /^multipart\/byteranges; boundary=(\S+)$/.exec(headers['content-type'] ?? '') ?? []
  if (boundary !== undefined) return { status, parts: partsOf(body.toString('latin1'), boundary) }
  const part = { range: headers['content-range'], type: headers['content-type'], bytes: body.toString('latin1') }
  return { status, length: headers['content-length'], parts: [part] }
}

/** RFC 2046, section 5.1.1. */
function partsOf(body: string, boundary: string): Part[] {
  const parts = body.split(`\r\n--${boundary}`)
  expect(parts.shift()).to.equal('')
  expect(parts.pop()).to.equal('--\r\n')
  return parts.map(part => {
    const end = part.indexOf('\r\n\r\n')
    const head = new Map(
      part
        .slice(2, end)
        .split('\r\n')
        .map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const)
    )
    return { range: head.get('content-range'), type: head.get('content-type'), bytes: part.slice(end + 4) }
  })
}
