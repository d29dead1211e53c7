/**
 * One walk through the DHT to the nodes nearest to a target (BEP 5): asks the nearest it knows, learns of nearer ones, ends when the
 * nearest have all answered. Slow nodes do not hold it up. Sends nothing and reads no clock.
 */
import {
  DHT_BUCKET_SIZE,
  DHT_LOOKUP_CONCURRENCY,
  DHT_MAX_LOOKUP_NODES,
  DHT_MAX_NODES_OF_ANSWER,
  DHT_SLOW_MS
} from '../../limits.js'
import { addressScope, networkOf } from '../../policy/address-rules.js'
import { formatPeerAddress } from '../../wire/peer-address.js'
import type { Contact } from './contact.js'
import { compareDistance, isIdOfHost, type NodeId } from './node-id.js'

interface Candidate {
  readonly contact: Contact
  /** Of the internet; others are not of anybody. */
  readonly network: string | undefined
  /** It has an id that is its to have (BEP 42). */
  readonly isIdRight: boolean
  state: 'new' | 'asked' | 'answered' | 'failed'
  askedAt: number
  token: Buffer | undefined
}

/** Where there are enough whose ids are right (BEP 42), others count no more than this: they may be whoever chose to be there. */
const MAX_WRONG = DHT_BUCKET_SIZE / 2
/** Else they are what there is. */
const MAX_WRONG_ALONE = 2 * DHT_BUCKET_SIZE

export class Lookup {
  readonly target: NodeId
  /** Questions that were sent. */
  asked = 0
  /** The nearest first. */
  readonly #candidates: Candidate[] = []
  readonly #byAddress = new Map<string, Candidate>()

  constructor(target: NodeId) {
    this.target = target
  }

  /** Nodes that somebody told of. */
  add(contacts: readonly Contact[]): void {
    for (const contact of contacts) {
      const key = formatPeerAddress(contact.address)
      if (this.#byAddress.has(key)) continue
      const candidate = candidateOf(contact)
      this.#byAddress.set(key, candidate)
      this.#candidates.splice(this.#placeOf(contact.id), 0, candidate)
    }
    for (const { contact } of this.#candidates.splice(DHT_MAX_LOOKUP_NODES))
      this.#byAddress.delete(formatPeerAddress(contact.address))
  }

  /** Nodes to ask now, at most `limit`: those first whose ids are theirs to have. They count as asked. */
  next(now: number, limit: number): Contact[] {
    const nearest = this.#nearest(now)
    const inFlight = nearest.filter(candidate => isAwaited(candidate, now)).length
    const count = Math.min(limit, DHT_LOOKUP_CONCURRENCY - inFlight)
    const unasked = nearest.filter(({ state }) => state === 'new')
    const chosen = [...unasked.filter(isRight), ...unasked.filter(isWrong)].slice(0, Math.max(0, count))
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
    // One liar is not to fill the lookup.
    const byDistance = [...contacts].sort((a, b) => compareDistance(this.target, a.id, b.id))
    this.add(byDistance.slice(0, DHT_MAX_NODES_OF_ANSWER))
  }

  onFailure(contact: Contact): void {
    const candidate = this.#byAddress.get(formatPeerAddress(contact.address))
    if (candidate?.state === 'asked') candidate.state = 'failed'
  }

  /** Nobody nearer is left to be asked or waited for. */
  isDone(now: number): boolean {
    return this.#nearest(now).every(candidate => candidate.state === 'answered' || isSlow(candidate, now))
  }

  /**
   * The nearest that answered with a token, which is needed to announce to them; as many as a bucket holds. Those whose ids may have been
   * chosen to be near (BEP 42) have no more than half of the places, unless nobody else is there.
   */
  storers(): { readonly contact: Contact; readonly token: Buffer }[] {
    const storers = this.#candidates.filter(({ state, token }) => state === 'answered' && token)
    const rightCount = storers.filter(isRight).length
    const nearest = withFewWrong(storers, Math.max(MAX_WRONG, DHT_BUCKET_SIZE - rightCount)).slice(0, DHT_BUCKET_SIZE)
    return nearest.flatMap(({ contact, token }) => (token ? [{ contact, token }] : []))
  }

  /** Nodes that answered. */
  get answers(): number {
    return this.#candidates.filter(({ state }) => state === 'answered').length
  }

  /**
   * As many that are there, or may be, and have an id that is theirs to have, as a bucket holds; and whoever is nearer than the last of
   * them, of the others a few when there are enough of those. One of a network: a crowd of one owner around the target is not to be
   * believed alone.
   */
  #nearest(now: number): Candidate[] {
    const holders = this.#holders(now)
    const usable = this.#candidates.filter(
      candidate =>
        candidate.state !== 'failed' &&
        (candidate.network === undefined || holders.get(candidate.network) === candidate)
    )
    const counted = usable.filter(candidate => isRight(candidate) && !isSlow(candidate, now))
    const last = counted[DHT_BUCKET_SIZE - 1]
    if (!last) return withFewWrong(usable, MAX_WRONG_ALONE)
    // Who is silent has had its turn.
    const spent = this.#candidates.filter(candidate => isWrong(candidate) && isSlow(candidate, now)).length
    return withFewWrong(usable.slice(0, usable.indexOf(last) + 1), MAX_WRONG - spent)
  }

  /** Who stands for each network: who answered or is waited for, else the nearest that is to be asked. Who is slow or failed gives way. */
  #holders(now: number): Map<string, Candidate> {
    const holders = new Map<string, Candidate>()
    const hold = (isHolder: (candidate: Candidate) => boolean): void => {
      for (const candidate of this.#candidates) {
        const { network } = candidate
        if (network !== undefined && !holders.has(network) && isHolder(candidate)) holders.set(network, candidate)
      }
    }
    hold(candidate => candidate.state === 'answered' || isAwaited(candidate, now))
    hold(({ state }) => state === 'new')
    return holders
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
}

function candidateOf(contact: Contact): Candidate {
  const { id, address } = contact
  const network = addressScope(address.host) === 'global' ? networkOf(address.host) : undefined
  return { contact, network, isIdRight: isIdOfHost(id, address.host), state: 'new', askedAt: 0, token: undefined }
}

function isRight({ isIdRight }: Candidate): boolean {
  return isIdRight
}

function isWrong({ isIdRight }: Candidate): boolean {
  return !isIdRight
}

/** All whose ids are right, and the first of the others. */
function withFewWrong(candidates: readonly Candidate[], limit: number): Candidate[] {
  let left = limit
  return candidates.filter(({ isIdRight }) => isIdRight || left-- > 0)
}

/** Asked, and not yet so long ago that others take its turn. */
function isAwaited({ state, askedAt }: Candidate, now: number): boolean {
  return state === 'asked' && now - askedAt < DHT_SLOW_MS
}

function isSlow({ state, askedAt }: Candidate, now: number): boolean {
  return state === 'asked' && now - askedAt >= DHT_SLOW_MS
}
