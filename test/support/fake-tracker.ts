/** A tracker on loopback, HTTP and UDP, that does what the test says and records what it was told. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encode, type Encodable } from '../../lib/metainfo/bencode.js'
import { encodeCompactPeers4, encodeCompactPeers6 } from '../../lib/wire/compact-peers.js'
import type { PeerAddress } from '../../lib/wire/peer-address.js'

/** One announce as the tracker understood it. */
export interface RecordedAnnounce {
  readonly protocol: 'http' | 'udp'
  /** Hex. */
  readonly infoHash: string
  /** Hex. */
  readonly peerId: string
  readonly port: number
  readonly uploaded: number
  readonly downloaded: number
  readonly left: number
  readonly numWant: number
  readonly key: number
  readonly event: string | undefined
  /** What followed: the path and query of HTTP, the BEP 41 URL data of UDP. */
  readonly urlData: string
  readonly headers: IncomingMessage['headers'] | undefined
}

export interface FakeTrackerBehaviour {
  peers?: readonly PeerAddress[]
  /** Seconds. */
  interval?: number
  minInterval?: number
  failure?: string
  /** Answers nothing at all. */
  silent?: boolean
  /** Sends this instead of an HTTP answer of its own. */
  respond?: (request: IncomingMessage, response: ServerResponse) => void
  /** Changes or forges what UDP sends; each buffer is sent as a datagram. */
  datagrams?: (answer: Buffer, request: Buffer) => readonly Buffer[]
  /** Added to HTTP's answer. */
  extra?: Record<string, Encodable>
}

export class FakeTracker {
  readonly announces: RecordedAnnounce[] = []
  readonly behaviour: FakeTrackerBehaviour
  /** Datagrams received, in order. */
  readonly datagrams: Buffer[] = []
  readonly #host: string
  readonly #http = createServer((request, response) => this.#onRequest(request, response))
  #closing: Promise<void> | undefined
  readonly #udp
  readonly #connectionIds = new Set<string>()
  readonly #watchers = new Set<() => void>()
  #nextConnectionId = 1n

