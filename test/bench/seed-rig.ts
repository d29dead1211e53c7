/** What the measurements of seeding share: 1 GiB from the folder BENCH with a tracker of our own, seeders, programs that download, and what the system says of a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { FakeTracker } from '../support/fake-tracker.js'
import { freePort } from '../support/free-port.js'
import { PROGRAM, RunningProgram } from '../support/program.js'
import { projectRoot } from '../support/project.js'
import { PYTHON } from '../support/real-clients/libtorrent.js'
import { benchFile, start } from './http/rig.js'

const TICKS_A_SECOND = 100

export interface BenchSeeder {
  readonly port: number
  readonly pid: number
  readonly stop: () => Promise<void>
}

export interface Download {
  readonly seconds: number
  /** Of processor time, user's and system's. */
  readonly cpu: number
}

/** In memory: the disk is not what is measured. Each download goes to a new folder. */
export class SeedRig {
  readonly torrent: string
  readonly infoHash: string
  readonly pieceCount: number
  readonly length: number
  readonly #folder = mkdtempSync('/dev/shm/bt-seeding-')
  readonly #tracker: FakeTracker

  private constructor(tracker: FakeTracker) {
    const { infoHash, infoBytes, pieceHashes, length } = parseMetainfo(readFileSync(benchFile('big.bin.torrent')))
    const url = tracker.httpUrl
    this.#tracker = tracker
    this.torrent = join(this.#folder, 'big.torrent')
    this.infoHash = infoHash.toString('hex')
    this.pieceCount = pieceHashes.length / 20
    this.length = length
    writeFileSync(
      this.torrent,
      Buffer.concat([Buffer.from(`d8:announce${url.length}:${url}4:info`), infoBytes, Buffer.from('e')])
    )
  }

  static async open(): Promise<SeedRig> {
    return new SeedRig(await FakeTracker.listen({ interval: 60 }))
  }

  async close(): Promise<void> {
    await this.#tracker.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Ours, as a program; `flags` are Node's. Resolves when all was checked. */
  async seedOurs(flags: readonly string[] = []): Promise<BenchSeeder> {
    const local = ['--host', '127.0.0.1', '--port', '0', '--no-tracker', '--no-dht', '--no-lsd', '--json']
    const env = { NODE_OPTIONS: flags.join(' ') }
    const program = new RunningProgram(['seed', this.torrent, '--dir', benchFile('data'), ...local], { env })
    await program.line(/"serving"/)
    const { port } = JSON.parse(await program.line(/"listening"/)) as { port: number }
    const stop = async (): Promise<void> => {
      program.child.kill()
      await program.exit()
    }
    return { port, pid: program.child.pid ?? 0, stop }
  }

  async seedLibtorrent(): Promise<BenchSeeder> {
    const { child, lines, stop } = await start(
      [PYTHON, script('seed.py'), benchFile('data'), this.torrent],
      /changed to: seeding/
    )
    const port = Number(/listening on (\d+)/.exec(lines.join('\n'))?.[1])
    return { port, pid: child.pid ?? 0, stop }
  }

  async getOurs(port: number, ...options: string[]): Promise<Download> {
    const args = ['get', this.torrent, '--no-discovery', '--peer', `127.0.0.1:${port}`, '-q', ...options]
    return await this.#download(dir => [process.execPath, PROGRAM, ...args, '-o', dir])
  }

  async getLibtorrent(port: number): Promise<Download> {
    return await this.#download(dir => [PYTHON, script('leech.py'), this.torrent, dir, `127.0.0.1:${port}`])
  }

  async getAria2(port: number): Promise<Download> {
    this.#tracker.behaviour.peers = [{ host: '127.0.0.1', port }]
    const quiet = [
      '--no-conf',
      '--enable-dht=false',
      '--enable-dht6=false',
      '--bt-enable-lpd=false',
      '--console-log-level=error'
    ]
    const local = ['--enable-peer-exchange=false', '--interface=127.0.0.1', `--listen-port=${await freePort()}`]
    const once = ['--seed-time=0', '--file-allocation=none', '--summary-interval=0', '--show-console-readout=false']
    return await this.#download(dir => ['aria2c', ...quiet, ...local, ...once, `--dir=${dir}`, this.torrent])
  }

  /** Rejects when it fails, or what it got is not as long as it must be. */
  async #download(command: (dir: string) => readonly string[]): Promise<Download> {
    const dir = mkdtempSync(join(this.#folder, 'got-'))
    const [program = '', ...args] = command(dir)
    const startedAt = performance.now()
    const child = spawn('/usr/bin/time', ['-f', '@@ %U %S', program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    const seconds = (performance.now() - startedAt) / 1000
    const [, user, system] = /@@ ([\d.]+) ([\d.]+)/.exec(said) ?? []
    const got = readFileSync(join(dir, 'big.bin'))
    rmSync(dir, { recursive: true, force: true })
    if (code !== 0 || got.length !== this.length) throw new Error(`${program} ${code}: ${said}`)
    return { seconds, cpu: Number(user) + Number(system) }
  }
}

/** Bytes of memory that the process has at the most had, and its seconds of processor time. */
export function usageOf(pid: number): { peakMemory: number; cpu: number } {
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return { peakMemory: peak, cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN
}

function script(name: string): string {
  return `${projectRoot}test/support/real-clients/python/${name}`
}
