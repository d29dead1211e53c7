/** Addresses where peers may be: where we know them from, when to dial them (again), who is banned. Dials nothing. */
import { HOST_DIALS_MS, MAX_CANDIDATES, MAX_DIAL_FAILURES, MAX_HOST_DIALS } from '../limits.js'
import { formatPeerAddress, type PeerAddress } from '../wire/peer-address.js'

/** `user` addresses were given by hand: they are tried for ever. */
export type CandidateSource = 'user' | 'tracker' | 'incoming'

export interface Candidate {
  readonly address: PeerAddress
  readonly source: CandidateSource
  failures: number
  /** It brought verified bytes at some time. */
  hasGivenData: boolean
  /** Not to be dialled before this time. */
  dialAt: number
  isConnected: boolean
}

/** A peer that ever gave verified data is dialled again this soon, then doubling; and forgotten after so many failures. */
const KNOWN_GOOD_RETRY_MS = 1000
const KNOWN_GOOD_FAILURES = 10
/** One that gave none, as long, doubling. */
const RETRY_MS = 60_000
const USER_RETRY_MAX_MS = 30_000

export class CandidateList {
  readonly #known = new Map<string, Candidate>()
  readonly #banned = new Set<string>()
  /** When hosts were dialled lately. */
  readonly #dials = new Map<string, number[]>()

  get size(): number {
    return this.#known.size
  }

  /** Adds addresses that are new; the list never grows beyond its limit. Returns how many were added. */
  add(addresses: readonly PeerAddress[], source: CandidateSource, now: number): number {
    let added = 0
    for (const address of addresses) {
      const key = formatPeerAddress(address)
      if (this.#known.has(key) || this.#banned.has(banKey(address))) continue
      if (this.#known.size >= MAX_CANDIDATES && source !== 'user') break
      this.#known.set(key, { address, source, failures: 0, hasGivenData: false, dialAt: now, isConnected: false })
      added++
    }
    return added
  }

  get(address: PeerAddress): Candidate | undefined {
    return this.#known.get(formatPeerAddress(address))
  }

  /** Up to `count` candidates to dial now, those with the fewest failures first. */
  due(count: number, now: number): Candidate[] {
    if (count <= 0) return []
    const due: Candidate[] = []
    for (const candidate of this.#known.values())
      if (!candidate.isConnected && candidate.dialAt <= now) due.push(candidate)
    const allowed: Candidate[] = []
    const perHost = new Map<string, number>()
    for (const candidate of due.sort((a, b) => a.failures - b.failures)) {
      if (allowed.length === count) break
      const { host } = candidate.address
      const dials = perHost.get(host) ?? this.#recentDials(host, now).length
      // A list of many ports of one host must not make us its attacker.
      if (isGuarded(candidate) && dials >= MAX_HOST_DIALS) continue
      perHost.set(host, dials + 1)
      allowed.push(candidate)
    }
    return allowed
  }

  #recentDials(host: string, now: number): number[] {
    return (this.#dials.get(host) ?? []).filter(at => now - at < HOST_DIALS_MS)
  }

  /** The candidate is being dialled. */
  onDial(candidate: Candidate, now: number): void {
    candidate.isConnected = true
    const { host } = candidate.address
    if (isGuarded(candidate)) this.#dials.set(host, [...this.#recentDials(host, now), now])
  }

  /** The connection ended or never came to be. `gaveData`: it brought verified bytes. */
  onGone(candidate: Candidate, gaveData: boolean, now: number): void {
    candidate.isConnected = false
    candidate.hasGivenData ||= gaveData
    candidate.failures = gaveData ? 1 : candidate.failures + 1
    const doubled = 2 ** Math.min(candidate.failures - 1, 10)
    if (candidate.source === 'user') candidate.dialAt = now + Math.min(KNOWN_GOOD_RETRY_MS * doubled, USER_RETRY_MAX_MS)
    else if (candidate.failures >= (candidate.hasGivenData ? KNOWN_GOOD_FAILURES : MAX_DIAL_FAILURES))
      this.forget(candidate.address)
    else candidate.dialAt = now + (candidate.hasGivenData ? KNOWN_GOOD_RETRY_MS : RETRY_MS) * doubled
  }

  /** Never dials or accepts this address again. */
  ban(address: PeerAddress): void {
    const key = banKey(address)
    this.#banned.add(key)
    for (const [text, known] of this.#known) if (banKey(known.address) === key) this.#known.delete(text)
  }

  isBanned(address: PeerAddress): boolean {
    return this.#banned.has(banKey(address))
  }

  /** Ourselves, or an address that turned out to be of no use. */
  forget(address: PeerAddress): void {
    this.#known.delete(formatPeerAddress(address))
  }
}

/** A ban counts for a host; on loopback, where many peers share one, for a port. */
function banKey(address: PeerAddress): string {
  return isLoopback(address) ? formatPeerAddress(address) : address.host
}

/** Neither given by hand, nor known to be good, nor on this machine. */
function isGuarded({ address, source, hasGivenData }: Candidate): boolean {
  return source !== 'user' && !hasGivenData && !isLoopback(address)
}

function isLoopback({ host }: PeerAddress): boolean {
  return host.startsWith('127.') || host === '::1'
}
