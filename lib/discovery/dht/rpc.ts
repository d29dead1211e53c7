/**
 * Our questions to other nodes: each with a random name and a time-out, no more a second than manners allow. An answer counts only when
 * it comes from where the question went.
 */
import type { Clock, Timer } from '../../clock.js'
import { DHT_ANSWER_MS, DHT_SLOW_MS } from '../../limits.js'
import { isBelievableHost } from '../../policy/told-peers.js'
import type { DatagramPort } from '../../transport/udp-socket.js'
import { formatPeerAddress, type PeerAddress } from '../../wire/peer-address.js'
import { encodeQuery, type KrpcMessage, type Question } from './krpc.js'
import type { NodeId } from './node-id.js'
import type { Allowance } from './traffic-limits.js'

export type Response = KrpcMessage & { readonly type: 'response' }

/** What becomes of a question; undefined when nothing came in time, or an error did. */
export type Outcome = Response | undefined

interface Asked {
  readonly to: string
  readonly finish: (outcome: Outcome) => void
  timer: Timer
}

export interface RpcOptions {
  readonly port: DatagramPort
  readonly clock: Clock
  readonly randomBytes: (count: number) => Buffer
  readonly allowance: Allowance
  readonly readOnly: boolean
}

const TRANSACTION_BYTES = 4
/** Questions that wait; more are not asked. */
const MAX_WAITING = 300

export class Rpc {
  readonly #options: RpcOptions
  readonly #asked = new Map<string, Asked>()
  /** Questions that wait until one more may be sent, the oldest first. */
  readonly #waiting: (() => void)[] = []
  #timer: Timer
  #isTimerSet = false
  #isClosed = false

  constructor(options: RpcOptions) {
    this.#options = options
  }

  /** How many questions would be sent at once. */
  available(): number {
    if (this.#isClosed || this.#waiting.length > 0) return 0
    return Math.floor(this.#options.allowance.available(this.#options.clock.now()))
  }

  /** Milliseconds until one more may be sent. */
  waitMs(): number {
    return this.#options.allowance.waitMs(1 + this.#waiting.length, this.#options.clock.now())
  }

  /**
   * Sends a question, now or when it may be. `finish` is called once, unless `close` comes first; `onSlow` before it when no answer came
   * soon.
   */
  ask(
    ownId: NodeId,
    to: PeerAddress,
    question: Question,
    finish: (outcome: Outcome) => void,
    onSlow?: () => void
  ): void {
    if (this.#isClosed) return
    const send = (): void => this.#send(ownId, to, question, finish, onSlow)
    if (this.#waiting.length === 0 && this.#mayAsk()) send()
    else if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push(send)
      this.#planNext()
    } else finish(undefined)
  }

  #send(ownId: NodeId, to: PeerAddress, question: Question, finish: Asked['finish'], onSlow?: () => void): void {
    const { port, clock, randomBytes, readOnly } = this.#options
    const transaction = randomBytes(TRANSACTION_BYTES)
    const key = transaction.toString('latin1')
    const asked: Asked = { to: formatPeerAddress(to), finish, timer: undefined }
    const giveUp = (): void => this.#end(key, asked, undefined)
    asked.timer = clock.setTimer(() => {
      asked.timer = clock.setTimer(giveUp, DHT_ANSWER_MS - DHT_SLOW_MS)
      onSlow?.()
    }, DHT_SLOW_MS)
    this.#asked.set(key, asked)
    // A network that is not there answers nothing, as a node that is not.
    port.send(encodeQuery(transaction, ownId, question, readOnly), to).catch(giveUp)
  }

  #mayAsk(): boolean {
    return this.#options.allowance.take(1, this.#options.clock.now())
  }

  #planNext(): void {
    if (this.#isTimerSet) return
    this.#isTimerSet = true
    const { allowance, clock } = this.#options
    this.#timer = clock.setTimer(
      () => {
        this.#isTimerSet = false
        while (this.#waiting.length > 0 && this.#mayAsk()) this.#waiting.shift()?.()
        if (this.#waiting.length > 0) this.#planNext()
      },
      Math.max(1, Math.ceil(allowance.waitMs(1, clock.now())))
    )
  }

  /** Hands an answer, or an error, to whoever asked. False when nobody asked this host for it. */
  onMessage(message: KrpcMessage & { type: 'response' | 'error' }, from: PeerAddress): boolean {
    const key = message.transaction.toString('latin1')
    const asked = this.#asked.get(key)
    if (asked?.to !== formatPeerAddress(from)) return false
    this.#end(key, asked, message.type === 'response' ? believable(message, from) : undefined)
    return true
  }

  close(): void {
    this.#isClosed = true
    this.#waiting.length = 0
    this.#options.clock.clearTimer(this.#timer)
    for (const { timer } of this.#asked.values()) this.#options.clock.clearTimer(timer)
    this.#asked.clear()
  }

  #end(key: string, asked: Asked, outcome: Outcome): void {
    if (this.#asked.get(key) !== asked) return
    this.#asked.delete(key)
    this.#options.clock.clearTimer(asked.timer)
    asked.finish(outcome)
  }
}

/** Without nodes and peers that the sender cannot know. */
function believable(response: Response, { host }: PeerAddress): Response {
  return {
    ...response,
    contacts: response.contacts.filter(({ address }) => isBelievableHost(address.host, host)),
    peers: response.peers.filter(peer => isBelievableHost(peer.host, host))
  }
}
