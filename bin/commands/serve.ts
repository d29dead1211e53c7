/** `bt-stream serve <source>...`: the files of torrents over HTTP, seekable while they download, until it is stopped. */
import { createServer, type Metainfo, type Torrent } from '../../lib/index.js'
import { UsageError } from '../exit-code.js'
import type { ServeOptions } from '../options.js'
import { runCommand, type Session } from '../session.js'
import { DEFAULT_BUDGET, tellBudget, tellStart } from '../start.js'
import { watchTorrent } from '../watch.js'

export async function serve(sources: readonly string[], { host, ...options }: ServeOptions): Promise<void> {
  await runCommand(options, async session => {
    const all = await readSources(session, sources)
    const torrents: Torrent[] = []
    for (const metainfo of all) torrents.push(await open(session, metainfo, all.length, options))
    const server = await createServer(torrents, { port: options.httpPort, host, allowedHosts: options.allowHost })
    session.atEnd(() => server.close())
    for (const url of server.urls) session.messages.say({ event: 'http', url })
    await untilNoneIsLeft(session, torrents)
  })
}

async function readSources(session: Session, sources: readonly string[]): Promise<readonly Metainfo[]> {
  const all: Metainfo[] = []
  const known = new Set<string>()
  for (const source of sources) {
    const metainfo = await session.readSource(source)
    const infoHash = metainfo.infoHash.toString('hex')
    if (known.has(infoHash)) throw new UsageError(`${metainfo.name} is given twice`)
    known.add(infoHash)
    all.push(metainfo)
  }
  return all
}

/** Torrents that are served together share the budget. */
async function open(session: Session, metainfo: Metainfo, count: number, options: ServeOptions): Promise<Torrent> {
  const share = Math.floor((options.maxMemory ?? DEFAULT_BUDGET) / count)
  const least = 2 * Math.min(metainfo.pieceLength, metainfo.length)
  const torrent = await session.open(metainfo, {
    ...(count > 1 && { maxMemory: Math.max(share, least) }),
    ...(options.output !== undefined && { dir: options.output }),
    // A server waits for as long as its readers do.
    ...(options.peerTimeout === undefined && { peerTimeoutMs: 0 }),
    ...(options.stallTimeout === undefined && { stallTimeoutMs: 0 })
  })
  tellStart(session, 'serve', metainfo)
  if (count === 1) tellBudget(session, torrent)
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
