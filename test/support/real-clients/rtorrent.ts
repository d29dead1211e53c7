/** rTorrent (Debian: rtorrent), without its terminal. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChildProgram } from '../child-program.js'
import { onFreePort } from '../free-port.js'
import { LOOPBACK, ownEnvironment, ready, type Encryption, type RealClient, type SeedOptions } from './real-client.js'

const ENCRYPTION: Readonly<Record<Encryption, string>> = {
  off: 'none',
  allow: 'allow_incoming,enable_retry',
  require: 'allow_incoming,try_outgoing,require,require_RC4'
}

export async function seed(options: SeedOptions): Promise<RealClient> {
  const { torrents, dataDir, workDir, encryption = 'allow', place = LOOPBACK } = options
  const { host, netns } = place
  return onFreePort(port => {
    const sessionDir = join(workDir, `session-${port}`)
    mkdirSync(sessionDir)
    const commands = [
      'system.daemon.set=true',
      `session.path.set=${sessionDir}`,
      `network.bind_address.set=${host}`,
      `network.port_range.set=${port}-${port}`,
      'network.port_random.set=no',
      'dht.mode.set=disable',
      'protocol.pex.set=no',
      `protocol.encryption.set=${ENCRYPTION[encryption]}`,
      'trackers.use_udp.set=yes',
      `directory.default.set=${dataDir}`,
      ...torrents.map(torrent => `load.start_verbose=${torrent.torrentFile}`)
    ]
    const rc = join(workDir, `${port}.rc`)
    writeFileSync(rc, commands.join('\n') + '\n')
    const program = new ChildProgram('rtorrent', ['-n', '-o', `import=${rc}`], {
      name: 'rTorrent',
      env: ownEnvironment(workDir),
      netns
    })
    return ready(program, { host, port }, options)
  })
}
