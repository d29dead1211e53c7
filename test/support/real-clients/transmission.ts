/** transmission-daemon (Debian: transmission-daemon). It takes its torrents from a watched folder, so it needs no remote control. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ChildProgram } from '../child-program.js'
import { onFreePort } from '../free-port.js'
import { LOOPBACK, ownEnvironment, ready, type RealClient, type SeedOptions } from './real-client.js'

/** It cannot be told to refuse encryption: 0 is to begin plainly, 2 to speak nothing else. */
export async function seed(options: SeedOptions): Promise<RealClient> {
  const { torrents, dataDir, workDir, encryption, place = LOOPBACK } = options
  const { host, netns } = place
  return onFreePort(port => {
    const configDir = join(workDir, `config-${port}`)
    const watchDir = join(configDir, 'watched')
    mkdirSync(watchDir, { recursive: true })
    for (const { torrentFile } of torrents) copyFileSync(torrentFile, join(watchDir, basename(torrentFile)))
    const settings = {
      'bind-address-ipv4': host,
      'bind-address-ipv6': '::1',
      'dht-enabled': false,
      'download-dir': dataDir,
      encryption: encryption === 'require' ? 2 : 0,
      'incomplete-dir-enabled': false,
      'lpd-enabled': false,
      'peer-port': port,
      'pex-enabled': false,
      'port-forwarding-enabled': false,
      'ratio-limit-enabled': false,
      'rpc-enabled': false,
      'utp-enabled': false,
      'watch-dir': watchDir,
      'watch-dir-enabled': true
    }
    writeFileSync(join(configDir, 'settings.json'), JSON.stringify(settings))
    const args = ['--foreground', '--config-dir', configDir]
    const program = new ChildProgram('transmission-daemon', args, {
      name: 'Transmission',
      env: ownEnvironment(workDir),
      netns
    })
    return ready(program, { host, port }, options)
  })
}
