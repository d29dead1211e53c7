/** qbittorrent-nox (Debian: qbittorrent-nox), with a profile of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChildProgram } from '../child-program.js'
import { freePort, onFreePort } from '../free-port.js'
import { ownEnvironment, serving, type RealClient, type SeedOptions } from './real-client.js'

/** Without the notice accepted it asks on the terminal. */
function settings(port: number, webPort: number): string {
  return `[LegalNotice]
Accepted=true
[BitTorrent]
Session\\Port=${port}
Session\\Interface=lo
Session\\InterfaceAddress=127.0.0.1
Session\\BTProtocol=TCP
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\MultiConnectionsPerIp=true
Session\\QueueingSystemEnabled=false
[Network]
PortForwardingEnabled=false
[Preferences]
WebUI\\Address=127.0.0.1
WebUI\\Port=${webPort}
WebUI\\UseUPnP=false
`
}

export async function seed({ torrents, dataDir, workDir }: SeedOptions): Promise<RealClient> {
  return onFreePort(async port => {
    const profile = join(workDir, `profile-${port}`)
    const configDir = join(profile, 'qBittorrent', 'config')
    mkdirSync(configDir, { recursive: true })
    writeFileSync(join(configDir, 'qBittorrent.conf'), settings(port, await freePort()))
    const args = [`--profile=${profile}`, `--save-path=${dataDir}`, ...torrents.map(torrent => torrent.torrentFile)]
    const program = new ChildProgram('qbittorrent-nox', args, { name: 'qBittorrent', env: ownEnvironment(workDir) })
    return serving(program, { host: '127.0.0.1', port }, torrents)
  })
}
