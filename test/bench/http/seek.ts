/** Seeks over HTTP to random places of 128 MiB, in a swarm that is warm: ours beside WebTorrent's server. [SEEKS] [ROUNDS] */
import { rmSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { benchFile, quantile, rigFile, seeded, start, startServe, startSwarm, timeToFirstByte } from './rig.js'

const LENGTH = 2 ** 27
/** A player reads on a little before it seeks again. */
const TAKEN = 2 ** 19
const WARM_UP_MS = 3000
const seeks = Number(process.argv[2] ?? 20)
const rounds = Number(process.argv[3] ?? 3)
const torrent = benchFile('mid.bin.torrent')

const servers = {
  ours: async (peers: readonly string[]) => {
    const { program, file } = await startServe(torrent, peers)
    const stop = async (): Promise<void> => {
      program.child.kill('SIGINT')
      await program.exit()
    }
    return { url: file, stop }
  },
  webtorrent: async (peers: readonly string[]) => {
    const script = fileURLToPath(new URL('webtorrent-server.js', import.meta.url))
    const { lines, stop } = await start([process.execPath, script, torrent, ...peers], /^http/)
    return { url: lines.at(-1) ?? '', stop }
  }
}

const times: Record<string, number[]> = {}
for (let round = 0; round < rounds; round++) {
  for (const [who, serve] of Object.entries(servers)) {
    const random = seeded(round + 1)
    const swarm = await startSwarm(rigFile('good.json'))
    const { url, stop } = await serve(swarm.peers)
    await timeToFirstByte(url, 0, 2 * TAKEN)
    await delay(WARM_UP_MS)
    for (let i = 0; i < seeks; i++) {
      const place = Math.floor(random() * (LENGTH - TAKEN))
      times[who] = [...(times[who] ?? []), await timeToFirstByte(url, place, TAKEN)]
    }
    await stop()
    await swarm.stop()
  }
}
for (const [who, list] of Object.entries(times)) {
  const [p50, p95] = [quantile(list, 0.5), quantile(list, 0.95)].map(Math.round)
  process.stdout.write(
    `seek ${who.padEnd(12)} p50 ${p50} ms, p95 ${p95} ms, longest ${Math.round(Math.max(...list))} ms of ${list.length}\n`
  )
}
for (const name of readdirSync(tmpdir())) if (name.startsWith('wt-')) rmSync(join(tmpdir(), name), { recursive: true })
