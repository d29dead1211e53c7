/**
 * Serves torrents over HTTP: their files, seekable while they download, archives of them, a playlist, and what there is as JSON. Bound to
 * loopback unless told; beyond it every URL holds a secret. Fetches nothing before somebody reads.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { TorrentError } from '../errors.js'
import * as limits from '../limits.js'
import { isMedia } from './content-type.js'
import { isHostAllowed } from './host-check.js'
import { indexPage } from './index-page.js'
import type { ServedBytes, ServedTorrent } from './library.js'
import { playlist } from './playlist.js'
import { sendBytes } from './send-bytes.js'

export interface TorrentServerOptions {
  /** Default 0: any free one. */
  readonly port?: number | undefined
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Names, beside IP addresses and localhost, by which a request may call us. */
  readonly allowedHosts?: readonly string[] | undefined
}

export class TorrentServer {
  readonly #torrents: () => readonly ServedTorrent[]
  readonly #server: Server
  readonly #allowedHosts: ReadonlySet<string>
  readonly #host: string
  readonly #port: number
  /** First part of every path, beyond loopback. */
  readonly #secret: string | undefined

  /** `torrents`: what is served, as it stands at each request. */
  constructor(torrents: () => readonly ServedTorrent[], options: TorrentServerOptions = {}) {
    const { port = 0, host = '127.0.0.1', allowedHosts = [] } = options
    this.#torrents = torrents
    this.#host = host
    this.#port = port
    this.#allowedHosts = new Set(allowedHosts.map(name => name.toLowerCase()))
    this.#secret = isLoopback(host) ? undefined : randomBytes(16).toString('hex')
    this.#server = createServer(
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
    this.#server.maxConnections = limits.HTTP_MAX_CONNECTIONS
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
    const { address, port } = this.#server.address() as AddressInfo
    const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
    return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}${this.#base}/`
  }

  /** Of a file, in the order of the torrent's `files`. */
  urlOf({ infoHash, files }: ServedTorrent, index: number): string {
    return new URL(filePath(infoHash, index, files[index]?.name ?? ''), this.url).href
  }

  /** Cuts off whoever is still served. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  get #base(): string {
    return this.#secret === undefined ? '' : `/${this.#secret}`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // What is written after the client left is an error of its own; whoever writes is told, too.
    response.on('error', () => undefined)
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Referrer-Policy', 'no-referrer')
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
    // What a torrent holds is not to run as a page of ours.
    response.setHeader('Content-Security-Policy', 'sandbox')
    try {
      await this.#route(request, response)
    } catch {
      // The torrent failed, or the client left. Never a short answer that looks whole.
      if (response.headersSent) response.destroy()
      else sendText(response, 503, 'not to be had just now')
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isHostAllowed(request.headers.host, this.#allowedHosts)) {
      sendText(response, 403, 'this name is not served: see --allow-host')
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      sendText(response, 405, 'only GET and HEAD')
    } else {
      const path = this.#pathWithin(request.url ?? '')
      if (path === undefined) sendText(response, 404, 'not found')
      else await this.#send(path, request, response)
    }
  }

  /** The path without the secret; `undefined` for those who do not know it. */
  #pathWithin(url: string): string | undefined {
    const path = url.replace(/[?#].*$/s, '')
    if (this.#secret === undefined) return path
    const given = Buffer.from(path.slice(1, 1 + this.#secret.length))
    const isRight = given.length === this.#secret.length && timingSafeEqual(given, Buffer.from(this.#secret))
    return isRight ? path.slice(1 + this.#secret.length) : undefined
  }

  async #send(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const torrents = this.#torrents()
    if (path === '/') {
      response.setHeader('Content-Security-Policy', "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'")
      send(response, 200, 'text/html; charset=utf-8', indexPage(torrents, filePath, tarPath))
    } else if (path === '/api') {
      send(response, 200, 'application/json; charset=utf-8', JSON.stringify(this.#listing(torrents), undefined, 2))
    } else if (path === '/playlist.m3u') {
      send(response, 200, 'audio/x-mpegurl; charset=utf-8', playlist(this.#media(torrents)))
    } else {
      const found = find(path, torrents)
      if (found) await sendBytes(request, response, found.bytes, found.tag)
      else sendText(response, 404, 'not found')
    }
  }

  #listing(torrents: readonly ServedTorrent[]): unknown {
    return {
      torrents: torrents.map(torrent => ({
        infoHash: torrent.infoHash,
        name: torrent.name,
        tar: { length: torrent.tar.length, url: new URL(tarPath(torrent), this.url).href },
        files: torrent.files.map(({ path, length }, index) => ({ path, length, url: this.urlOf(torrent, index) }))
      }))
    }
  }

  #media(torrents: readonly ServedTorrent[]): { name: string; url: string }[] {
    return torrents.flatMap(torrent =>
      torrent.files
        .map(({ name }, index) => ({ name, url: this.urlOf(torrent, index) }))
        .filter(({ name }) => isMedia(name))
    )
  }
}

/** Relative to the page. The name is for people and players: it is not looked at. */
function filePath(infoHash: string, index: number, name: string): string {
  return `${infoHash}/${index}/${encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\ufffd'))}`
}

function tarPath({ tar }: ServedTorrent): string {
  return encodeURIComponent(tar.name.replace(/\p{Surrogate}/gu, '\ufffd'))
}

function find(
  path: string,
  torrents: readonly ServedTorrent[]
): { readonly bytes: ServedBytes; readonly tag: string } | undefined {
  const [, infoHash, index] = /^\/([0-9a-f]{40})\/(\d{1,7})(?:\/[^/]*)?$/.exec(path) ?? []
  if (infoHash !== undefined && index !== undefined) {
    const bytes = torrents.find(torrent => torrent.infoHash === infoHash)?.files[Number(index)]
    return bytes && { bytes, tag: `"${infoHash}-${Number(index)}"` }
  }
  const torrent = torrents.find(candidate => `/${tarPath(candidate)}` === path)
  return torrent && { bytes: torrent.tar, tag: `"${torrent.infoHash}-tar"` }
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^127\./.test(host)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length, 'Cache-Control': 'no-store' })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Connection', 'close')
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`)
}
