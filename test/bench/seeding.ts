/**
 * 1 GiB from our `seed` and from libtorrent's seeder, taking turns in one run: to libtorrent, to aria2, and to two of ours at once; time, the
 * seeder's processor time and memory. Then ours with 50 light leechers at once, in other processes. `node dist/test/bench/seeding.js [rounds] [who...]`
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { SeedRig, median, usageOf, type BenchSeeder } from './seed-rig.js'

const LEECHERS = 50
const [rounds = '3', ...who] = process.argv.slice(2)

const rig = await SeedRig.open()
const leechers: Record<string, (port: number) => Promise<unknown>> = {
  libtorrent: port => rig.getLibtorrent(port),
  aria2: port => rig.getAria2(port),
  'two of ours': port => Promise.all([rig.getOurs(port), rig.getOurs(port)])
}
const seeders: Record<string, () => Promise<BenchSeeder>> = {
  ours: () => rig.seedOurs(),
  libtorrent: () => rig.seedLibtorrent()
}
try {
  for (const [name, download] of Object.entries(leechers))
    if (who.length === 0 || who.includes(name)) await compare(name, download)
  if (who.length === 0 || who.includes('many')) await many()
} finally {
  await rig.close()
}

async function compare(name: string, download: (port: number) => Promise<unknown>): Promise<void> {
  const times: Record<string, number[]> = { ours: [], libtorrent: [] }
  const costs: Record<string, number[]> = { ours: [], libtorrent: [] }
  for (let round = -1; round < Number(rounds); round++) {
    for (const [seeder, open] of Object.entries(seeders)) {
      const { port, pid, stop } = await open()
      const before = usageOf(pid).cpu
      const startedAt = performance.now()
      await download(port)
      const seconds = (performance.now() - startedAt) / 1000
      const { cpu, peakMemory } = usageOf(pid)
      await stop()
      if (round < 0) continue
      times[seeder]?.push(seconds)
      costs[seeder]?.push(cpu - before)
      say(
        `${name} from ${seeder}: ${seconds.toFixed(2)} s, seeder ${(cpu - before).toFixed(2)} s CPU, ${inMB(peakMemory)}`
      )
    }
  }
  const [ours, theirs] = [median(times['ours'] ?? []), median(times['libtorrent'] ?? [])]
  const [cpu, theirCpu] = [median(costs['ours'] ?? []), median(costs['libtorrent'] ?? [])]
  say(
    `${name}: ${ours.toFixed(2)} s, libtorrent ${theirs.toFixed(2)} s: x${(ours / theirs).toFixed(2)}; CPU ${cpu.toFixed(2)}, ${theirCpu.toFixed(2)} s`
  )
}

/** Each takes 40 MiB of random blocks. */
async function many(): Promise<void> {
  const { port, pid, stop } = await rig.seedOurs()
  const idle = usageOf(pid)
  const startedAt = performance.now()
  const child = fork(new URL('light-leechers.js', import.meta.url), [
    ...[port, LEECHERS, 40 * 2 ** 20, rig.pieceCount].map(String),
    rig.infoHash
  ])
  await once(child, 'exit')
  const { cpu, peakMemory } = usageOf(pid)
  const seconds = (performance.now() - startedAt) / 1000
  await stop()
  say(
    `${LEECHERS} at once, ${LEECHERS * 40} MiB: ${seconds.toFixed(1)} s, ${(cpu - idle.cpu).toFixed(1)} s CPU, at most ${inMB(peakMemory)} (${inMB(idle.peakMemory)} before)`
  )
}

function inMB(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
