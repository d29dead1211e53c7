/**
 * What one host may have of a list of addresses: so many of them, and so many dials in a while. Whoever tells of addresses may tell of
 * many ports of one host, to make us its attacker or to leave no room for others. Reads no clock.
 */
import { HOST_DIALS_MS, MAX_HOST_CANDIDATES, MAX_HOST_DIALS } from '../limits.js'

export class HostShare {
  /** Addresses that are known of each host. */
  readonly #known = new Map<string, number>()
  /** When each host was dialled lately; who was dialled last is last. */
  readonly #dials = new Map<string, readonly number[]>()

  /** Hosts of which something is kept. */
  get size(): number {
    return new Set([...this.#known.keys(), ...this.#dials.keys()]).size
  }

  /** As many addresses of it are known as one host may have. */
  isFull(host: string): boolean {
    return (this.#known.get(host) ?? 0) >= MAX_HOST_CANDIDATES
  }

  onKnown(host: string): void {
    this.#known.set(host, (this.#known.get(host) ?? 0) + 1)
  }

  onForgotten(host: string): void {
    const left = (this.#known.get(host) ?? 0) - 1
    if (left > 0) this.#known.set(host, left)
    else this.#known.delete(host)
  }

  /** How often it may be dialled now. */
  dialsLeft(host: string, now: number): number {
    return MAX_HOST_DIALS - this.#recentDials(host, now).length
  }

  onDial(host: string, now: number): void {
    const dials = [...this.#recentDials(host, now), now]
    this.#dials.delete(host)
    this.#dials.set(host, dials)
    for (const oldest of this.#dials.keys()) {
      if (this.#recentDials(oldest, now).length > 0) break
      this.#dials.delete(oldest)
    }
  }

  #recentDials(host: string, now: number): number[] {
    return (this.#dials.get(host) ?? []).filter(at => now - at < HOST_DIALS_MS)
  }
}
