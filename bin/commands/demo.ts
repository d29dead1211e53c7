/** `bt-stream demo`: a swarm inside the program, and the real program downloading from it into the real `tar`. */
import { rmSync } from 'node:fs'
import { basename } from 'node:path'
import { createEmbeddedSwarm, type EmbeddedSwarm } from '../../lib/index.js'
import { DemoError, runDemo, type DemoResult } from '../demo-run.js'
import { bytes, plural, rate } from '../messages/quantity.js'
import type { SharedOptions } from '../options.js'
import { secondsLeft } from '../progress.js'
import { runCommand, type Session } from '../session.js'

const TICK_MS = 100

export async function demo(options: SharedOptions): Promise<void> {
  await runCommand(options, async session => {
    const swarm = await createEmbeddedSwarm()
    // A second Ctrl-C leaves no time for `close`.
    process.once('exit', () => {
      rmSync(swarm.folder, { recursive: true, force: true })
    })
    session.atEnd(() => swarm.close())
    note(session, 'A tracker and three seeders start inside this program; nothing leaves the machine.')
    await swarm.start({ signal: session.signal })
    note(session, `They share a tar archive of ${bytes(swarm.length)}; tracker: ${swarm.trackerUrl}`)
    note(session, `\n  $ bt-stream ${basename(swarm.torrentPath)} | tar tv\n`)
    const startedAt = performance.now()
    const result = await download(session, swarm)
    report(session, swarm, result, performance.now() - startedAt)
  })
}

async function download({ messages, signal }: Session, swarm: EmbeddedSwarm): Promise<DemoResult> {
  const startedAt = performance.now()
  let done = 0
  const tick = (): void => {
    const { length: total, seeders } = swarm
    const downloadRate = Math.round((done * 1000) / Math.max(performance.now() - startedAt, 1))
    const peers = seeders.filter(seeder => seeder.stats().uploaded > 0).length
    const eta = secondsLeft(done, total, downloadRate)
    messages.say({ event: 'progress', done, total, downloadRate, uploadRate: 0, peers, eta, waiting: null })
  }
  const timer = messages.progressEveryMs > 1000 ? undefined : setInterval(tick, TICK_MS)
  try {
    return await runDemo({ torrentPath: swarm.torrentPath, signal, onBytes: count => (done = count) })
  } finally {
    clearInterval(timer)
    messages.end()
  }
}

function report(session: Session, swarm: EmbeddedSwarm, { sha256, listing, end }: DemoResult, elapsedMs: number): void {
  if (listing) note(session, listing.map(line => `  ${line}`).join('\n'))
  else note(session, 'There is no tar on this machine: only the checksum is compared.')
  if (sha256 !== swarm.sha256) throw new DemoError(`what came out has the checksum ${sha256}, not ${swarm.sha256}`)
  const speed = `${(elapsedMs / 1000).toFixed(1)} s (${rate((swarm.length * 1000) / elapsedMs)})`
  const { peers, peakMemory, firstByteMs } = end
  note(
    session,
    `\n${bytes(swarm.length)} in ${speed} from ${plural(Number(peers), 'peer')}, the program's start included;`
  )
  note(
    session,
    `first byte after ${Math.round(Number(firstByteMs))} ms, at most ${bytes(Number(peakMemory))} of memory.`
  )
  note(session, `sha256 ${sha256}`)
  note(session, 'Verified: what came out is what was put in, byte for byte.')
}

function note({ messages }: Session, message: string): void {
  messages.say({ event: 'note', message })
}
