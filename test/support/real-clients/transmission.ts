/** transmission-daemon (Debian: transmission-daemon). It takes its torrents from a watched folder, so it needs no remote control. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ChildProgram } from '../child-program.js'
import { onFreePort } from '../free-port.js'
import { ownEnvironment, serving, type RealClient, type SeedOptions } from './real-client.js'

export async function seed({ torrents, dataDir, workDir }: SeedOptions): Promise<RealClient> {
  return onFreePort(port => {
    const configDir = join(workDir, `config-${port}`)
    const watchDir = join(configDir, 'watched')
    mkdirSync(watchDir, { recursive: true })
    for (const { torrentFile } of torrents) copyFileSync(torrentFile, join(watchDir, basename(torrentFile)))
    const settings = {
      'bind-address-ipv4': '127.0.0.1',
      'bind-address-ipv6': '::1',
      'dht-enabled': false,
      'download-dir': dataDir,
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
      env: ownEnvironment(workDir)
    })
    return serving(program, { host: '127.0.0.1', port }, torrents)
  })
}
