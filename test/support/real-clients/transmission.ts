/** transmission-daemon (Debian: transmission-daemon). It takes its torrents from a watched folder, so it needs no remote control. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ChildProgram } from '../child-program.js'
import { onFreePort } from '../free-port.js'
import {
  LOOPBACK,
  ownEnvironment,
  ready,
  runningClient,
  type Address,
  type Place,
  type RealClient,
  type SeedOptions
} from './real-client.js'

/** It cannot be told to refuse encryption: 0 is to begin plainly, 2 to speak nothing else. */
export async function seed(options: SeedOptions): Promise<RealClient> {
  const { torrents, dataDir, workDir, encryption, place = LOOPBACK } = options
  const { host, netns } = place
  return onFreePort(port => {
    const files = torrents.map(({ torrentFile }) => torrentFile)
    const more = { 'bind-address-ipv4': host, encryption: encryption === 'require' ? 2 : 0, 'peer-port': port }
    const configDir = configure(join(workDir, `config-${port}`), files, dataDir, more)
    const args = ['--foreground', '--config-dir', configDir]
    const program = new ChildProgram('transmission-daemon', args, {
      name: 'Transmission',
      env: ownEnvironment(workDir),
      netns
    })
    return ready(program, { host, port }, options)
  })
}

/** One that knows nobody but by the DHT. */
export interface TransmissionInDht extends RealClient {
  /** Resolves when it has all of the torrent of this name that it did not have at its start. */
  completed(name: string, timeoutMs: number): Promise<void>
}

/** Takes part in a DHT of at least nine nodes: with fewer it neither asks nor announces. It wants nothing of 127/8. */
export function startInDht({
  place: { host, netns },
  nodes,
  torrentFiles,
  dataDir,
  workDir
}: {
  place: Place
  /** Where it enters. */
  nodes: readonly Address[]
  torrentFiles: readonly string[]
  dataDir: string
  workDir: string
}): TransmissionInDht {
  const port = 51_413
  const more = { 'bind-address-ipv4': host, 'dht-enabled': true, 'peer-port': port }
  const configDir = configure(join(workDir, 'config'), torrentFiles, dataDir, more)
  writeFileSync(join(configDir, 'dht.bootstrap'), nodes.map(node => `${node.host} ${node.port}\n`).join(''))
  const args = ['--foreground', '--log-info', '--config-dir', configDir]
  const program = new ChildProgram('transmission-daemon', args, {
    name: 'Transmission',
    env: ownEnvironment(workDir),
    netns
  })
  return {
    ...runningClient(program, { host, port }),
    completed: async (name, timeoutMs) => {
      await program.waitForOutput(new RegExp(`${name} State changed from "Incomplete" to "Complete"`), timeoutMs)
    }
  }
}

/** Writes its settings, which are quiet unless `more` says otherwise, and has it take these torrents. Returns the folder. */
function configure(
  configDir: string,
  torrentFiles: readonly string[],
  dataDir: string,
  more: Record<string, string | number | boolean>
): string {
  const watchDir = join(configDir, 'watched')
  mkdirSync(watchDir, { recursive: true })
  for (const torrentFile of torrentFiles) copyFileSync(torrentFile, join(watchDir, basename(torrentFile)))
  const settings = {
    'bind-address-ipv4': '127.0.0.1',
    'bind-address-ipv6': '::1',
    'dht-enabled': false,
    'download-dir': dataDir,
    encryption: 0,
    'incomplete-dir-enabled': false,
    'lpd-enabled': false,
    'pex-enabled': false,
    'port-forwarding-enabled': false,
    'ratio-limit-enabled': false,
    'rpc-enabled': false,
    'utp-enabled': false,
    'watch-dir': watchDir,
    'watch-dir-enabled': true,
    ...more
  }
  writeFileSync(join(configDir, 'settings.json'), JSON.stringify(settings))
  return configDir
}
