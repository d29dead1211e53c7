/** `bt-stream seed <source> --dir DIR`: serves what is on disk until it is stopped. */
import { once } from 'node:events'
import { StorageError } from '../../lib/index.js'
import { UsageError } from '../exit-code.js'
import type { SeedOptions } from '../options.js'
import { runCommand } from '../session.js'
import { tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

export async function seed(source: string, options: SeedOptions): Promise<void> {
  await runCommand(options, async session => {
    if (options.discovery === false && options.peer === undefined)
      throw new UsageError('with --no-discovery nobody finds this seed: name the peers to serve with --peer')
    const torrent = await session.open(source, { dir: options.dir, readOnly: true })
    tellStart(session, 'seed', torrent.metainfo)
    watchTorrent(torrent, session.messages)
    await torrent.ready()
    const { verified, length } = torrent.stats()
    if (verified === 0 && length > 0)
      throw new StorageError('ERR_BT_DISK', `nothing of this torrent is in ${options.dir}`)
    session.messages.say({ event: 'serving', have: verified, length })
    const failure = once(torrent, 'failure', { signal: session.signal })
    const [error] = (await failure) as [Error]
    throw error
  })
}