  /** Starts on ports of the system's choice. */
  static async listen(behaviour: FakeTrackerBehaviour = {}, host = '127.0.0.1'): Promise<FakeTracker> {
    const tracker = new FakeTracker(behaviour, host)
    tracker.#http.listen(0, host)
    tracker.#udp.bind(0, host)
    await Promise.all([once(tracker.#http, 'listening'), once(tracker.#udp, 'listening')])
    return tracker
  }

  private constructor(behaviour: FakeTrackerBehaviour, host: string) {
    this.behaviour = behaviour
    this.#host = host
    this.#udp = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    this.#udp.on('message', (datagram, from) => this.#onDatagram(datagram, from))
  }

  get httpUrl(): string {
    return `http://${this.#origin((this.#http.address() as AddressInfo).port)}/announce`
  }

  get udpUrl(): string {
    return `udp://${this.#origin(this.#udp.address().port)}/announce`
  }

  /** Resolves when there are `count` announces. */
  async announced(count: number): Promise<void> {
    while (this.announces.length < count) await new Promise<void>(resolve => this.#watchers.add(resolve))
  }

  /** Forgets all UDP connection ids, as a restart does. */
  forgetConnections(): void {
    this.#connectionIds.clear()
  }

  /** Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#http.closeAllConnections()
    await Promise.all([
      new Promise(resolve => this.#http.close(resolve)),
      new Promise<void>(resolve => this.#udp.close(() => resolve()))
    ])
  }

  #origin(port: number): string {
    return this.#host.includes(':') ? `[${this.#host}]:${port}` : `${this.#host}:${port}`
  }

  #record(announce: RecordedAnnounce): void {
    this.announces.push(announce)
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const urlData = request.url ?? ''
    const query = rawQuery(urlData)
    if (query.has('info_hash') && !urlData.includes('scrape')) {
      this.#record({ ...httpAnnounce(query), urlData, headers: request.headers })
    }
    const { silent, respond, failure, peers = [], interval = 1800, minInterval, extra } = this.behaviour
    if (silent) return
    if (respond) {
      respond(request, response)
      return
    }
    const answer: Record<string, Encodable> = failure
      ? { 'failure reason': failure }
      : { interval, peers: encodeCompactPeers4(peers), peers6: encodeCompactPeers6(peers), ...extra }
    if (minInterval !== undefined) answer['min interval'] = minInterval
    response.end(encode(answer))
  }

  #onDatagram(datagram: Buffer, from: RemoteInfo): void {
    this.datagrams.push(datagram)
    if (this.behaviour.silent) return
    const answer = this.#answer(datagram, from)
    if (!answer) return
    for (const sent of this.behaviour.datagrams?.(answer, datagram) ?? [answer]) {
      this.#udp.send(sent, from.port, from.address)
    }
  }

  #answer(datagram: Buffer, from: RemoteInfo): Buffer | undefined {
    const transactionId = datagram.subarray(12, 16)
    const action = datagram.readUInt32BE(8)
    if (action === 0) {
      if (datagram.readBigUInt64BE(0) !== 0x41727101980n) return undefined
      const connectionId = Buffer.alloc(8)
      connectionId.writeBigUInt64BE(this.#nextConnectionId++)
      this.#connectionIds.add(connectionId.toString('hex'))
      return Buffer.concat([uint32(0), transactionId, connectionId])
    }
    if (!this.#connectionIds.has(datagram.toString('hex', 0, 8))) {
      return Buffer.concat([uint32(3), transactionId, Buffer.from('unknown connection id')])
    }
    if (action === 2) {
      const count = (datagram.length - 16) / 20
      const entries = Array.from({ length: count }, (_, index) => [uint32(10 + index), uint32(20), uint32(30)])
      return Buffer.concat([uint32(2), transactionId, ...entries.flat()])
    }
    this.#record(udpAnnounce(datagram))
    const { failure, peers = [], interval = 1800 } = this.behaviour
    if (failure) return Buffer.concat([uint32(3), transactionId, Buffer.from(failure)])
    const list = from.family === 'IPv6' ? encodeCompactPeers6(peers) : encodeCompactPeers4(peers)
    return Buffer.concat([uint32(1), transactionId, uint32(interval), uint32(2), uint32(3), list])
  }
}

/** The query without any decoding but that of percent signs, byte for byte (latin1). */
function rawQuery(url: string): Map<string, string> {
  const pairs = url.slice(url.indexOf('?') + 1).split('&')
  return new Map(pairs.map(pair => [pair.slice(0, pair.indexOf('=')), unescape(pair.slice(pair.indexOf('=') + 1))]))
}

function unescape(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function httpAnnounce(query: Map<string, string>): Omit<RecordedAnnounce, 'urlData' | 'headers'> {
  const number = (key: string) => Number(query.get(key))
  const hex = (key: string) => Buffer.from(query.get(key) ?? '', 'latin1').toString('hex')
  return {
    protocol: 'http',
    infoHash: hex('info_hash'),
    peerId: hex('peer_id'),
    port: number('port'),
    uploaded: number('uploaded'),
    downloaded: number('downloaded'),
    left: number('left'),
    numWant: number('numwant'),
    key: Number.parseInt(query.get('key') ?? '', 16),
    event: query.get('event')
  }
}

function udpAnnounce(datagram: Buffer): RecordedAnnounce {
  return {
    protocol: 'udp',
    infoHash: datagram.toString('hex', 16, 36),
    peerId: datagram.toString('hex', 36, 56),
    port: datagram.readUInt16BE(96),
    uploaded: Number(datagram.readBigUInt64BE(72)),
    downloaded: Number(datagram.readBigUInt64BE(56)),
    left: Number(datagram.readBigUInt64BE(64)),
    numWant: datagram.readInt32BE(92),
    key: datagram.readUInt32BE(88),
    event: [undefined, 'completed', 'started', 'stopped'][datagram.readUInt32BE(80)],
    urlData: urlData(datagram.subarray(98)),
    headers: undefined
  }
}

function urlData(options: Buffer): string {
  let text = ''
  for (let at = 0; at + 1 < options.length && options[at] === 2; at += 2 + options[at + 1]!) {
    text += options.toString('utf8', at + 2, at + 2 + options[at + 1]!)
  }
  return text
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
