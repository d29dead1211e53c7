/** Asks trackers over UDP (BEP 15) on a socket that others use too: connection ids, repeats, and whose answer counts. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.js'
import { MAX_SCRAPE_HASHES, UDP_CONNECTION_MS, UDP_TRACKER_TRIES, UDP_TRACKER_WAIT_MS } from '../../limits.js'
import type { InfoHash } from '../../metainfo/info-hash.js'
import { addressRefusal } from '../../policy/url-rules.js'
import { reasonOf } from '../../transport/deadline.js'
import type { NameLookup } from '../../transport/name-lookup.js'
import { TransportError } from '../../transport/transport-error.js'
import type { DatagramPort } from '../../transport/udp-socket.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import type { AnnounceRequest, AnnounceResponse, ScrapeEntry } from './announce.js'
import { fromTransport, trackerError, TrackerRefusal } from './tracker-fault.js'
import type { TrackerUrl } from './tracker-url.js'
import {
  ACTIONS,
  encodeAnnounce,
  encodeConnect,
  encodeScrape,
  readAnnounce,
  readConnectionId,
  readError,
  readHead,
  readScrape,
  type Action
} from './udp-packets.js'

export interface UdpTrackerOptions {
  readonly port: DatagramPort
  readonly names: NameLookup
  readonly clock: Clock
}

/** A datagram that waits for its answer. */
interface Question {
  readonly action: Action
  readonly transactionId: number
  readonly datagram: Buffer
  readonly to: PeerAddress
}

interface Answer {
  readonly datagram: Buffer
  readonly action: Action
  readonly from: PeerAddress
}

interface Connection {
  readonly id: Buffer
  readonly address: PeerAddress
  readonly expiresAtMs: number
}

/** Makes the datagram of a request once a connection id is known. */
type Encode = (connectionId: Buffer, transactionId: number) => Buffer

export class UdpTracker {
  readonly #options: UdpTrackerOptions
  readonly #pending = new Map<number, { question: Question; settle: (answer: Answer) => void }>()
  /** By host and port as in the URL: one connection id serves all torrents. */
  readonly #connections = new Map<string, Connection>()
  readonly #stopHandling: () => void

  constructor(options: UdpTrackerOptions) {
    this.#options = options
    this.#stopHandling = options.port.handle((datagram, from) => this.#onDatagram(datagram, from))
  }

  /** Rejects with a `TrackerError`, or with the signal's reason. */
  async announce(tracker: TrackerUrl, request: AnnounceRequest, signal: AbortSignal): Promise<AnnounceResponse> {
    const path = tracker.url.pathname + tracker.url.search
    const encode: Encode = (connectionId, transactionId) =>
      encodeAnnounce(connectionId, transactionId, request, path === '/' ? '' : path)
    const { datagram, from } = await this.#request(tracker, ACTIONS.announce, encode, signal)
    return readAnnounce(datagram, from.host.includes(':') ? 6 : 4)
  }

  /** An entry for each info-hash (74 at most), in order. Rejects as `announce` does. */
  async scrape(tracker: TrackerUrl, infoHashes: readonly InfoHash[], signal: AbortSignal) {
    if (infoHashes.length > MAX_SCRAPE_HASHES) throw new RangeError(`at most ${MAX_SCRAPE_HASHES} info-hashes`)
    const encode: Encode = (connectionId, transactionId) => encodeScrape(connectionId, transactionId, infoHashes)
    const { datagram } = await this.#request(tracker, ACTIONS.scrape, encode, signal)
    return readScrape(datagram, infoHashes.length) satisfies (ScrapeEntry | undefined)[]
  }

  /** Takes its handler off the socket; what is in flight ends by its signal or its time-out. */
  close(): void {
    this.#stopHandling()
  }

