/**
 * Nodes that are known to answer, many near to us and few far away (BEP 5, "Routing Table"). One of a network only, so that nobody fills
 * the table; where there is no room for all, those whose ids fit their addresses (BEP 42). Reads no clock: `now` is in milliseconds.
 */
import { DHT_BUCKET_SIZE, DHT_GOOD_MS, DHT_MAX_NODE_FAILURES } from '../../limits.js'
import { networkOf } from '../../policy/address-rules.js'
import { formatPeerAddress, type PeerAddress } from '../../wire/peer-address.js'
import type { Contact } from './contact.js'
import { compareDistance, idWithSharedBits, isIdOfHost, sharedBits, type NodeId } from './node-id.js'

interface Entry extends Contact {
  /** It answered, or asked after it had answered before. */
  heardAt: number
  failures: number
  readonly isIdRight: boolean
}

interface Bucket {
  entries: Entry[]
  /** Heard of by their own answers, for when one of the entries fails. */
  spares: Entry[]
  changedAt: number
}

export interface RoutingTableOptions {
  /** Take any number of nodes of one network: for tests on one machine. */
  readonly sharesNetworks: boolean
}

export class RoutingTable {
  readonly ownId: NodeId
  readonly #options: RoutingTableOptions
  /** Bucket n has what shares n bits with us; the last one has all that shares more. */
  readonly #buckets: Bucket[]
  readonly #places = new Map<string, Entry>()
  #size = 0

  constructor(ownId: NodeId, options: RoutingTableOptions, now: number) {
    this.ownId = ownId
    this.#options = options
    this.#buckets = [{ entries: [], spares: [], changedAt: now }]
  }

  /** Nodes, without spares. */
  get size(): number {
    return this.#size
  }

  /** A node answered. */
  onAnswer(contact: Contact, now: number): void {
    const bucket = this.#bucketOf(contact.id)
    const known = bucket && [...bucket.entries, ...bucket.spares].find(({ id }) => id.equals(contact.id))
    if (known) {
      // Who takes the name of another is not believed while that one answers.
      if (!isSame(known.address, contact.address)) return
      known.heardAt = now
      known.failures = 0
      bucket.changedAt = now
    } else
      this.#add({ ...contact, heardAt: now, failures: 0, isIdRight: isIdOfHost(contact.id, contact.address.host) }, now)
  }

  /** A node asked us something. True when it is worth a question of our own: only who answers gets in. */
  onQuery(contact: Contact, now: number): boolean {
    const bucket = this.#bucketOf(contact.id)
    const known = bucket?.entries.find(({ id }) => id.equals(contact.id))
    if (!known) return bucket !== undefined && this.#hasRoom(bucket) && this.#isFree(contact.address)
    if (isSame(known.address, contact.address)) known.heardAt = now
    return false
  }

  /** A node did not answer. */
  onFailure({ id, address }: Contact): void {
    const bucket = this.#bucketOf(id)
    const entry =
      bucket && [...bucket.entries, ...bucket.spares].find(each => each.id.equals(id) && isSame(each.address, address))
    if (!bucket || !entry || ++entry.failures < DHT_MAX_NODE_FAILURES) return
    const isSpare = bucket.spares.includes(entry)
    this.#remove(bucket, entry)
    if (!isSpare) this.#promote(bucket)
  }

  /** The nearest to `target` that did not fail lately. */
  closest(target: NodeId, count = DHT_BUCKET_SIZE): Contact[] {
    const usable = [...this.#entries()].filter(({ failures }) => failures === 0)
    return usable.sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, count)
  }

