/**
 * Nodes of the DHT that are ours, on a network without sockets, in virtual time: datagrams take time, may be lost, and are counted. Seeded
 * and repeatable.
 */
import type { Clock, Timer } from '../../lib/clock.js'
import { Dht } from '../../lib/discovery/dht/dht.js'
import { asNodeId, type NodeId } from '../../lib/discovery/dht/node-id.js'
import { NameLookup } from '../../lib/transport/name-lookup.js'
import type { DatagramHandler, DatagramPort } from '../../lib/transport/udp-socket.js'
import { formatPeerAddress, type PeerAddress } from '../../lib/wire/peer-address.js'
import { settled } from './virtual-clock.js'

/** A clock whose timers lie in a heap: hundreds of thousands of them come and go. */
export class EventClock implements Clock {
  #now = 0
  #count = 0
  readonly #heap: { readonly at: number; readonly order: number; callback: (() => void) | undefined }[] = []

  now(): number {
    return this.#now
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#count++, callback }
    const heap = this.#heap
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = timer
    return timer
  }

  clearTimer(timer: Timer): void {
    if (timer) (timer as { callback?: (() => void) | undefined }).callback = undefined
  }

  /** Lets `ms` pass, or less when `isDone` says so. */
  async advance(ms: number, isDone: () => boolean = () => false): Promise<void> {
    const end = this.#now + ms
    await settled()
    while (!isDone()) {
      // What was set off by promises comes in the same moment.
      for (let i = 0; i < 20 && (this.#heap[0]?.at ?? Infinity) <= end; i++) {
        const { at, callback } = this.#pop()
        this.#now = at
        callback?.()
      }
      await settled()
      if ((this.#heap[0]?.at ?? Infinity) <= end) continue
      this.#now = end
      return
    }
  }

  #pop(): { at: number; callback: (() => void) | undefined } {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    let at = 0
    while (heap.length > 0) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    if (heap.length > 0) heap[at] = last
    return first
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

export interface SimulatedDhtOptions {
  readonly seed?: number
  /** One way, ms: from this to twice this. */
  readonly delayMs?: number
  /** Share of datagrams that are lost. */
  readonly loss?: number
  /** Addresses of the internet, where ids follow them (BEP 42), but for this share of the nodes. Without it all are of a private network. */
  readonly wrongIds?: number | undefined
}

export interface SimulatedNode {
  readonly dht: Dht
  readonly address: PeerAddress
  /** Datagrams that it sent. */
  readonly sent: { count: number }
}

export class SimulatedDht {
  readonly clock = new EventClock()
  /** All datagrams. */
  sent = 0
  /** Sees every datagram; what it returns goes instead, nothing for undefined. */
  tamper: (datagram: Buffer, from: PeerAddress, to: PeerAddress) => Buffer | undefined = datagram => datagram
  readonly nodes: SimulatedNode[] = []
  readonly #handlers = new Map<string, DatagramHandler>()
  readonly #options: Required<SimulatedDhtOptions>
  /** Hosts whose ids do not follow their addresses: they are not told what those are. */
  readonly #wrong = new Set<string>()
  #state: number

  constructor(options: SimulatedDhtOptions = {}) {
    this.#options = { seed: 1, delayMs: 25, loss: 0, wrongIds: undefined, ...options }
    this.#state = this.#options.seed
  }

  /** From 0 up to but not 1. */
  random(): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  randomBytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => Math.floor(this.random() * 256)))
  }

  randomId(): NodeId {
    return asNodeId(this.randomBytes(20))!
  }

  /** A port at this address, for nodes and for those who only pretend to be. */
  port(address: PeerAddress, onSend: () => void = () => undefined): DatagramPort {
    const key = formatPeerAddress(address)
    return {
      handle: handler => {
        this.#handlers.set(key, handler)
        return () => void this.#handlers.delete(key)
      },
      send: (datagram, to) => {
        this.sent++
        onSend()
        const told = this.#wrong.has(to.host) ? withoutAddress(datagram) : Buffer.from(datagram)
        const sent = this.tamper(told, address, to)
        if (sent && this.random() >= this.#options.loss) {
          const delay = this.#options.delayMs * (1 + this.random())
          this.clock.setTimer(() => this.#handlers.get(formatPeerAddress(to))?.(sent, address), delay)
        }
        return Promise.resolve()
      }
    }
  }

  /** A node of ours; each in a network of its own. `via`: nodes that it is told of. */
  add(via: readonly PeerAddress[] = [], options: { readonly readOnly?: boolean } = {}): SimulatedNode {
    const index = this.nodes.length
    const { wrongIds } = this.#options
    const address = { host: `${wrongIds === undefined ? 10 : 45}.${1 + (index >> 8)}.${index & 255}.1`, port: 6881 }
    if (wrongIds !== undefined && this.random() < wrongIds) this.#wrong.add(address.host)
    const sent = { count: 0 }
    const dht = new Dht({
      port: this.port(address, () => sent.count++),
      clock: this.clock,
      randomBytes: count => this.randomBytes(count),
      names: new NameLookup({ lookup: () => Promise.reject(new Error('no names here')), clock: this.clock }),
      families: [4],
      bootstrap: via.map(({ host, port }) => ({ host, port })),
      readOnly: options.readOnly ?? false,
      sharesNetworks: false
    })
    dht.start()
    const node = { dht, address, sent }
    this.nodes.push(node)
    return node
  }

  /** `count` nodes that know each other as nodes do: each came by three that were there. */
  async grow(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.add(Array.from({ length: Math.min(3, this.nodes.length) }, () => this.pick().address))
      await this.clock.advance(200)
    }
    await this.clock.advance(20_000)
  }

  /** Any node. */
  pick(): SimulatedNode {
    return this.nodes[Math.floor(this.random() * this.nodes.length)]!
  }

  close(): void {
    for (const { dht } of this.nodes) dht.close()
  }
}

/** BEP 42: an answer begins with how the asker is seen. */
function withoutAddress(datagram: Uint8Array): Buffer {
  const text = Buffer.from(datagram).toString('latin1')
  return Buffer.from(text.replace(/^d2:ip6:[^]{6}/, 'd'), 'latin1')
}