  async #request(tracker: TrackerUrl, action: Action, encode: Encode, signal: AbortSignal): Promise<Answer> {
    const key = `${tracker.host} ${tracker.port}`
    const wasConnected = this.#connections.has(key)
    const answer = await this.#converse(tracker, key, action, encode, signal)
    if (answer.action !== ACTIONS.error) return answer
    this.#connections.delete(key)
    // A tracker that was restarted does not know our connection id any more: once, it is asked for a new one.
    const second = wasConnected ? await this.#converse(tracker, key, action, encode, signal) : answer
    if (second.action === ACTIONS.error) throw new TrackerRefusal(readError(second.datagram))
    return second
  }

  /**
   * Connects if need be, then asks, repeating what stays without an answer after 15·2^n seconds.
   * BEP 15: "the connection ID must be renewed" when it expires meanwhile; n goes on counting.
   */
  async #converse(tracker: TrackerUrl, key: string, action: Action, encode: Encode, signal: AbortSignal) {
    let connects: Question[] | undefined
    let question: Question | undefined
    let usedId: Buffer | undefined
    for (let silent = 0; silent < UDP_TRACKER_TRIES; silent++) {
      const waitMs = UDP_TRACKER_WAIT_MS * 2 ** silent
      let connection = this.#connection(key)
      if (!connection) {
        connects ??= (await this.#addresses(tracker, signal)).map(connectQuestion)
        const answer = await this.#ask(connects, waitMs, signal)
        if (!answer) continue
        if (answer.action === ACTIONS.error) return answer
        connection = this.#remember(key, answer)
        connects = undefined
      }
      if (!question || usedId !== connection.id) {
        const transactionId = randomTransactionId()
        question = { action, transactionId, datagram: encode(connection.id, transactionId), to: connection.address }
        usedId = connection.id
      }
      const answer = await this.#ask([question], waitMs, signal)
      if (answer) return answer
    }
    throw trackerError('ERR_BT_TRACKER_NETWORK', 'no answer')
  }

  #connection(key: string): Connection | undefined {
    const connection = this.#connections.get(key)
    if (connection && connection.expiresAtMs > this.#options.clock.now()) return connection
    this.#connections.delete(key)
    return undefined
  }

  #remember(key: string, { datagram, from }: Answer): Connection {
    const expiresAtMs = this.#options.clock.now() + UDP_CONNECTION_MS
    const connection = { id: readConnectionId(datagram), address: from, expiresAtMs }
    this.#connections.set(key, connection)
    return connection
  }

  /** The first IPv4 and the first IPv6 address: both are asked to connect, the faster one is used. */
  async #addresses(tracker: TrackerUrl, signal: AbortSignal): Promise<PeerAddress[]> {
    try {
      const { url, host, port } = tracker
      const resolved = await this.#options.names.resolve(host, signal)
      const refusal = (address: string) => addressRefusal(url, address, 'tracker', { cameFromGlobal: false })
      const allowed = resolved.filter(address => refusal(address) === undefined)
      if (allowed.length === 0) throw new TransportError('refused', refusal(resolved[0] ?? '') ?? '')
      const picked = [allowed.find(address => !address.includes(':')), allowed.find(address => address.includes(':'))]
      return picked.filter(address => address !== undefined).map(address => ({ host: address, port }))
    } catch (error) {
      throw error instanceof TransportError ? fromTransport(error) : error
    }
  }

  /** Sends all questions; the first answer to any of them, or undefined when none came in time. */
  #ask(questions: readonly Question[], waitMs: number, signal: AbortSignal): Promise<Answer | undefined> {
    const { clock, port } = this.#options
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(reasonOf(signal))
        return
      }
      let ended = false
      const end = (outcome: () => void) => {
        if (ended) return
        ended = true
        clock.clearTimer(timer)
        signal.removeEventListener('abort', onAbort)
        for (const { transactionId } of questions) this.#pending.delete(transactionId)
        outcome()
      }
      const onAbort = () => end(() => reject(reasonOf(signal)))
      signal.addEventListener('abort', onAbort, { once: true })
      const timer = clock.setTimer(() => end(() => resolve(undefined)), waitMs)
      let failed = 0
      for (const question of questions) {
        this.#pending.set(question.transactionId, { question, settle: answer => end(() => resolve(answer)) })
        port.send(question.datagram, question.to).catch((cause: unknown) => {
          const unreachable = trackerError('ERR_BT_TRACKER_NETWORK', 'the datagram could not be sent', cause)
          if (++failed === questions.length) end(() => reject(unreachable))
        })
      }
    })
  }

  /** What does not match a question in every respect is not for us, or a forgery; either way it is passed over. */
  #onDatagram(datagram: Buffer, from: PeerAddress): boolean {
    const head = readHead(datagram)
    const pending = head && this.#pending.get(head.transactionId)
    if (!pending) return false
    const { action, to } = pending.question
    if (to.host !== from.host || to.port !== from.port) return false
    if (head.action !== action && head.action !== ACTIONS.error) return false
    pending.settle({ datagram: Buffer.from(datagram), action: head.action, from })
    return true
  }
}

function connectQuestion(to: PeerAddress): Question {
  const transactionId = randomTransactionId()
  return { action: ACTIONS.connect, transactionId, datagram: encodeConnect(transactionId), to }
}

/** Unpredictable, so that nobody who cannot see our datagrams can answer them. */
function randomTransactionId(): number {
  return randomBytes(4).readUInt32BE(0)
}
