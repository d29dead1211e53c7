/** A tracker for one machine: HTTP announces (BEP 3, BEP 23) on 127.0.0.1, in memory. Not for the world: no scrape, no limits. */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encode } from '../metainfo/bencode-encoder.js'

const HOST = '127.0.0.1'
const INTERVAL_SECONDS = 60

export class EmbeddedTracker extends EventEmitter<{ announce: [] }> {
  /** Info-hash (latin1) → ports. Every peer is on this machine. */
  readonly #swarms = new Map<string, Set<number>>()
  readonly #server = createServer((request, response) => this.#answer(request, response))

  /** Listens on a free port. */
  static async listen(): Promise<EmbeddedTracker> {
    const tracker = new EmbeddedTracker()
    tracker.#server.listen(0, HOST)
    await once(tracker.#server, 'listening')
    return tracker
  }

  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}/announce`
  }

  /** Resolves when that many peers have announced themselves. */
  async waitForPeers(count: number, signal?: AbortSignal): Promise<void> {
    const peers = () => [...this.#swarms.values()].reduce((sum, ports) => sum + ports.size, 0)
    while (peers() < count) await once(this, 'announce', { signal })
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  #answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const query = queryOf(url)
    const hash = query.get('info_hash') ?? ''
    const port = Number(query.get('port'))
    if (hash.length !== 20 || !Number.isInteger(port) || port < 1 || port > 65_535) {
      response.end(encode({ 'failure reason': 'info_hash or port is missing' }))
      return
    }
    const ports = this.#swarms.get(hash) ?? new Set()
    this.#swarms.set(hash, ports)
    if (query.get('event') === 'stopped') ports.delete(port)
    else ports.add(port)
    response.end(
      encode({ interval: INTERVAL_SECONDS, peers: compactPeers([...ports].filter(other => other !== port)) })
    )
    this.emit('announce')
  }
}

/** Percent-encoded bytes as latin1: an info-hash is not UTF-8, which `URLSearchParams` would make of it. */
function queryOf(url: string): Map<string, string> {
  const pairs = url.slice(url.indexOf('?') + 1).split('&')
  return new Map(
    pairs.map(pair => {
      const [name = '', value = ''] = pair.split('=')
      return [name, value.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))]
    })
  )
}

/** BEP 23: > 4 bytes for the IP address and 2 bytes for the port. */
function compactPeers(ports: readonly number[]): Buffer {
  return Buffer.concat(ports.map(port => Buffer.of(127, 0, 0, 1, port >> 8, port & 0xff)))
}
