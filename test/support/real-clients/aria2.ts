/** aria2c (Debian: aria2). It finds peers by trackers only: none can be given to it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChildProgram } from '../child-program.js'
import { freePort, onFreePort } from '../free-port.js'
import {
  LOOPBACK,
  ownEnvironment,
  ready,
  type Address,
  type Encryption,
  type LeechOptions,
  type MetadataOptions,
  type RealClient,
  type SeedOptions
} from './real-client.js'

function settings(port: number, dataDir: string, host = LOOPBACK.host): string[] {
  return [
    '--no-conf',
    '--enable-dht=false',
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--enable-peer-exchange=false',
    `--interface=${host}`,
    `--listen-port=${port}`,
    `--dir=${dataDir}`,
    '--show-console-readout=false',
    '--summary-interval=0',
    `--stop-with-process=${process.pid}`
  ]
}

/** It cannot be told to refuse encryption. */
function cipher(encryption: Encryption = 'allow'): string[] {
  return encryption === 'require' ? ['--bt-require-crypto=true', '--bt-min-crypto-level=arc4'] : []
}

export async function seed(options: SeedOptions): Promise<RealClient> {
  const { torrents, dataDir, workDir, encryption, place = LOOPBACK } = options
  const { host, netns } = place
  return onFreePort(port => {
    const files = torrents.map(torrent => torrent.torrentFile)
    const all = `--max-concurrent-downloads=${torrents.length}` // by default five
    const seeding = [all, '--seed-ratio=0', '--check-integrity=true', ...cipher(encryption)]
    const args = [...settings(port, dataDir, host), ...seeding, ...files]
    const surroundings = { cwd: workDir, env: ownEnvironment(workDir), netns }
    const program = new ChildProgram('aria2c', args, { name: 'aria2', ...surroundings })
    return ready(program, { host, port }, options)
  })
}

/** Resolves when the download is complete, from whom the torrent's trackers name. */
export async function leech({ torrentFile, dataDir, encryption, timeoutMs = 30_000 }: LeechOptions): Promise<void> {
  const args = [...settings(await freePort(), dataDir), '--seed-time=0', ...cipher(encryption), torrentFile]
  const program = new ChildProgram('aria2c', args, { name: 'aria2', env: ownEnvironment(dataDir) })
  const { code } = await program.waitForExit(timeoutMs)
  if (code !== 0) throw program.error('did not complete the download')
}

/** Resolves to the .torrent that it makes of the link with what peers say, whom the link's trackers name. */
export async function fetchMetadata({
  link,
  workDir,
  dhtEntry,
  timeoutMs = 40_000
}: MetadataOptions & {
  /** A node by which it enters the DHT; without one it stays out. */
  dhtEntry?: Address
}): Promise<Buffer> {
  const only = ['--bt-metadata-only=true', '--bt-save-metadata=true']
  const dht = dhtEntry
    ? [
        '--enable-dht=true',
        `--dht-listen-port=${await freePort()}`,
        `--dht-entry-point=${dhtEntry.host}:${dhtEntry.port}`,
        `--dht-file-path=${join(workDir, 'dht.dat')}`
      ]
    : []
  const args = [...settings(await freePort(), workDir), ...only, ...dht, link]
  const program = new ChildProgram('aria2c', args, { name: 'aria2', env: ownEnvironment(workDir) })
  const { code } = await program.waitForExit(timeoutMs)
  const saved = readdirSync(workDir).find(name => name.endsWith('.torrent'))
  if (code !== 0 || saved === undefined) throw program.error('did not get the metadata')
  return readFileSync(join(workDir, saved))
}
