/** Torrents over HTTP, from the caller's side: the server is loaded when it is asked for, and ends with its torrents. */
import type { ServedTorrent } from './http/library.js'
import type { TorrentServer, TorrentServerOptions } from './http/torrent-server.js'

/** Whoever has torrents that come and go: they are served as they stand at each request. */
export interface ServedTorrents {
  readonly torrents: readonly ServedTorrent[]
}

/**
 * Serves torrents over HTTP, and resolves once it listens; the caller closes it. Rejects with `ERR_BT_OPTION` when it cannot listen
 * there. Beyond loopback the URL holds a secret.
 */
export async function createServer(
  served: readonly ServedTorrent[] | ServedTorrents,
  options: TorrentServerOptions = {}
): Promise<TorrentServer> {
  const { TorrentServer } = await import('./http/torrent-server.js')
  const server = new TorrentServer(() => ('torrents' in served ? served.torrents : served), options)
  await server.listen()
  return server
}
