/**
 * What one host may have of a list of addresses: so many of them, and so many dials in a while. Whoever tells of addresses may tell of
 * many ports of one host, to make us its attacker or to leave no room for others. Reads no clock.
 */
import { HOST_DIALS_MS, MAX_HOST_CANDIDATES, MAX_HOST_DIALS } from '../limits.js'

export class HostShare<Item> {
  /** What is known of each host: its addresses, the oldest first. */
  readonly #known = new Map<string, Set<Item>>()
  /** When each host was dialled lately; who was dialled last is last. */
  readonly #dials = new Map<string, readonly number[]>()

  /** Hosts of which something is kept. */
  get size(): number {
    return new Set([...this.#known.keys(), ...this.#dials.keys()]).size
  }

  /** As many addresses of it are known as one host may have. */
  isFull(host: string): boolean {
    return (this.#known.get(host)?.size ?? 0) >= MAX_HOST_CANDIDATES
  }

  of(host: string): Item[] {
    return [...(this.#known.get(host) ?? [])]
  }

  onKnown(host: string, item: Item): void {
    const items = this.#known.get(host)
    if (items) items.add(item)
    else this.#known.set(host, new Set([item]))
  }

  onForgotten(host: string, item: Item): void {
    const items = this.#known.get(host)
    items?.delete(item)
    if (items?.size === 0) this.#known.delete(host)
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
