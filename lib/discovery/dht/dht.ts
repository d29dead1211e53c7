/**
 * A node of the DHT (BEP 5, 32, 42, 43): knows other nodes, walks to those that know the peers of a torrent, and answers others unless it
 * is read-only. IPv4 and IPv6 are two tables on one port. Which torrents are looked for, and when, is decided by its callers.
 */
import type { Clock, Timer } from '../../clock.js'
import { DHT_BUCKET_SIZE, DHT_SAVED_ASKED } from '../../limits.js'
import { isDialable } from '../../policy/address-rules.js'
import { ExternalAddress } from '../../policy/external-address.js'
import type { NameLookup } from '../../transport/name-lookup.js'
import type { DatagramPort } from '../../transport/udp-socket.js'
import { canonicalHost, isPort, type PeerAddress } from '../../wire/peer-address.js'
import type { HostPort } from '../host-port.js'
import { EntryNodes } from './entry-nodes.js'
import { familyOf, type Contact, type Family } from './contact.js'
import { parseKrpc, type KrpcMessage } from './krpc.js'
import { asNodeId, isIdOfHost, nodeIdFor, type NodeId } from './node-id.js'
import { PeerStore } from './peer-store.js'
import { ProvenHosts } from './proven-hosts.js'
import { Responder, type Asked } from './responder.js'
import { RoutingTable } from './routing-table.js'
import { Rpc, type Response } from './rpc.js'
import type { SavedNodes } from './saved-nodes.js'
import { Tokens } from './tokens.js'
import { TrafficLimits } from './traffic-limits.js'
import { Walk, type WalkOptions, type WalkResult } from './walk.js'

export interface DhtOptions {
  readonly port: DatagramPort
  readonly clock: Clock
  /** Bytes that nobody can guess. */
  readonly randomBytes: (count: number) => Buffer
  readonly names: NameLookup
  /** Families of addresses that can be reached. */
  readonly families: readonly Family[]
  /** Nodes to begin with when no others are known. */
  readonly bootstrap: readonly HostPort[]
  /** BEP 43: asks, and answers nobody. */
  readonly readOnly: boolean
  /** Take any number of nodes of one network: for tests on one machine. */
  readonly sharesNetworks: boolean
  /** Of an earlier run. */
  readonly saved?: SavedNodes | undefined
}

/** Looked at this often: nodes that fell silent, buckets where nothing changed, a bootstrap that brought nobody. */
const TICK_MS = 15_000
/** So many are known to answer: no bootstrap node is needed. */
const ENOUGH_NODES = DHT_BUCKET_SIZE

export class Dht {
  readonly #options: DhtOptions
  readonly #tables = new Map<Family, RoutingTable>()
  readonly #limits: TrafficLimits
  readonly #rpc: Rpc
  readonly #responder: Responder
  readonly #store = new PeerStore()
  readonly #proven = new ProvenHosts()
  readonly #entry: EntryNodes
  readonly #external = new ExternalAddress()
  /** Those that somebody waits for go before those that only keep the tables. */
  readonly #walks = new Set<Walk>()
  readonly #upkeep = new Set<Walk>()
  readonly #unhandle: () => void
  /** Questions to nodes whose id we do not know, and names that are looked up. */
  #bootstrapping = 0
  #hasWalkedHome = false
  #tick: Timer
  #patience: Timer
  #pump: Timer
  #isPumpPlanned = false
  #isClosed = false

