/**
 * From a magnet link, given to a program that starts cold, to the first byte of the content: with one seeder known by a tracker, by the
 * link itself (x.pe), and by a DHT of 60 nodes. Ours beside WebTorrent (from the folder BENCH) and aria2, which tells when it has the
 * metadata only. [ROUNDS]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FakeTracker } from '../support/fake-tracker.js'
import { freePort } from '../support/free-port.js'
import { makeTorrent, randomBytesSeeded, writeContent } from '../support/make-torrent.js'
import { PROGRAM } from '../support/program.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import { benchFile, quantile } from './http/rig.js'

const NODES = 60
const GIVE_UP_MS = 60_000

const rounds = Number(process.argv[2] ?? 5)
const dir = mkdtempSync(join(tmpdir(), 'bt-magnet-'))
const source = { name: 'film.bin', pieceLength: 2 ** 18, data: randomBytesSeeded('magnet', 2 ** 24) }
const made = makeTorrent(source)
const torrentFile = join(dir, 'film.torrent')
writeFileSync(torrentFile, made.torrent)
const dataDir = join(dir, 'data')
writeContent(dataDir, source)
const link = `magnet:?xt=urn:btih:${made.infoHash}`

/** Ends the program when its first byte is here; gives the time from its start, ms. */
async function firstByte(command: readonly string[]): Promise<number> {
  const [program = '', ...args] = command
  const begun = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], cwd: dir })
  const ended = once(child, 'exit')
  const signal = AbortSignal.timeout(GIVE_UP_MS)
  try {
    const [chunk] = (await Promise.race([
      once(child.stdout, 'data', { signal }),
      once(child.stdout, 'end', { signal })
    ])) as [Buffer | undefined]
    return chunk ? performance.now() - begun : Infinity
  } catch {
    return Infinity
  } finally {
    child.stdout.destroy()
    child.kill('SIGKILL')
    await ended
  }
}

/** The same until aria2 has written what it made of the metadata. */
async function metadata(more: readonly string[], uri: string): Promise<number> {
  const folder = mkdtempSync(join(dir, 'aria2-'))
  const port = await freePort()
  const quiet = ['--no-conf', '--enable-dht6=false', '--bt-enable-lpd=false', '--enable-peer-exchange=false', '-q']
  const only = ['--bt-metadata-only=true', '--bt-save-metadata=true', `--dir=${folder}`]
  const begun = performance.now()
  const args = [...quiet, ...only, '--interface=127.0.0.1', `--listen-port=${port}`, ...more, uri]
  const child = spawn('aria2c', args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  while (performance.now() - begun < GIVE_UP_MS && !readdirSync(folder).some(name => name.endsWith('.torrent')))
    await delay(5)
  const took = performance.now() - begun
  child.kill('SIGKILL')
  await ended
  return took < GIVE_UP_MS ? took : Infinity
}

const webTorrent = (uri: string, node?: string): Promise<number> => {
  const script = fileURLToPath(new URL('webtorrent-magnet.js', import.meta.url))
  return firstByte([process.execPath, script, uri, ...(node === undefined ? [] : [node])])
}
const ours = (uri: string, more: readonly string[]): Promise<number> =>
  firstByte([process.execPath, PROGRAM, uri, '--no-lsd', '--no-pex', '--port', '0', ...more])

const hasWebTorrent = existsSync(benchFile('anchors/node_modules/webtorrent'))

/** One round of each in turn, so that what else the machine does meets all alike. */
async function compare(how: string, barMs: number, programs: Record<string, () => Promise<number>>): Promise<void> {
  const times = new Map(Object.keys(programs).map(name => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++)
    for (const [name, run] of Object.entries(programs)) times.get(name)?.push(await run())
  const medians = [...times].map(([name, all]) => [name, quantile(all, 0.5)] as const)
  const [[, mine] = ['', NaN], ...others] = medians
  const best = Math.min(...others.map(([, median]) => median))
  const each = medians.map(([name, median]) => {
    const all = times.get(name)?.map(Math.round).join(' ')
    return `  ${name}: ${Math.round(median)} ms (${all})\n`
  })
  const isMet = mine <= barMs && mine <= best / 2
  process.stdout.write(
    `${how}\n${each.join('')}  ${(mine / best).toFixed(2)} of the best other; ${isMet ? 'met' : 'NOT met'}: half of it, and ${barMs} ms\n`
  )
}

const workDir = mkdtempSync(join(dir, 'seeder-'))
const torrent = { torrentFile, infoHash: made.infoHash, pieceCount: Math.ceil(source.data.length / source.pieceLength) }
{
  await using seeder = await libtorrent.seed({ torrents: [torrent], dataDir, workDir })
  const tracker = await FakeTracker.listen({ peers: [seeder.address] })
  const byTracker = `${link}&tr=${encodeURIComponent(tracker.httpUrl)}`
  await compare('one seeder, by a tracker', 1000, {
    'bt-stream': () => ours(byTracker, ['--no-dht']),
    ...(hasWebTorrent && { WebTorrent: () => webTorrent(byTracker) }),
    'aria2, metadata': () => metadata(['--enable-dht=false'], byTracker)
  })
  await tracker.close()
  const byPeer = `${link}&x.pe=${seeder.address.host}:${seeder.address.port}`
  await compare('one seeder, by the link (x.pe)', 1000, {
    'bt-stream': () => ours(byPeer, ['--no-dht', '--no-tracker']),
    ...(hasWebTorrent && { WebTorrent: () => webTorrent(byPeer) })
  })
}
{
  await using dht = await libtorrent.startDht({ count: NODES, torrentFiles: [torrentFile], dataDir, workDir })
  const entry = `${dht.nodes[10]?.host}:${dht.nodes[10]?.port}`
  await compare(`one seeder, by a DHT of ${NODES} nodes`, 2000, {
    'bt-stream': () => ours(link, ['--no-tracker', '--dht-bootstrap', entry]),
    ...(hasWebTorrent && { WebTorrent: () => webTorrent(link, entry) }),
    'aria2, metadata': async () => {
      const files = [`--dht-file-path=${join(mkdtempSync(join(dir, 'nodes-')), 'dht.dat')}`]
      return metadata([`--dht-entry-point=${entry}`, `--dht-listen-port=${await freePort()}`, ...files], link)
    }
  })
}
rmSync(dir, { recursive: true })
