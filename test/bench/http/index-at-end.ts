/** The first frame in Chromium of an mp4 of more than 512 MiB whose index is at its end: how much was fetched for it. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { encode } from '../../../lib/metainfo/bencode.js'
import { installedPath } from '../../support/real-clients/available.js'
import { rigFile, startServe, startSwarm } from './rig.js'

const CLIP_S = 60
const PIECE = 2 ** 19
const MIB = 2 ** 20
const dir = mkdtempSync(join(tmpdir(), 'bt-index-'))
const [clip, film, torrent] = ['clip.mp4', 'film.mp4', 'film.torrent'].map(name => join(dir, name)) as [
  string,
  string,
  string
]

const input = [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=duration=${CLIP_S}:size=1280x720:rate=25`,
  '-f',
  'lavfi',
  '-i',
  `sine=duration=${CLIP_S}`
]
const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '8M', '-minrate', '8M', '-c:a', 'aac']
execFileSync('ffmpeg', ['-v', 'error', ...input, ...coding, clip])
const times = Math.ceil((520 * MIB) / statSync(clip).size)
execFileSync('ffmpeg', ['-v', 'error', '-stream_loop', String(times), '-i', clip, '-c', 'copy', film])
const { size } = statSync(film)
writeTorrent()

const swarm = await startSwarm(rigFile('good.json'), [torrent, film])
const { program, page: url } = await startServe(torrent, swarm.peers)
const browser = await chromium.launch({
  executablePath: installedPath('chromium') ?? '',
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required']
})
const page = await browser.newPage()
await page.goto(url)
const begun = performance.now()
await page.evaluate(`new Promise(resolve => {
  const video = document.querySelector('video')
  video.requestVideoFrameCallback(resolve)
  video.play()
})`)
const ms = Math.round(performance.now() - begun)
const fetched = await downloaded()
await browser.close()
program.child.kill('SIGINT')
await program.exit()
await swarm.stop()
const index = indexBytes()
const bar = 20 * MIB + index
process.stdout.write(
  `index at the end, ${Math.round(size / MIB)} MiB: first frame after ${ms} ms and ${(fetched / MIB).toFixed(1)} MiB; index ${(index / MIB).toFixed(1)} MiB, 4 + 16 MiB + index ${(bar / MIB).toFixed(1)} MiB\n`
)
rmSync(dir, { recursive: true })

/** Of what came: what is verified, as far as the figures of the page say. */
async function downloaded(): Promise<number> {
  const events = await fetch(`${url}events`)
  const reader = events.body?.getReader()
  const read = await reader?.read()
  await reader?.cancel()
  const text = Buffer.from((read?.value ?? []) as Uint8Array).toString()
  const { torrents } = JSON.parse(text.slice('data: '.length)) as { torrents: { verified: number }[] }
  return torrents[0]?.verified ?? NaN
}

/** A film of this size is not read into memory. */
function writeTorrent(): void {
  const file = openSync(film, 'r')
  const piece = Buffer.alloc(PIECE)
  const digests: Buffer[] = []
  for (let at = 0; at < size; at += PIECE) {
    const length = readSync(file, piece, 0, PIECE, at)
    digests.push(createHash('sha1').update(piece.subarray(0, length)).digest())
  }
  closeSync(file)
  const info = { length: size, name: 'film.mp4', 'piece length': PIECE, pieces: Buffer.concat(digests) }
  writeFileSync(torrent, encode({ info }))
}

/** The box `moov`, whose length stands before its name; the boxes before it are skipped by theirs. */
function indexBytes(): number {
  const file = openSync(film, 'r')
  const head = Buffer.alloc(16)
  for (let at = 0; at < size;) {
    readSync(file, head, 0, 16, at)
    const length = head.readUInt32BE(0) === 1 ? Number(head.readBigUInt64BE(8)) : head.readUInt32BE(0)
    if (head.toString('latin1', 4, 8) === 'moov') return length
    at += length
  }
  throw new Error('no index')
}
