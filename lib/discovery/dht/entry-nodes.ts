/** Nodes by which the DHT is entered: named by options, torrents and links. Looks names up; asks no node anything. */
import { isDialable } from '../../policy/address-rules.js'
import type { NameLookup } from '../../transport/name-lookup.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import type { HostPort } from '../host-port.js'

/** Addresses that torrents and peers named, kept for when nobody else is known. */
const MAX_GIVEN = 50

export class EntryNodes {
  /** Why a name could not be looked up, the last time. */
  error: string | undefined
  readonly #names: NameLookup
  readonly #bootstrap: readonly HostPort[]
  #given: readonly PeerAddress[] = []

  constructor(names: NameLookup, bootstrap: readonly HostPort[]) {
    this.#names = names
    this.#bootstrap = bootstrap
  }

  get isEmpty(): boolean {
    return this.#bootstrap.length === 0 && this.#given.length === 0
  }

  keep(addresses: readonly PeerAddress[]): void {
    this.#given = [...this.#given, ...addresses].slice(-MAX_GIVEN)
  }

  /** The bootstrap nodes, and those that were kept. Never rejects. */
  async all(): Promise<PeerAddress[]> {
    return [...(await this.resolve(this.#bootstrap)), ...this.#given]
  }

  /** Addresses of nodes by name; what has none is left out. Never rejects. */
  async resolve(nodes: readonly HostPort[]): Promise<PeerAddress[]> {
    const found = await Promise.all(nodes.map(node => this.#addressesOf(node)))
    return found.flat()
  }

  async #addressesOf({ host, port }: HostPort): Promise<PeerAddress[]> {
    try {
      const hosts = await this.#names.resolve(host)
      return hosts.filter(isDialable).map(address => ({ host: address, port }))
    } catch (error) {
      this.error = (error as Error).message
      return []
    }
  }
}
