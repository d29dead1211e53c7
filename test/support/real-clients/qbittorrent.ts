/** qbittorrent-nox (Debian: qbittorrent-nox), with a profile of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChildProgram } from '../child-program.js'
import { freePort, onFreePort } from '../free-port.js'
import { LOOPBACK, ownEnvironment, ready, type Encryption, type RealClient, type SeedOptions } from './real-client.js'

const ENCRYPTION: Readonly<Record<Encryption, number>> = { allow: 0, require: 1, off: 2 }

/** Without the notice accepted it asks on the terminal. */
function settings(host: string, port: number, webPort: number, encryption: Encryption): string {
  return `[LegalNotice]
Accepted=true
[BitTorrent]
Session\\Port=${port}
Session\\Interface=lo
Session\\InterfaceAddress=${host}
Session\\BTProtocol=TCP
Session\\Encryption=${ENCRYPTION[encryption]}
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

export async function seed(options: SeedOptions): Promise<RealClient> {
  const { torrents, dataDir, workDir, encryption = 'allow', place = LOOPBACK } = options
  const { host, netns } = place
  return onFreePort(async port => {
    const profile = join(workDir, `profile-${port}`)
    const configDir = join(profile, 'qBittorrent', 'config')
    mkdirSync(configDir, { recursive: true })
    writeFileSync(join(configDir, 'qBittorrent.conf'), settings(host, port, await freePort(), encryption))
    const args = [`--profile=${profile}`, `--save-path=${dataDir}`, ...torrents.map(torrent => torrent.torrentFile)]
    const surroundings = { env: ownEnvironment(workDir), netns }
    const program = new ChildProgram('qbittorrent-nox', args, { name: 'qBittorrent', ...surroundings })
    return ready(program, { host, port }, options)
  })
}
