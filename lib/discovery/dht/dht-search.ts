/** The peers of one torrent as the DHT knows them: when to look, when to tell of us, how it stands. A source of peers like any other. */
import type { Clock, Timer } from '../../clock.js'
import { DHT_SEARCH_AGAIN_MS, DHT_SEARCH_MS, DHT_TOKEN_MS } from '../../limits.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import type { HostPort } from '../host-port.js'
import { BloomFilter } from './bloom-filter.js'
import type { Dht } from './dht.js'
import type { NodeId } from './node-id.js'
import type { Response } from './rpc.js'
import type { WalkResult } from './walk.js'

export interface DhtSearchOptions {
  readonly dht: Dht
  readonly clock: Clock
  /** The info-hash. */
  readonly target: NodeId
  readonly onPeers: (peers: readonly PeerAddress[]) => void
  /** We have all of it. */
  readonly isSeed: () => boolean
  /** Nodes that the .torrent or the link names. */
  readonly nodes: readonly HostPort[]
}

export class DhtSearch {
  readonly name = 'dht'
  readonly #options: DhtSearchOptions
  readonly #found = new Set<string>()
  #port: number | undefined
  #mayAnnounce = false
  #storers: WalkResult['storers'] = []
  #walkedAt = -Infinity
  #isWalking = false
  #isStopped = false
  #timer: Timer
  #scraped: { seeds: number; peers: number } | undefined

  constructor(options: DhtSearchOptions) {
    this.#options = options
  }

  start(port: number | undefined): void {
    this.#port = port
    if (this.#options.nodes.length > 0) void this.#options.dht.addNamed(this.#options.nodes)
    void this.#walk()
  }

  /** Others may be told of us: those that were asked lately at once. */
  announce(): void {
    this.#mayAnnounce = true
    if (this.#options.clock.now() - this.#walkedAt < DHT_TOKEN_MS) this.#tell()
  }

  lookAgain(): void {
    const { clock } = this.#options
    if (this.#isWalking || this.#isStopped) return
    const waitMs = this.#walkedAt + DHT_SEARCH_AGAIN_MS - clock.now()
    if (waitMs <= 0) void this.#walk()
    else this.#plan(waitMs)
  }

  /** As in `58 nodes, 3 peers`. */
  state(): string {
    const { nodeCount, bootstrapError } = this.#options.dht
    const nodes = `${nodeCount} node${nodeCount === 1 ? '' : 's'}`
    const peers = `${this.#found.size} peer${this.#found.size === 1 ? '' : 's'}`
    const why = nodeCount === 0 && bootstrapError !== undefined ? ` (${bootstrapError})` : ''
    return `${nodes}, ${peers}${why}`
  }

  /** BEP 33: about how many have it and how many want it, once it was asked for. */
  get scraped(): { seeds: number; peers: number } | undefined {
    return this.#scraped
  }

  /** Asks nodes how many there are. Needs no `start`. */
  async scrape(): Promise<{ seeds: number; peers: number }> {
    if (this.#options.nodes.length > 0) void this.#options.dht.addNamed(this.#options.nodes)
    const [seeds, peers] = [new BloomFilter(), new BloomFilter()]
    await this.#options.dht.scrape(this.#options.target, ({ filters }) => {
      if (!filters) return
      seeds.join(filters.seeds)
      peers.join(filters.peers)
    })
    this.#scraped = { seeds: Math.round(seeds.size), peers: Math.round(peers.size) }
    return this.#scraped
  }

  stop(): Promise<void> {
    this.#isStopped = true
    this.#options.clock.clearTimer(this.#timer)
    return Promise.resolve()
  }

  async #walk(): Promise<void> {
    this.#isWalking = true
    this.#options.clock.clearTimer(this.#timer)
    const { dht, clock, target } = this.#options
    const { storers } = await dht.findPeers(target, response => this.#onResponse(response))
    this.#isWalking = false
    this.#walkedAt = clock.now()
    this.#storers = storers
    if (this.#isStopped) return
    this.#tell()
    this.#plan(this.#found.size > 0 ? DHT_SEARCH_MS : DHT_SEARCH_AGAIN_MS)
  }

  #onResponse({ peers }: Response): void {
    if (this.#isStopped || peers.length === 0) return
    for (const { host, port } of peers) if (this.#found.size < MAX_COUNTED) this.#found.add(`${host} ${port}`)
    this.#options.onPeers(peers)
  }

  #tell(): void {
    const { dht, target, isSeed } = this.#options
    if (!this.#mayAnnounce || this.#isStopped || this.#port === undefined) return
    dht.announce(target, this.#storers, this.#port, isSeed())
    this.#storers = []
  }

  #plan(delayMs: number): void {
    this.#options.clock.clearTimer(this.#timer)
    this.#timer = this.#options.clock.setTimer(() => void this.#walk(), delayMs)
  }
}

/** Peers that are counted for people to see. */
const MAX_COUNTED = 2000
