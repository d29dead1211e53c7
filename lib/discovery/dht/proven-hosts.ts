/**
 * Hosts that have shown lately that datagrams to them arrive: they answered a question of ours, or gave back a token. Anybody can write
 * another's address on a question; who cannot be told from that is not sent much. Bounded; reads no clock.
 */
import { DHT_MAX_HOSTS, DHT_PROVEN_MS } from '../../limits.js'

export class ProvenHosts {
  /** When each showed it, the latest last. */
  readonly #provenAt = new Map<string, number>()

  note(host: string, now: number): void {
    this.#provenAt.delete(host)
    this.#provenAt.set(host, now)
    if (this.#provenAt.size <= DHT_MAX_HOSTS) return
    const [oldest] = this.#provenAt.keys()
    if (oldest !== undefined) this.#provenAt.delete(oldest)
  }

  has(host: string, now: number): boolean {
    return now - (this.#provenAt.get(host) ?? -Infinity) < DHT_PROVEN_MS
  }
}
