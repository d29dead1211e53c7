/** opentracker (Debian: opentracker), over HTTP and UDP on one port. It serves only torrents that it was told of. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ChildProgram } from '../child-program.js'
import { onFreePort } from '../free-port.js'
import { listening, LOOPBACK, ownEnvironment, type Place } from './real-client.js'

/** What it knows of a torrent. */
export interface SwarmCounts {
  /** Peers that have all. */
  readonly complete: number
  readonly incomplete: number
  /** How often somebody told that a download was completed. */
  readonly downloaded: number
}

/** `await using` stops it. */
export interface Opentracker extends AsyncDisposable {
  readonly httpUrl: string
  readonly udpUrl: string
  /** Resolves when the tracker knows `count` complete peers; there is no event for it, so it asks (scrape) every 100 ms. */
  waitForSeeders(infoHash: string, count: number, timeoutMs?: number): Promise<void>
  /** Resolves to what it counts; there is no event for a change. */
  scrape(infoHash: string): Promise<SwarmCounts>
}

export async function startOpentracker({
  infoHashes,
  workDir,
  place: { host, netns } = LOOPBACK
}: {
  infoHashes: string[]
  workDir: string
  /** By default 127.0.0.1. In another namespace it can be asked by programs there, not by `waitForSeeders`. */
  place?: Place
}): Promise<Opentracker> {
  chmodSync(workDir, 0o755) // started by root it becomes nobody, in a chroot, before it reads the list
  writeFileSync(join(workDir, 'whitelist'), infoHashes.join('\n') + '\n')
  return onFreePort(async port => {
    const args = ['-i', host, '-p', String(port), '-P', String(port), '-w', 'whitelist', '-d', workDir]
    const program = new ChildProgram('opentracker', args, { cwd: workDir, env: ownEnvironment(workDir), netns })
    await listening(program, { host, port }, { netns })
    const base = `http://${host}:${port}`
    return {
      httpUrl: `${base}/announce`,
      udpUrl: `udp://${host}:${port}/announce`,
      waitForSeeders: async (infoHash, count, timeoutMs = 10_000) => {
        const until = performance.now() + timeoutMs
        while ((await scrape(base, infoHash)).complete < count) {
          if (performance.now() > until) throw program.error(`does not know ${count} seeders of ${infoHash}`)
          await delay(100)
        }
      },
      scrape: infoHash => scrape(base, infoHash),
      [Symbol.asyncDispose]: () => program.stop()
    }
  })
}

/** BEP 48, read without a decoder. */
async function scrape(base: string, infoHash: string): Promise<SwarmCounts> {
  const response = await fetch(`${base}/scrape?info_hash=${infoHash.replace(/../g, '%$&')}`)
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1')
  const count = (name: string): number => Number(new RegExp(`${name}i(\\d+)e`).exec(body)?.[1] ?? 0)
  return { complete: count('8:complete'), incomplete: count('10:incomplete'), downloaded: count('10:downloaded') }
}
