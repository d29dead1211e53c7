/**
 * What the measurements of HTTP share: programs that live as long as one of them, and where the other programs and the data are: in the
 * folder BENCH (docs/benchmarks.md), with the scripted swarm that BENCH_RIG holds.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { RunningProgram } from '../../support/program.js'

const BENCH = process.env['BENCH'] ?? '/tmp/bt-bench'
const RIG = process.env['BENCH_RIG'] ?? '../shared/bench'

export const benchFile = (name: string): string => `${BENCH}/${name}`
export const rigFile = (name: string): string => `${RIG}/${name}`

/** A program, and its lines on standard output. */
export interface Started {
  readonly child: ChildProcess
  readonly lines: readonly string[]
  readonly stop: () => Promise<void>
}

/** Resolves when a line of its standard output matches. */
export async function start(command: readonly string[], isReady: RegExp): Promise<Started> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, BENCH } })
  const lines: string[] = []
  const ended = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      lines.push(line)
      if (isReady.test(line)) resolve()
    })
    child.once('error', reject).once('exit', () => reject(new Error(`${command.join(' ')} ended too early`)))
  })
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
  }
  return { child, lines, stop }
}

/** The scripted swarm of a profile, for 128 MiB; gives the peers' addresses. */
export async function startSwarm(
  profile: string,
  [torrent, data]: readonly [string, string] = [benchFile('mid.bin.torrent'), benchFile('data/mid.bin')]
): Promise<Started & { readonly peers: readonly string[] }> {
  const swarm = await start([process.execPath, rigFile('swarm.mjs'), torrent, data, profile], /ready/)
  return { ...swarm, peers: swarm.lines.filter(line => line.includes(':')) }
}

/** One seeder of 1 GiB that is faster than anybody. */
export async function startBlast(): Promise<Started & { readonly peers: readonly string[] }> {
  const blast = await start([benchFile('blast'), benchFile('data/big.bin'), '1048576', '127.0.0.1', '7002'], /./)
  return { ...blast, peers: ['127.0.0.1:7002'] }
}

/** Ours; gives the URL of the first file. */
export async function startServe(
  torrent: string,
  peers: readonly string[],
  more: readonly string[] = []
): Promise<Served> {
  const program = new RunningProgram(['serve', torrent, ...onlyThese(peers), '--json', ...more])
  const { url } = JSON.parse(await program.line(/"http"/)) as { url: string }
  const { torrents } = (await (await fetch(`${url}api`)).json()) as { torrents: { files: { url: string }[] }[] }
  return { program, page: url, file: torrents[0]?.files[0]?.url ?? '' }
}

export interface Served {
  readonly program: RunningProgram
  readonly page: string
  readonly file: string
}

export const onlyThese = (peers: readonly string[]): string[] => [
  '--no-discovery',
  ...peers.flatMap(peer => ['--peer', peer])
]

/** From the request to the first byte of its body, ms. */
export async function timeToFirstByte(url: string, start: number, take: number): Promise<number> {
  const begun = performance.now()
  const asked = request(url, { agent: false, headers: { Range: `bytes=${start}-` } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let first = 0
  let taken = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    first ||= performance.now() - begun
    taken += chunk.length
    if (taken >= take) break
  }
  asked.destroy()
  return first
}

/** Of numbers, the one that a share of them is below. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** The most memory that a process ever had resident, MB. */
export function peakMemory({ pid }: ChildProcess): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1000)
}

/** The same numbers each time. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
