/**
 * Serves torrents over HTTP: their files, seekable while they download, archives of them, a playlist, a page to watch on, and what there is as
 * JSON. Bound to loopback unless told; beyond it every URL holds a secret. Fetches nothing before somebody reads.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { TorrentError } from '../errors.js'
import * as limits from '../limits.js'
import { AccessToken } from './access-token.js'
import { isForeignRequest, isHostAllowed } from './host-check.js'
import { indexPage } from './index-page.js'
import type { ServedTorrent } from './library.js'
import { listing } from './listing.js'
import { LiveEvents } from './live-events.js'
import { liveFigures } from './live-figures.js'
import { pageAssets } from './page-assets.js'
import { playlist } from './playlist.js'
import { filePath, isTarName, originForm, routeOf, type Route } from './routes.js'
import { sendBytes } from './send-bytes.js'
import { sendSubtitles } from './send-subtitles.js'
import { send, sendParts, sendText } from './send-text.js'
import { Turns } from './turns.js'

export interface TorrentServerOptions {
  /** Default 0: any free one. */
  readonly port?: number | undefined
  /** Address or name to listen on. Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Names, beside IP addresses, localhost and `host`, by which a request may call us. */
  readonly allowedHosts?: readonly string[] | undefined
}

const PLAYLIST_TYPE = 'audio/x-mpegurl; charset=utf-8'

export class TorrentServer {
  readonly #torrents: () => readonly ServedTorrent[]
  readonly #server: Server
  readonly #allowedHosts: ReadonlySet<string>
  readonly #host: string
  readonly #port: number
  readonly #token: AccessToken
  readonly #events = new LiveEvents(() => liveFigures(this.#torrents()))
  readonly #turns = new Turns()

  /** `torrents`: what is served, as it stands at each request. */
  constructor(torrents: () => readonly ServedTorrent[], options: TorrentServerOptions = {}) {
    const { port = 0, host = '127.0.0.1', allowedHosts = [] } = options
    this.#torrents = torrents
    this.#host = host
    this.#port = port
    this.#allowedHosts = new Set([...allowedHosts, host].map(name => name.toLowerCase()))
    this.#token = new AccessToken(host)
    this.#server = this.#makeServer()
  }

  /** Rejects with `ERR_BT_OPTION` when it cannot listen there. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, this.#host)
    try {
      await once(this.#server, 'listening')
    } catch (error) {
      const place = `${this.#host}:${this.#port}`
      throw new TorrentError('ERR_BT_OPTION', `cannot listen on ${place}: ${(error as Error).message}`, {
        cause: error
      })
    }
  }

  /** Of the page of all, with the secret where there is one. */
  get url(): string {
    return this.urls[0] ?? ''
  }

  /** The same by each address of this machine that is listened on, this machine's own first. */
  get urls(): string[] {
    const { address, port } = this.#server.address() as AddressInfo
    const isAny = address === '0.0.0.0' || address === '::'
    const known = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
    const hosts = isAny
      ? [
          '127.0.0.1',
          ...known.filter(({ family, internal }) => family === 'IPv4' && !internal).map(each => each.address)
        ]
      : [address]
    return hosts.map(host => `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}${this.#token.prefix}/`)
  }

  /** Of a file, in the order of the torrent's `files`. */
  urlOf(torrent: ServedTorrent, index: number): string {
    return this.url + filePath(torrent, index)
  }

  /** Cuts off whoever is still served. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #makeServer(): Server {
    const server = createServer(
      {
        maxHeaderSize: limits.HTTP_MAX_HEADER_BYTES,
        headersTimeout: limits.HTTP_HEADERS_MS,
        requestTimeout: limits.HTTP_HEADERS_MS,
        keepAliveTimeout: limits.HTTP_IDLE_MS,
        connectionsCheckingInterval: 1000,
        // A player that vanished is found; one that pauses may do so for ever.
        keepAlive: true,
        keepAliveInitialDelay: 60_000,
        noDelay: true
      },
      (request, response) => void this.#answer(request, response)
    )
    server.maxConnections = limits.HTTP_MAX_CONNECTIONS
    // Whoever keeps a connection for later makes room for whoever needs one now, if not at once then when it tries again.
    server.on('drop', () => server.closeIdleConnections())
    return server
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // What is written after the client left is an error of its own; whoever writes is told, too.
    response.on('error', () => undefined)
    if (!(await this.#turns.wait(request.socket, response))) return
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Referrer-Policy', 'no-referrer')
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
    // What a torrent holds is not to run as a page of ours.
    response.setHeader('Content-Security-Policy', 'sandbox')
    try {
      await this.#admit(request, response)
    } catch {
      // The torrent failed, or the client left. Never a short answer that looks whole.
      if (response.headersSent) response.destroy()
      else sendText(response, 503, 'not to be had just now')
    }
  }

  async #admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers, url = '' } = request
    const { path, host = headers.host } = originForm(url)
    if (!isHostAllowed(host, this.#allowedHosts)) {
      sendText(response, 403, 'this name is not served: see --allow-host')
    } else if (isForeignRequest(headers)) {
      sendText(response, 403, 'not for pages of others')
    } else if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      sendText(response, 405, 'only GET and HEAD')
    } else if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) {
      sendText(response, 413, 'no body is taken')
    } else {
      const within = this.#token.strip(path)
      if (within === undefined) sendText(response, 404, 'not found')
      else await this.#send(routeOf(within), `http://${host ?? ''}${this.#token.prefix}/`, request, response)
    }
  }

  /** `base`: how this client calls us, which every URL it is given begins with. */
  async #send(route: Route, base: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const torrents = this.#torrents()
    switch (route.type) {
      case 'page':
        response.setHeader('Content-Security-Policy', pageAssets().policy)
        send(response, 200, 'text/html; charset=utf-8', indexPage(torrents))
        return
      case 'api':
        await sendParts(response, 'application/json; charset=utf-8', listing(torrents, base))
        return
      case 'playlist':
        await sendParts(response, PLAYLIST_TYPE, playlist(torrents, base))
        return
      case 'events':
        if (!this.#events.add(response)) sendText(response, 503, 'too many listen')
        return
      case 'archive':
      case 'other': {
        const torrent = torrents.find(candidate =>
          route.type === 'other' ? isTarName(candidate, route.path) : candidate.infoHash === route.infoHash
        )
        if (torrent) await sendBytes(request, response, torrent.tar, `"${torrent.infoHash}-tar"`)
        else sendText(response, 404, 'not found')
        return
      }
      case 'file':
      case 'subtitles':
      case 'filePlaylist':
        await this.#sendFile(route, base, request, response)
    }
  }

  async #sendFile(
    { type, infoHash, index }: Extract<Route, { index: number }>,
    base: string,
    request: IncomingMessage,
    response: ServerResponse
  ): Promise<void> {
    const torrent = this.#torrents().find(candidate => candidate.infoHash === infoHash)
    const file = torrent?.files[index]
    const tag = `"${infoHash}-${index}"`
    if (!torrent || !file) sendText(response, 404, 'not found')
    else if (type === 'subtitles') await sendSubtitles(request, response, file, tag)
    else if (type === 'filePlaylist') await sendParts(response, PLAYLIST_TYPE, playlist([torrent], base, index))
    else {
      if (request.method === 'GET') file.keepEdges()
      await sendBytes(request, response, file, tag)
    }
  }
}
