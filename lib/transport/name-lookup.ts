/**
 * Names to addresses. `dns.lookup` runs on the threads that the file system uses too and takes as long as it likes, so at most
 * two run at a time and nobody waits for one longer than 5 s. Which addresses may be used is judged by the caller.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import { systemClock, type Clock } from '../clock.js'
import { DNS_LOOKUP_MS, DNS_QUEUE_MS, MAX_ADDRESSES_PER_NAME, MAX_DNS_LOOKUPS } from '../limits.js'
import { canonicalHost } from '../wire/peer-address.js'
import { untilAborted, withDeadline } from './deadline.js'
import { TransportError } from './transport-error.js'

/** All addresses of a name, best first. Rejects when there are none. */
export type LookupFunction = (host: string) => Promise<readonly string[]>

export class NameLookup {
  readonly #lookup: LookupFunction
  readonly #clock: Clock
  readonly #running = new Map<string, Promise<readonly string[]>>()
  readonly #waiting = new Set<() => void>()
  #free = MAX_DNS_LOOKUPS

  constructor({ lookup = lookupAll, clock = systemClock }: { lookup?: LookupFunction; clock?: Clock } = {}) {
    this.#lookup = lookup
    this.#clock = clock
  }

  /**
   * Addresses of `host`, at least one; an IP address (with or without brackets) is its own. Rejects with a `TransportError`,
   * or with the signal's reason.
   */
  async resolve(host: string, signal?: AbortSignal): Promise<readonly string[]> {
    const literal = canonicalHost(host.replace(/^\[(.*)\]$/, '$1'))
    if (literal !== undefined) return [literal]
    if (host === '' || host.length > 253) throw new TransportError('network', 'not a host name')
    const lookup = this.#running.get(host) ?? this.#begin(host)
    const addresses = await (signal ? untilAborted(signal, lookup) : lookup)
    const usable = addresses.map(canonicalHost).filter(address => address !== undefined)
    if (usable.length === 0) throw new TransportError('network', `${host} has no address`)
    return usable.slice(0, MAX_ADDRESSES_PER_NAME)
  }

  /** Looks up once for all who ask meanwhile. The turn is given back when the system answers, not when we stop waiting. */
  #begin(host: string): Promise<readonly string[]> {
    const answer = this.#turn().then(async () => {
      const work = this.#lookup(host).finally(() => this.#endTurn())
      const onTimeout = () => new TransportError('timeout', `looking up ${host} took too long`)
      try {
        return await withDeadline({ clock: this.#clock, timeoutMs: DNS_LOOKUP_MS, onTimeout }, () => work)
      } catch (error) {
        if (error instanceof TransportError) throw error
        throw new TransportError('network', `${host} was not found`, { cause: error })
      }
    })
    this.#running.set(host, answer)
    const forget = () => this.#running.delete(host)
    answer.then(forget, forget)
    return answer
  }

  async #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        this.#clock.clearTimer(timer)
        resolve()
      }
      const giveUp = () => {
        this.#waiting.delete(start)
        reject(new TransportError('timeout', 'too many slow name lookups'))
      }
      const timer = this.#clock.setTimer(giveUp, DNS_QUEUE_MS)
      this.#waiting.add(start)
    })
  }

  #endTurn(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}

/** The lookup of the whole process: its limit is one of the machine. */
export const systemNames = new NameLookup()

async function lookupAll(host: string): Promise<string[]> {
  const found = await systemLookup(host, { all: true })
  return found.map(({ address }) => address)
}
