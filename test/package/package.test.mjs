/**
 * What a user gets who installs the packed package. `.ci/run` copies this file beside an installed package and runs it with `node --test`
 * on each version of Node. Plain JavaScript, no dependency but the package.
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'

const require = createRequire(import.meta.url)
const manifestPath = require.resolve('bt-stream/package.json')
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'))
const packageDir = dirname(manifestPath)
const program = join(packageDir, manifest.bin['bt-stream'])

const dir = mkdtempSync(join(tmpdir(), 'bt-package-'))
after(() => rmSync(dir, { recursive: true, force: true }))

describe('the installed package', () => {
  it('holds the program, its types and its docs, and no tests', () => {
    const files = readdirSync(packageDir, { recursive: true }).map(path => path.replaceAll('\\', '/'))
    for (const wanted of [
      'dist/bin/bt-stream.js',
      'dist/lib/index.js',
      'dist/lib/index.d.ts',
      'README.md',
      'LICENSE'
    ]) {
      assert.ok(files.includes(wanted), `${wanted} is missing`)
    }
    const unwanted = files.filter(path => /^(test|dist\/test|\.ci)\/|\.tsbuildinfo$/.test(path))
    assert.deepEqual(unwanted, [])
  })

  it('can be imported, and gives the same to require()', async () => {
    const imported = await import('bt-stream')
    assert.equal(typeof imported.openTorrent, 'function')
    const required = require('bt-stream')
    assert.equal(required.openTorrent, imported.openTorrent)
  })

  it('has types that compile in a strict TypeScript project', () => {
    const project = join(import.meta.dirname, 'types') // beside the installed package, so that it is found as a user's code finds it
    mkdirSync(project, { recursive: true })
    writeFileSync(
      join(project, 'consumer.mts'),
      `import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Readable, Writable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { BtError, createServer, openTorrent, type ErrorCode, type PieceMapCell, type TorrentFile, type Torrent, type TorrentOptions, type TorrentStats } from 'bt-stream'
export async function save(source: string | Buffer, path: string, signal: AbortSignal): Promise<void> {
  await using torrent = await openTorrent(source, { signal })
  const [file] = torrent.files
  if (!file) return
  const length: number = file.length
  await pipeline(file.createReadStream({ start: 0, end: length - 1, signal }), createWriteStream(path))
}
const options: TorrentOptions = { dir: 'x', only: [0, 'a'], peers: ['1.2.3.4:5'], maxMemory: 2 ** 24, discovery: false }
export const opened: Promise<Torrent> = openTorrent(new URL('file:///x.torrent'), options)
export function watch(torrent: Torrent): TorrentStats {
  torrent.on('peer', ({ address, isIncoming }) => console.log(address.toUpperCase(), isIncoming === true))
  torrent.once('failure', error => console.log(codeOf(error) === 'ERR_BT_STALLED', error.bytesDelivered))
  // @ts-expect-error no such event
  torrent.on('pear', () => undefined)
  return torrent.stats()
}
export async function read(file: TorrentFile, sink: Writable, signal: AbortSignal): Promise<string> {
  const stream: Readable = file.createReadStream({ start: 1, highWaterMark: 2 ** 20, signal })
  for await (const chunk of file) if (chunk.readUInt8(0) === 0) break
  const web: ReadableStream<Uint8Array> = file.slice(-100).slice(0, 50).stream()
  const bytes: ArrayBuffer = await file.arrayBuffer()
  const written: number = await file.writeTo(sink, { end: 9 })
  // @ts-expect-error a stream is no sink
  await file.writeTo(stream)
  // @ts-expect-error bytes are counted
  file.createReadStream({ start: '0' })
  return \`\${await file.text()} \${bytes.byteLength + written} \${web.locked}\`
}
export async function share(torrent: Torrent): Promise<string> {
  await using server = await torrent.serve({ port: 0, host: '127.0.0.1', allowedHosts: ['box'] })
  await using both = await createServer([torrent], {})
  const cells: PieceMapCell[] = torrent.pieceMap(16)
  const archive: Readable = torrent.createTarStream({ start: 512 })
  archive.destroy()
  return server.urlOf(torrent, 0) + both.urls.join() + torrent.tar.length + cells.length + torrent.stats().waiting
}
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof BtError ? error.code : undefined
}
// @ts-expect-error a number is no source
export const wrong = openTorrent(1)
// @ts-expect-error undefined is not "not given"
export const strict: TorrentOptions = { dir: undefined }
`
    )
    writeFileSync(
      join(project, 'consumer.cts'),
      `import bt = require('bt-stream')
export const opened: Promise<bt.Torrent> = bt.openTorrent('x.torrent')
`
    )
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(process.env.BT_PROJECT, 'node_modules', '@types')]
    }
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['consumer.mts', 'consumer.cts'] })
    )
    const compiler = join(process.env.BT_PROJECT, 'node_modules', 'typescript', 'bin', 'tsc')
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' })
    assert.equal(status, 0, stdout)
  })

  it('tells its version, as a command too', () => {
    const command = join(import.meta.dirname, 'node_modules', '.bin', 'bt-stream')
    const runs = [[process.execPath, [program, '--version']]]
    if (process.platform !== 'win32') runs.push([command, ['--version']])
    for (const [file, args] of runs) {
      const { status, stdout } = spawnSync(file, args, { encoding: 'utf8' })
      assert.equal(stdout?.trim(), manifest.version)
      assert.equal(status, 0)
    }
  })

  it('has source maps that hold their sources', () => {
    const map = JSON.parse(readFileSync(join(packageDir, 'dist/lib/index.js.map'), 'utf8'))
    assert.equal(map.sourcesContent.length, map.sources.length)
  })
})

describe('a download from a seeder of our own', () => {
  const content = randomBytes(3 * 1024 * 1024 + 7)
  const torrentFile = join(dir, 'content.torrent')
  let seeder
  let peer

  before(async () => {
    writeFileSync(join(dir, 'content'), content)
    writeFileSync(torrentFile, torrentOf('content', content, 65_536))
    const args = ['seed', torrentFile, '--dir', dir, '--no-tracker', '--json']
    seeder = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    process.once('exit', () => seeder.kill('SIGKILL'))
    peer = `127.0.0.1:${await listeningPort(seeder)}`
  })

  after(async () => {
    const closed = once(seeder, 'close')
    if (seeder.kill('SIGTERM')) await closed
  })

  it('comes out of the program', async () => {
    const args = [program, torrentFile, '--no-discovery', '--peer', peer]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    const chunks = await child.stdout.toArray()
    assert.deepEqual(await closed, [0, null])
    assert.ok(content.equals(Buffer.concat(chunks)))
  })

  it('comes out of a stream in Node', async () => {
    const { openTorrent } = require('bt-stream')
    const torrent = await openTorrent(torrentFile, { peers: [peer], discovery: false })
    try {
      const chunks = await torrent.files[0].createReadStream({ start: 100_000, end: 2_000_000 }).toArray()
      assert.ok(content.subarray(100_000, 2_000_001).equals(Buffer.concat(chunks)))
    } finally {
      await torrent.close()
    }
  })

  it('has the page to watch on', async () => {
    const { openTorrent } = require('bt-stream')
    const torrent = await openTorrent(torrentFile, { peers: [peer], discovery: false })
    try {
      const { url } = await torrent.serve()
      const [page] = await once(get(url), 'response')
      assert.match(Buffer.concat(await page.toArray()).toString(), /<script>[^]+<\/script>/)
    } finally {
      await torrent.close()
    }
  })
})

/** A single-file torrent without trackers. */
function torrentOf(name, data, pieceLength) {
  const hashes = []
  for (let at = 0; at < data.length; at += pieceLength) {
    hashes.push(
      createHash('sha1')
        .update(data.subarray(at, at + pieceLength))
        .digest()
    )
  }
  const head = `d4:infod6:lengthi${data.length}e4:name${name.length}:${name}12:piece lengthi${pieceLength}e6:pieces${hashes.length * 20}:`
  return Buffer.concat([Buffer.from(head), ...hashes, Buffer.from('ee')])
}

/** Resolves when the program's events on stderr say that it listens; rejects when it ends before. */
function listeningPort(child) {
  let output = ''
  return new Promise((resolve, reject) => {
    child.stderr.on('data', chunk => {
      output += chunk
      const line = /^\{.*"event":"listening".*\}$/m.exec(output)
      if (line) resolve(JSON.parse(line[0]).port)
    })
    child.once('close', () => reject(new Error(`the seeder ended:\n${output}`)))
  })
}
