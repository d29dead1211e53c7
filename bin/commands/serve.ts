/** `bt-stream serve <source>`: the torrent's files over HTTP, seekable while they download, until it is stopped. */
import { once } from 'node:events'
import { createServer } from '../../lib/index.js'
import type { ServeOptions } from '../options.js'
import { runCommand } from '../session.js'
import { tellBudget, tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

export async function serve(source: string, { host, ...options }: ServeOptions): Promise<void> {
  await runCommand(options, async session => {
    const metainfo = await session.readSource(source)
    const torrent = await session.open(metainfo, {
      ...(options.output !== undefined && { dir: options.output }),
      // A server waits for as long as its readers do.
      ...(options.peerTimeout === undefined && { peerTimeoutMs: 0 }),
      ...(options.stallTimeout === undefined && { stallTimeoutMs: 0 })
    })
    tellStart(session, 'serve', metainfo)
    tellBudget(session, torrent)
    const server = await createServer([torrent], { port: options.httpPort, host, allowedHosts: options.allowHost })
    session.atEnd(() => server.close())
    watchTorrent(torrent, session.messages)
    session.messages.say({ event: 'http', url: server.url })
    const [error] = (await once(torrent, 'failure', { signal: session.signal })) as [Error]
    throw error
  })
}
