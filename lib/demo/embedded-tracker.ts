/**
 * A small HTTP tracker (BEP 3, 23) inside the program, for `bt-stream demo` and tests. It keeps its swarms in memory, serves this
 * machine only, and is no tracker for the internet.
 */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TorrentError } from '../errors.js'
import {
  EMBEDDED_TRACKER_INTERVAL_MS,
  MAX_EMBEDDED_TRACKER_PEERS,
  MAX_EMBEDDED_TRACKER_SWARMS,
  TRACKER_NUM_WANT
} from '../limits.js'
import { encode, type Encodable } from '../metainfo/bencode.js'
import { addressScope } from '../policy/address-rules.js'
import { encodeCompactPeers4, encodeCompactPeers6 } from '../wire/compact-peers.js'
import { canonicalHost, isPort, type PeerAddress } from '../wire/peer-address.js'

interface SwarmMember {
  readonly address: PeerAddress
  readonly complete: boolean
  readonly seenAtMs: number
}

/** Members by peer id; a peer that announces again moves to the end. */
type Swarm = Map<string, SwarmMember>

export interface EmbeddedTrackerOptions {
  /** A loopback address; default `127.0.0.1`. */
  readonly host?: string
  /** Default 0: the system chooses. */
  readonly port?: number
}

export class EmbeddedTracker extends EventEmitter<{ announce: [] }> {
  readonly #server: Server
  readonly #swarms = new Map<string, Swarm>()

  /** Starts one. Rejects with ERR_BT_OPTION for a host beyond this machine, or with the system's error. */
  static async listen({ host = '127.0.0.1', port = 0 }: EmbeddedTrackerOptions = {}): Promise<EmbeddedTracker> {
    if (addressScope(host) !== 'loopback') throw new TorrentError('ERR_BT_OPTION', `${host} is not a loopback address`)
    const tracker = new EmbeddedTracker()
    tracker.#server.listen(port, host)
    await once(tracker.#server, 'listening')
    return tracker
  }

  private constructor() {
    super()
    this.#server = createServer({ maxHeaderSize: 8192 }, (request, response) => this.#onRequest(request, response))
  }

  /** The announce URL. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}/announce`
  }

  /** Resolves when that many peers of all torrents have announced themselves. Rejects with the signal's reason. */
  async waitForPeers(count: number, signal?: AbortSignal): Promise<void> {
    const peers = (): number => [...this.#swarms.values()].reduce((sum, swarm) => sum + swarm.size, 0)
    while (peers() < count) await once(this, 'announce', { signal })
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  #onRequest({ method, url = '', socket }: IncomingMessage, response: ServerResponse): void {
    const [path, query = ''] = url.split('?', 2)
    if (method !== 'GET' || path !== '/announce') {
      response.writeHead(404).end()
      return
    }
    const body = encode(this.#announce(parameters(query), canonicalHost(socket.remoteAddress ?? '')))
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length }).end(body)
    this.emit('announce')
  }

  #announce(asked: Map<string, string>, host: string | undefined): Record<string, Encodable> {
    const infoHash = asked.get('info_hash') ?? ''
    const peerId = asked.get('peer_id') ?? ''
    const port = Number(asked.get('port'))
    if (infoHash.length !== 20 || peerId.length !== 20) return failure('info_hash and peer_id have 20 bytes')
    if (host === undefined || !isPort(port)) return failure('no usable port')
    const swarm = this.#swarm(infoHash)
    if (!swarm) return failure('too many torrents')
    forgetSilent(swarm)
    swarm.delete(peerId)
    const others = [...swarm.values()]
    const stopped = asked.get('event') === 'stopped'
    if (!stopped && swarm.size < MAX_EMBEDDED_TRACKER_PEERS) {
      swarm.set(peerId, { address: { host, port }, complete: asked.get('left') === '0', seenAtMs: performance.now() })
    }
    if (swarm.size === 0) this.#swarms.delete(infoHash)
    return answer(swarm, stopped ? [] : others, Number(asked.get('numwant') ?? TRACKER_NUM_WANT))
  }

  #swarm(infoHash: string): Swarm | undefined {
    const known = this.#swarms.get(infoHash)
    if (known || this.#swarms.size === MAX_EMBEDDED_TRACKER_SWARMS) return known
    const swarm: Swarm = new Map()
    this.#swarms.set(infoHash, swarm)
    return swarm
  }
}

function answer(swarm: Swarm, others: readonly SwarmMember[], numWant: number): Record<string, Encodable> {
  const complete = [...swarm.values()].filter(member => member.complete).length
  const wanted = Math.min(Math.max(Math.trunc(numWant) || 0, 0), TRACKER_NUM_WANT)
  const peers = wanted === 0 ? [] : others.slice(-wanted).map(({ address }) => address)
  return {
    complete,
    incomplete: swarm.size - complete,
    interval: EMBEDDED_TRACKER_INTERVAL_MS / 1000,
    peers: encodeCompactPeers4(peers),
    peers6: encodeCompactPeers6(peers)
  }
}

/** Who missed two announces is gone. */
function forgetSilent(swarm: Swarm): void {
  const oldestMs = performance.now() - 2 * EMBEDDED_TRACKER_INTERVAL_MS
  for (const [peerId, { seenAtMs }] of swarm) {
    if (seenAtMs < oldestMs) swarm.delete(peerId)
  }
}

function failure(reason: string): Record<string, Encodable> {
  return { 'failure reason': reason }
}

/** Keys and values of a query; values are bytes, written as latin1. */
function parameters(query: string): Map<string, string> {
  return new Map(
    query.split('&').map(pair => {
      const [key = '', value = ''] = pair.split('=', 2)
      return [key, value.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))]
    })
  )
}
