/** `bt-stream serve <source>...`: the files of torrents over HTTP, seekable while they download, until it is stopped. */
import { createServer, type Torrent, type TorrentOptions } from '../../lib/index.js'
import type { ServeOptions } from '../options.js'
import { runCommand, type Session } from '../session.js'
import { tellBudget, tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

export async function serve(sources: readonly string[], { host, ...options }: ServeOptions): Promise<void> {
  await runCommand({ ...options, staysOnline: true }, async session => {
    const torrents = await openAll(session, sources, options)
    const server = await createServer(torrents, { port: options.httpPort, host, allowedHosts: options.allowHost })
    session.atEnd(() => server.close())
    for (const url of server.urls) session.messages.say({ event: 'http', url })
    await untilNoneIsLeft(session, torrents)
  })
}

async function openAll(
  session: Session,
  sources: readonly string[],
  options: ServeOptions
): Promise<readonly Torrent[]> {
  const isAlone = sources.length === 1
  const torrents: Torrent[] = []
  for (const source of sources) {
    const opened = { ...patience(options), ...(options.output !== undefined && { dir: options.output }) }
    const torrent = isAlone ? await session.open(source, opened) : await session.openAmongMany(source, opened)
    tellStart(session, 'serve', torrent.metainfo)
    if (isAlone) tellBudget(session, torrent)
    watchTorrent(torrent, session.messages)
    torrents.push(torrent)
  }
  return torrents
}

/** A server waits for as long as its readers do. */
function patience({ peerTimeout, stallTimeout }: ServeOptions): TorrentOptions {
  return {
    ...(peerTimeout === undefined && { peerTimeoutMs: 0 }),
    ...(stallTimeout === undefined && { stallTimeoutMs: 0 })
  }
}

/** One that fails leaves the others; rejects with what stopped the last one. */
async function untilNoneIsLeft({ messages, signal }: Session, torrents: readonly Torrent[]): Promise<never> {
  let left = torrents.length
  throw await new Promise<Error>(resolve => {
    signal.addEventListener('abort', () => resolve(signal.reason as Error), { once: true })
    for (const torrent of torrents) {
      torrent.once('failure', error => {
        left--
        if (left === 0) resolve(error)
        else messages.say({ event: 'warning', message: `${torrent.name} is served no more: ${error.message}` })
      })
    }
  })
}
