/** How much the DHT may say, and how much it hears from one owner of addresses: quiet, and no help in a flood. Reads no clock. */
import {
  DHT_BYTES_PER_SECOND,
  DHT_FLOOD_MS,
  DHT_FLOOD_QUERIES,
  DHT_FLOOD_REST_MS,
  DHT_MAX_HOSTS,
  DHT_QUERIES_PER_SECOND
} from '../../limits.js'
import { networkOf } from '../../policy/address-rules.js'

/** So much a second, and no more than one second's worth at once, or what is named. */
export class Allowance {
  readonly #perSecond: number
  readonly #most: number
  #left: number
  #at: number

  constructor(perSecond: number, now: number, most = perSecond) {
    this.#perSecond = perSecond
    this.#most = most
    this.#left = most
    this.#at = now
  }

  available(now: number): number {
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    return this.#left
  }

  /** Milliseconds until so much is there. */
  waitMs(amount: number, now: number): number {
    return (Math.max(0, amount - this.available(now)) / this.#perSecond) * 1000
  }

  /** False when it is not there, and nothing is taken. */
  take(amount: number, now: number): boolean {
    if (this.available(now) < amount) return false
    this.#left -= amount
    return true
  }
}

export class TrafficLimits {
  readonly queries: Allowance
  readonly answers: Allowance
  /** Who asked lately, the last one last. */
  readonly #askers = new Map<string, Asker>()

  constructor(now: number) {
    this.queries = new Allowance(DHT_QUERIES_PER_SECOND, now)
    this.answers = new Allowance(DHT_BYTES_PER_SECOND, now)
  }

  /** The host, or another of its owner, asked too often a while ago. */
  isMuted(host: string, now: number): boolean {
    return now < (this.#askers.get(ownerOf(host))?.mutedUntil ?? -Infinity)
  }

  /** A host sent a query: false when its owner's ask too often and are not heard for a while. */
  hears(host: string, now: number): boolean {
    const owner = ownerOf(host)
    const asker = this.#askers.get(owner) ?? { allowance: allowanceOfAsker(now), mutedUntil: -Infinity }
    this.#askers.delete(owner)
    this.#askers.set(owner, asker)
    if (this.#askers.size > DHT_MAX_HOSTS) this.#forgetOldest()
    if (now < asker.mutedUntil) return false
    if (asker.allowance.take(1, now)) return true
    asker.mutedUntil = now + DHT_FLOOD_REST_MS
    return false
  }

  #forgetOldest(): void {
    const [oldest] = this.#askers.keys()
    if (oldest !== undefined) this.#askers.delete(oldest)
  }
}

interface Asker {
  readonly allowance: Allowance
  mutedUntil: number
}

function allowanceOfAsker(now: number): Allowance {
  return new Allowance((DHT_FLOOD_QUERIES * 1000) / DHT_FLOOD_MS, now, DHT_FLOOD_QUERIES)
}

/** Whoever has one address of an IPv6 network has all 2^64. */
function ownerOf(host: string): string {
  return host.includes(':') ? networkOf(host) : host
}
