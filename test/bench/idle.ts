/**
 * What a client costs that has nothing to do: 20 torrents, half of them complete, half waiting for what nobody has, and 200 peers, in another process, that
 * are connected and silent. Processor time of a minute in hundredths of one core, and memory. `node dist/test/bench/idle.js [seconds] [torrents] [peers]`
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../../lib/client.js'
import { FAST_EXTENDED, FakePeer } from '../support/fake-peer.js'
import { makeTorrent, randomBytesSeeded, writeContent } from '../support/make-torrent.js'

const PIECES = 64
const PIECE_LENGTH = 65_536
const [seconds = 60, torrentCount = 20, peerCount = 200] = process.argv.slice(2).map(Number)

if (process.send) {
  const [port, ...infoHashes] = (await once(process, 'message'))[0] as [number, ...string[]]
  for (let i = 0; i < peerCount; i++) await connect(port, infoHashes[i % infoHashes.length] ?? '')
  process.send('connected')
} else {
  await measure()
}

/** A peer that has half of the first piece's neighbours, wants nothing for now and lets nobody ask. */
async function connect(port: number, infoHash: string): Promise<void> {
  const peer = await FakePeer.dial(port)
  peer.sendHandshake(Buffer.from(infoHash, 'hex'), peer.peerId, FAST_EXTENDED)
  peer.sendBitfield(Buffer.alloc(PIECES / 8, 0x55))
  await peer.expectHandshake()
  setInterval(() => peer.send(Buffer.alloc(4)), 100_000)
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bt-idle-'))
  const child = fork(new URL(import.meta.url), process.argv.slice(2))
  const client = new Client({ host: '127.0.0.1', port: 0, dht: false })
  try {
    for (let i = 0; i < torrentCount; i++) {
      const source = {
        name: `idle-${i}`,
        pieceLength: PIECE_LENGTH,
        data: randomBytesSeeded(`idle-${i}`, PIECES * PIECE_LENGTH)
      }
      const isComplete = i % 2 === 0
      const dir = join(folder, isComplete ? 'complete' : 'empty')
      if (isComplete) writeContent(dir, source)
      const options = { dir, readOnly: isComplete, trackers: false, peerTimeoutMs: 0, stallTimeoutMs: 0 }
      const torrent = await client.add(makeTorrent(source).torrent, options)
      await torrent.ready()
      if (!isComplete) torrent.download().catch(() => undefined)
    }
    tell('no peer', await usage())
    child.send([client.port ?? 0, ...client.torrents.map(({ infoHash }) => infoHash)])
    await once(child, 'message')
    await delay(2000)
    tell(`${client.torrents.reduce((sum, torrent) => sum + torrent.stats().peers, 0)} peers`, await usage())
  } finally {
    child.kill()
    await client.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Hundredths of a core, and bytes. */
async function usage(): Promise<[percent: number, rss: number]> {
  const [before, startedAt] = [process.cpuUsage(), performance.now()]
  await delay(seconds * 1000)
  const { user, system } = process.cpuUsage(before)
  return [(user + system) / 10 / (performance.now() - startedAt), process.memoryUsage.rss()]
}

function tell(what: string, [percent, rss]: [number, number]): void {
  const figures = `${percent.toFixed(2)} % of a core, ${Math.round(rss / 1e6)} MB`
  process.stdout.write(`${torrentCount} torrents, ${what}: ${figures}\n`)
}
