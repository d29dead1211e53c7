/** `bt-stream serve <source>...`: the files of torrents over HTTP, seekable while they download, until it is stopped. */
import { createServer, type Metainfo, type Torrent, type TorrentOptions } from '../../lib/index.js'
import { UsageError } from '../exit-code.js'
import type { ServeOptions } from '../options.js'
import { runCommand, type Session } from '../session.js'
import { DEFAULT_BUDGET, tellBudget, tellStart } from '../start.js'
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
  const [source, ...more] = sources
  if (source !== undefined && more.length === 0) return [await open(session, source, options)]
  const all: Metainfo[] = []
  for (const each of sources) {
    const metainfo = await session.readSource(each)
    if (all.some(({ infoHash }) => infoHash.equals(metainfo.infoHash)))
      throw new UsageError(`${metainfo.name} is given twice`)
    all.push(metainfo)
  }
  // They share the budget, but two pieces of each have to fit.
  const share = Math.floor((options.maxMemory ?? DEFAULT_BUDGET) / all.length)
  const torrents: Torrent[] = []
  for (const metainfo of all) {
    const maxMemory = Math.max(share, 2 * Math.min(metainfo.pieceLength, metainfo.length))
    torrents.push(await open(session, metainfo, options, { maxMemory }))
  }
  return torrents
}

async function open(
  session: Session,
  source: string | Metainfo,
  options: ServeOptions,
  more: TorrentOptions = {}
): Promise<Torrent> {
  const torrent = await session.open(source, {
    ...more,
    ...(options.output !== undefined && { dir: options.output }),
    // A server waits for as long as its readers do.
    ...(options.peerTimeout === undefined && { peerTimeoutMs: 0 }),
    ...(options.stallTimeout === undefined && { stallTimeoutMs: 0 })
  })
  tellStart(session, 'serve', torrent.metainfo)
  if (more.maxMemory === undefined) tellBudget(session, torrent)
  watchTorrent(torrent, session.messages)
  return torrent
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
