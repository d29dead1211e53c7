/**
 * One walk through the DHT to the nodes nearest to a target (BEP 5): asks the nearest it knows, learns of nearer ones, ends when the
 * nearest have all answered. Slow nodes do not hold it up. Sends nothing and reads no clock.
 */
import { DHT_BUCKET_SIZE, DHT_LOOKUP_CONCURRENCY, DHT_MAX_LOOKUP_NODES, DHT_SLOW_MS } from '../../limits.js'
import { addressScope, networkOf } from '../../policy/address-rules.js'
import { formatPeerAddress } from '../../wire/peer-address.js'
import type { Contact } from './contact.js'
import { compareDistance, isIdOfHost, type NodeId } from './node-id.js'

interface Candidate {
  readonly contact: Contact
  state: 'new' | 'asked' | 'answered' | 'failed'
  askedAt: number
  token: Buffer | undefined
}

export class Lookup {
  readonly target: NodeId
  /** Questions that were sent. */
  asked = 0
  /** The nearest first. */
  readonly #candidates: Candidate[] = []
  readonly #byAddress = new Map<string, Candidate>()
  /** How many of one network of the internet were taken: a crowd of one owner around the target is not to be believed alone. */
  readonly #networks = new Map<string, number>()

  constructor(target: NodeId) {
    this.target = target
  }

  /** Nodes that somebody told of. */
  add(contacts: readonly Contact[]): void {
    for (const contact of contacts) {
      const key = formatPeerAddress(contact.address)
      if (this.#byAddress.has(key) || !this.#isTakenOf(contact)) continue
      const candidate: Candidate = { contact, state: 'new', askedAt: 0, token: undefined }
      this.#byAddress.set(key, candidate)
      this.#candidates.splice(this.#placeOf(contact.id), 0, candidate)
    }
    for (const { contact } of this.#candidates.splice(DHT_MAX_LOOKUP_NODES))
      this.#byAddress.delete(formatPeerAddress(contact.address))
  }

  /** Nodes to ask now, at most `limit`. They count as asked. */
  next(now: number, limit: number): Contact[] {
    const nearest = this.#nearest()
    const inFlight = nearest.filter(candidate => isAwaited(candidate, now)).length
    const count = Math.min(limit, DHT_LOOKUP_CONCURRENCY - inFlight)
    const chosen = nearest.filter(({ state }) => state === 'new').slice(0, Math.max(0, count))
    for (const candidate of chosen) {
      candidate.state = 'asked'
      candidate.askedAt = now
    }
    this.asked += chosen.length
    return chosen.map(({ contact }) => contact)
  }

  /** A node answered, at last or in time. `token`: without one nothing can be stored there. */
  onAnswer(contact: Contact, token: Buffer | undefined, contacts: readonly Contact[]): void {
    const candidate = this.#byAddress.get(formatPeerAddress(contact.address))
    if (candidate) {
      candidate.state = 'answered'
      candidate.token = token
    }
    this.add(contacts)
  }

  onFailure(contact: Contact): void {
    const candidate = this.#byAddress.get(formatPeerAddress(contact.address))
    if (candidate?.state === 'asked') candidate.state = 'failed'
  }

  /** Nobody nearer is left to be asked or waited for. */
  isDone(now: number): boolean {
    return this.#nearest().every(
      candidate => candidate.state === 'answered' || (candidate.state === 'asked' && !isAwaited(candidate, now))
    )
  }

  /** The nearest that answered with a token, which is needed to announce to them. */
  storers(): { readonly contact: Contact; readonly token: Buffer }[] {
    return this.#candidates
      .flatMap(({ contact, state, token }) => (state === 'answered' && token ? [{ contact, token }] : []))
      .slice(0, DHT_BUCKET_SIZE)
  }

  /** Nodes that answered. */
  get answers(): number {
    return this.#candidates.filter(({ state }) => state === 'answered').length
  }

  /** As many that answered, and have an id that is theirs to choose (BEP 42), as a bucket holds; and whoever is nearer than the last of them. */
  #nearest(): Candidate[] {
    const nearest: Candidate[] = []
    let counted = 0
    for (const candidate of this.#candidates) {
      if (candidate.state === 'failed') continue
      nearest.push(candidate)
      const { id, address } = candidate.contact
      if (isIdOfHost(id, address.host)) counted++
      if (counted === DHT_BUCKET_SIZE) break
    }
    return nearest
  }

  #placeOf(id: NodeId): number {
    let [low, high] = [0, this.#candidates.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#candidates[middle]?.contact.id
      if (other && compareDistance(this.target, other, id) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #isTakenOf({ address }: Contact): boolean {
    if (addressScope(address.host) !== 'global') return true
    const network = networkOf(address.host)
    const count = this.#networks.get(network) ?? 0
    if (count > 0) return false
    this.#networks.set(network, count + 1)
    return true
  }
}

/** Asked, and not yet so long ago that others take its turn. */
function isAwaited({ state, askedAt }: Candidate, now: number): boolean {
  return state === 'asked' && now - askedAt < DHT_SLOW_MS
}