  /** Nodes to be asked again, as nothing was heard of them for long: one of each bucket. */
  questionable(now: number): Contact[] {
    return this.#buckets.flatMap(({ entries }) => {
      const oldest = entries.reduce<Entry | undefined>(
        (old, each) => (old && old.heardAt <= each.heardAt ? old : each),
        undefined
      )
      return oldest && now - oldest.heardAt >= DHT_GOOD_MS ? [oldest] : []
    })
  }

  /** Ids to look for, one in each bucket where nothing changed for long. `random` gives 20 bytes. */
  stale(now: number, random: () => Uint8Array): NodeId[] {
    return this.#buckets.flatMap((bucket, bits) => {
      if (now - bucket.changedAt < DHT_GOOD_MS) return []
      bucket.changedAt = now
      return [idWithSharedBits(this.ownId, bits, random())]
    })
  }

  /** All nodes, those heard of lately first. */
  all(): Contact[] {
    return [...this.#entries()].sort((a, b) => b.heardAt - a.heardAt)
  }

  *#entries(): Generator<Entry> {
    for (const { entries } of this.#buckets) yield* entries
  }

  #add(entry: Entry, now: number): void {
    if (!this.#isFree(entry.address)) return
    for (;;) {
      const bucket = this.#bucketOf(entry.id)
      if (!bucket) return
      if (bucket.entries.length < DHT_BUCKET_SIZE) {
        this.#insert(bucket, entry, now)
        return
      }
      if (bucket === this.#buckets.at(-1) && this.#buckets.length < this.ownId.length * 8) {
        this.#split(bucket)
        continue
      }
      const worse = bucket.entries.find(({ failures, isIdRight }) => failures > 0 || (entry.isIdRight && !isIdRight))
      if (worse) {
        this.#remove(bucket, worse)
        this.#insert(bucket, entry, now)
      } else if (bucket.spares.length < DHT_BUCKET_SIZE) {
        bucket.spares.push(entry)
        this.#places.set(this.#placeOf(entry.address), entry)
      }
      return
    }
  }

  #insert(bucket: Bucket, entry: Entry, now: number): void {
    bucket.entries.push(entry)
    bucket.changedAt = now
    this.#places.set(this.#placeOf(entry.address), entry)
    this.#size++
  }

  #remove(bucket: Bucket, entry: Entry): void {
    const isEntry = bucket.entries.includes(entry)
    bucket.entries = bucket.entries.filter(each => each !== entry)
    bucket.spares = bucket.spares.filter(each => each !== entry)
    if (this.#places.get(this.#placeOf(entry.address)) === entry) this.#places.delete(this.#placeOf(entry.address))
    if (isEntry) this.#size--
  }

  /** A place is free: the newest of those that did not fail lately has it, else any. */
  #promote(bucket: Bucket): void {
    const spare = bucket.spares.findLast(({ failures }) => failures === 0) ?? bucket.spares.at(-1)
    if (!spare) return
    bucket.spares = bucket.spares.filter(each => each !== spare)
    bucket.entries.push(spare)
    this.#size++
  }

  /** The last bucket gives those that share no more than its number of bits a bucket of their own. */
  #split(last: Bucket): void {
    const bits = this.#buckets.length - 1
    const isNear = ({ id }: Entry): boolean => sharedBits(id, this.ownId) > bits
    this.#buckets.push({
      entries: last.entries.filter(isNear),
      spares: last.spares.filter(isNear),
      changedAt: last.changedAt
    })
    last.entries = last.entries.filter(entry => !isNear(entry))
    last.spares = last.spares.filter(entry => !isNear(entry))
  }

  /** None for our own id. */
  #bucketOf(id: NodeId): Bucket | undefined {
    const bits = sharedBits(id, this.ownId)
    return bits === this.ownId.length * 8 ? undefined : this.#buckets[Math.min(bits, this.#buckets.length - 1)]
  }

  #hasRoom(bucket: Bucket): boolean {
    return bucket.entries.length < DHT_BUCKET_SIZE || bucket === this.#buckets.at(-1)
  }

  #isFree(address: PeerAddress): boolean {
    return !this.#places.has(this.#placeOf(address))
  }

  #placeOf(address: PeerAddress): string {
    return this.#options.sharesNetworks ? formatPeerAddress(address) : networkOf(address.host)
  }
}

function isSame(a: PeerAddress, b: PeerAddress): boolean {
  return a.host === b.host && a.port === b.port
}
