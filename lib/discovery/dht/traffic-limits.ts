/** How much the DHT may say, and how much it hears from one host: quiet, and no help in a flood. Reads no clock. */
import {
  DHT_BYTES_PER_SECOND,
  DHT_FLOOD_MS,
  DHT_FLOOD_QUERIES,
  DHT_FLOOD_REST_MS,
  DHT_MAX_HOSTS,
  DHT_QUERIES_PER_SECOND
} from '../../limits.js'

/** So much a second, and no more than one second's worth at once. */
export class Allowance {
  readonly #perSecond: number
  #left: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#at = now
  }

  available(now: number): number {
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#at) / 1000) * this.#perSecond)
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
  /** Hosts that asked lately, the last one last. */
  readonly #hosts = new Map<string, { count: number; since: number; mutedUntil: number }>()

  constructor(now: number) {
    this.queries = new Allowance(DHT_QUERIES_PER_SECOND, now)
    this.answers = new Allowance(DHT_BYTES_PER_SECOND, now)
  }

  /** The host asked too often a while ago. */
  isMuted(host: string, now: number): boolean {
    return now < (this.#hosts.get(host)?.mutedUntil ?? -Infinity)
  }

  /** A host sent a query: false when it asks too often and is not heard for a while. */
  hears(host: string, now: number): boolean {
    const known = this.#hosts.get(host) ?? { count: 0, since: now, mutedUntil: -Infinity }
    this.#hosts.delete(host)
    this.#hosts.set(host, known)
    if (this.#hosts.size > DHT_MAX_HOSTS)
      for (const oldest of [...this.#hosts.keys()].slice(0, 1)) this.#hosts.delete(oldest)
    if (now < known.mutedUntil) return false
    if (now - known.since >= DHT_FLOOD_MS) {
      known.since = now
      known.count = 0
    }
    if (++known.count <= DHT_FLOOD_QUERIES) return true
    known.mutedUntil = now + DHT_FLOOD_REST_MS
    return false
  }
}