  constructor(options: DhtOptions) {
    this.#options = options
    const { port, clock, randomBytes, readOnly, families, sharesNetworks, saved } = options
    const now = clock.now()
    this.#entry = new EntryNodes(options.names, options.bootstrap)
    this.#limits = new TrafficLimits(now)
    this.#rpc = new Rpc({ port, clock, randomBytes, readOnly, allowance: this.#limits.queries })
    for (const family of families) {
      const id = saved?.ids.get(family) ?? this.#randomId()
      this.#tables.set(family, new RoutingTable(id, { sharesNetworks }, now))
    }
    const tokens = new Tokens(() => randomBytes(20), now)
    this.#responder = new Responder({
      ownId: family => this.#idOf(family),
      closest: (target, family) => this.#tables.get(family)?.closest(target) ?? [],
      store: this.#store,
      tokens,
      proven: this.#proven,
      random: () => randomBytes(4).readUInt32BE(0) / 2 ** 32
    })
    this.#unhandle = port.handle((datagram, from) => this.#onDatagram(datagram, from))
    this.#tick = clock.setTimer(() => this.#onTick(), TICK_MS)
  }

  /** Nodes that are known to answer, of both families. */
  get nodeCount(): number {
    let count = 0
    for (const table of this.#tables.values()) count += table.size
    return count
  }

  /** Why nobody was found to begin with. */
  get bootstrapError(): string | undefined {
    return this.#entry.error
  }

  /** Torrents whose peers are kept for others. */
  get storedTorrents(): number {
    return this.#store.torrentCount
  }

  /** Asks nodes that answered in an earlier run, and the bootstrap nodes unless enough of those answer. Call once. */
  start(): void {
    const saved = [...(this.#options.saved?.contacts ?? [])].sort(() => this.#options.randomBytes(1).readInt8(0))
    for (const { address } of saved.slice(0, DHT_SAVED_ASKED)) this.#introduce(address)
    if (saved.length === 0) void this.#bootstrap()
    else {
      this.#bootstrapping++
      this.#patience = this.#options.clock.setTimer(() => {
        this.#bootstrapping--
        if (this.nodeCount < ENOUGH_NODES) void this.#bootstrap()
        else this.#pumpAll()
      }, SAVED_PATIENCE_MS)
    }
  }

  /** Nodes that a .torrent, a link or a peer names. */
  addNodes(addresses: readonly PeerAddress[]): void {
    for (const address of addresses) {
      if (this.nodeCount < MANY_NODES && isDialable(address.host)) this.#introduce(address)
    }
    this.#entry.keep(addresses)
  }

  /** As `addNodes`, by name: looked up first. Never rejects. */
  async addNamed(nodes: readonly HostPort[]): Promise<void> {
    this.#bootstrapping++
    const addresses = await this.#entry.resolve(nodes)
    this.#bootstrapping--
    this.addNodes(addresses)
    this.#pumpAll()
  }

  /** Walks to the nodes nearest to `target` in each family, asking for its peers. Resolves when they have answered. */
  async findPeers(target: NodeId, onResponse: (response: Response) => void): Promise<WalkResult> {
    const results = await Promise.all(
      [...this.#tables.keys()].map(family =>
        this.#walk(this.#walks, { family, onResponse, question: { method: 'get_peers', target, want: this.#want() } })
      )
    )
    return {
      answers: sum(results, ({ answers }) => answers),
      asked: sum(results, ({ asked }) => asked),
      storers: results.flatMap(({ storers }) => storers)
    }
  }

  /** BEP 33: as `findPeers`, asking for Bloom filters of who is there. */
  async scrape(target: NodeId, onResponse: (response: Response) => void): Promise<void> {
    const question = { method: 'get_peers', target, scrape: true } as const
    const families = [...this.#tables.keys()]
    await Promise.all(families.map(family => this.#walk(this.#walks, { family, onResponse, question })))
  }

  /** Tells nodes that answered a walk where we take connections. */
  announce(target: NodeId, storers: WalkResult['storers'], port: number, isSeed: boolean): void {
    for (const { contact, token } of storers) {
      const question = { method: 'announce_peer', target, port, impliedPort: false, token, isSeed } as const
      this.#rpc.ask(this.#idOf(familyOf(contact.address)), contact.address, question, () => undefined)
    }
  }

  /** For the next start. */
  save(): SavedNodes {
    const tables = [...this.#tables]
    return {
      ids: new Map(tables.map(([family, { ownId }]) => [family, ownId])),
      contacts: tables.flatMap(([, table]) => table.closest(table.ownId, Infinity))
    }
  }

  close(): void {
    this.#isClosed = true
    this.#unhandle()
    this.#options.clock.clearTimer(this.#tick)
    this.#options.clock.clearTimer(this.#pump)
    this.#options.clock.clearTimer(this.#patience)
    this.#rpc.close()
    for (const walk of [...this.#walks, ...this.#upkeep]) walk.stop()
  }

  // --- what we ask

  #walk(walks: Set<Walk>, options: Omit<WalkOptions, 'contacts'>): Promise<WalkResult> {
    const { family, question } = options
    const table = this.#tables.get(family)
    const side = {
      clock: this.#options.clock,
      rpc: this.#rpc,
      ownId: () => this.#idOf(family),
      isBootstrapping: () => this.#bootstrapping > 0 && !this.#isClosed,
      onAnswer: (contact: Contact) => this.#onAnswer(contact),
      onFailure: (contact: Contact) => this.#tables.get(family)?.onFailure(contact),
      onStarved: () => this.#planPump()
    }
    const walk = new Walk(side, { ...options, contacts: table?.closest(question.target) ?? [] })
    if (this.#isClosed) walk.stop()
    walks.add(walk)
    void walk.result.then(() => walks.delete(walk))
    this.#pumpAll()
    return walk.result
  }

  /** Who is waited for goes first. */
  #pumpAll(): void {
    for (const walk of [...this.#walks, ...this.#upkeep]) walk.pump()
  }

  /** What may not be asked yet is asked as soon as it may. */
  #planPump(): void {
    if (this.#isPumpPlanned || this.#isClosed) return
    this.#isPumpPlanned = true
    const goOn = (): void => {
      this.#isPumpPlanned = false
      this.#pumpAll()
    }
    this.#pump = this.#options.clock.setTimer(goOn, Math.max(1, Math.ceil(this.#rpc.waitMs())))
  }

  /** Asks a node whose id we do not know. */
  #introduce(address: PeerAddress): void {
    const family = familyOf(address)
    const table = this.#tables.get(family)
    if (!table || this.#isClosed) return
    this.#bootstrapping++
    const question = { method: 'find_node', target: table.ownId, want: this.#want() } as const
    const settle = once(() => {
      this.#bootstrapping--
      this.#pumpAll()
    })
    const finish = (response: Response | undefined): void => {
      if (response) {
        this.#onAnswer({ id: response.id, address })
        this.#tellWalks([{ id: response.id, address }, ...response.contacts])
        this.#walkHome()
      }
      settle()
    }
    // One that is slow does not hold up what others have answered.
    this.#rpc.ask(table.ownId, address, question, finish, settle)
  }

  #tellWalks(contacts: readonly Contact[]): void {
    for (const walk of [...this.#walks, ...this.#upkeep])
      walk.add(contacts.filter(({ address }) => familyOf(address) === walk.family))
  }

  async #bootstrap(): Promise<void> {
    if (this.#entry.isEmpty) return
    this.#bootstrapping++
    const addresses = await this.#entry.all()
    this.#bootstrapping--
    for (const address of addresses) this.#introduce(address)
    this.#pumpAll()
  }

  /** Once somebody has answered: to those whose ids are like ours, so that the table is filled near to us. */
  #walkHome(): void {
    if (this.#hasWalkedHome) return
    this.#hasWalkedHome = true
    for (const [family, table] of this.#tables) {
      const question = { method: 'find_node', target: table.ownId, want: this.#want() } as const
      void this.#walk(this.#upkeep, { family, question })
    }
  }

  #onTick(): void {
    const { clock, randomBytes } = this.#options
    this.#tick = clock.setTimer(() => this.#onTick(), TICK_MS)
    const now = clock.now()
    if (this.nodeCount === 0 && this.#bootstrapping === 0) {
      this.#hasWalkedHome = false
      void this.#bootstrap()
    }
    for (const [family, table] of this.#tables) {
      for (const contact of table.questionable(now)) if (this.#mayPing()) this.#ping(contact)
      for (const target of table.stale(now, () => randomBytes(20)))
        void this.#walk(this.#upkeep, { family, question: { method: 'find_node', target } })
    }
  }

  #mayPing(): boolean {
    return this.#rpc.available() > RESERVED_QUERIES
  }

  #ping(contact: Contact): void {
    const family = familyOf(contact.address)
    this.#rpc.ask(this.#idOf(family), contact.address, { method: 'ping' }, response => {
      if (response?.id.equals(contact.id)) this.#onAnswer(contact)
      else this.#tables.get(family)?.onFailure(contact)
    })
  }

  #onAnswer(contact: Contact): void {
    this.#tables.get(familyOf(contact.address))?.onAnswer(contact, this.#options.clock.now())
  }

  /** BEP 32: both families are told of when we know both. */
  #want(): readonly Family[] {
    return [...this.#tables.keys()]
  }

  // --- what we hear

  #onDatagram(datagram: Buffer, from: PeerAddress): boolean {
    // Every message is a dictionary; nothing else on this socket begins with a `d`.
    if (datagram[0] !== 0x64) return false
    const host = canonicalHost(from.host)
    const now = this.#options.clock.now()
    if (host === undefined || !isPort(from.port) || this.#limits.isMuted(host, now)) return true
    const message = parseKrpc(datagram)
    if (message) this.#onMessage(message, { from: { host, port: from.port }, bytes: datagram.length, now })
    return true
  }

  #onMessage(message: KrpcMessage, asked: Asked): void {
    const { from, now } = asked
    if (message.type === 'query' || message.type === 'fault') {
      if (this.#limits.hears(from.host, now) && !this.#options.readOnly) this.#answer(message, asked)
      return
    }
    if (!this.#rpc.onMessage(message, from)) {
      this.#limits.hears(from.host, now)
      return
    }
    this.#proven.note(from.host, now)
    if (message.type === 'response' && message.seenAs !== undefined) this.#noteSeenAs(from, message.seenAs)
  }

  #answer(message: KrpcMessage & { type: 'query' | 'fault' }, asked: Asked): void {
    const { from, now } = asked
    const table = this.#tables.get(familyOf(from))
    if (!table) return
    const contact = message.type === 'query' && !message.readOnly ? { id: message.id, address: from } : undefined
    const isWanted = contact !== undefined && table.onQuery(contact, now) && this.#mayPing()
    const datagram = this.#responder.answer(message, { ...asked, alsoSentBytes: isWanted ? PING_BYTES : 0 })
    if (datagram && this.#limits.answers.take(datagram.length, now))
      this.#options.port.send(datagram, from).catch(() => undefined)
    if (isWanted) this.#ping(contact)
  }

  /** BEP 42: our id follows our address, once several say which it is. */
  #noteSeenAs(from: PeerAddress, seen: string): void {
    this.#external.vote(from.host, seen)
    const family = familyOf({ host: seen, port: 1 })
    const table = this.#tables.get(family)
    const best = this.#external.best(family)
    if (!table || best === undefined || isIdOfHost(table.ownId, best)) return
    const now = this.#options.clock.now()
    const { randomBytes, sharesNetworks } = this.#options
    const renamed = new RoutingTable(nodeIdFor(best, randomBytes(20)), { sharesNetworks }, now)
    for (const contact of table.closest(table.ownId, Infinity)) renamed.onAnswer(contact, now)
    this.#tables.set(family, renamed)
  }

  #idOf(family: Family): NodeId {
    return this.#tables.get(family)?.ownId ?? this.#randomId()
  }

  #randomId(): NodeId {
    const id = asNodeId(this.#options.randomBytes(20))
    if (!id) throw new RangeError('20 random bytes were asked for')
    return id
  }
}

/** How long nodes of an earlier run have to answer before the bootstrap nodes are asked, too. */
const SAVED_PATIENCE_MS = 1000
/** With so many nodes the ones that others name are not needed. */
const MANY_NODES = 200
/** Questions that are left for lookups when nodes are asked whether they are there. */
const RESERVED_QUERIES = 10
/** The datagram that asks a node whether it is there. */
const PING_BYTES = 58

function once(act: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    act()
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
