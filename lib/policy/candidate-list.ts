/** Addresses where peers may be: where we know them from, when to dial them (again), who is banned. Dials nothing. */
import { MAX_CANDIDATES, MAX_DIAL_FAILURES, MAX_PEX_CANDIDATES, PARTED_MS } from '../limits.js'
import type { KnownWays, Way } from './encryption.js'
import { byTurns, isIpv6 } from './family-turns.js'
import { HostShare } from './host-share.js'
import { formatPeerAddress, type PeerAddress } from '../wire/peer-address.js'

/** Where an address is known from. `user` addresses were given by hand: they are tried for ever. */
export type CandidateSource = 'user' | 'magnet' | 'incoming' | 'tracker' | 'lsd' | 'dht' | 'pex'

/** Whose word counts for more: the first is dialled first, and when the list is full the last gives way. */
const TRUST: readonly CandidateSource[] = ['user', 'magnet', 'incoming', 'lsd', 'tracker', 'dht', 'pex']
const PUBLIC_ONLY: ReadonlySet<CandidateSource> = new Set(['lsd', 'dht', 'pex'])

/** An address, and what else is said of it. */
export interface FoundAddress extends PeerAddress {
  /** BEP 11: > Prefers encryption */
  readonly prefersEncryption?: boolean | undefined
}

export interface Candidate extends KnownWays {
  readonly address: PeerAddress
  /** How it was spoken to when that last went well. */
  worksBy?: Way | undefined
  prefersEncryption?: boolean | undefined
  /** The most trusted that named it. */
  source: CandidateSource
  /** BEP 40, once it was asked for and we knew our own address. */
  priority?: number | undefined
  failures: number
  /** It brought verified bytes at some time. */
  hasGivenData: boolean
  /** Not to be dialled before this time. */
  dialAt: number
  isConnected: boolean
  /** We left each other because neither wanted anything. */
  hasParted?: boolean
}

/** A peer that ever gave verified data is dialled again this soon, then doubling; and forgotten after so many failures. */
const KNOWN_GOOD_RETRY_MS = 1000
const KNOWN_GOOD_FAILURES = 10
/** One that gave none, as long, doubling. */
const RETRY_MS = 60_000
const USER_RETRY_MAX_MS = 30_000
/** A machine has so many addresses at most. */
const MAX_OURSELVES = 100

export class CandidateList {
  /** BEP 40: who is dialled first of those that are alike otherwise. */
  priorityOf: (address: PeerAddress) => number | undefined = () => undefined
  readonly #known = new Map<string, Candidate>()
  /** Those of each source, and of none that is trusted more; the oldest first. */
  readonly #ofSource = new Map(TRUST.map(source => [source, new Set<Candidate>()]))
  /** Addresses that each source ever brought and that were new. */
  readonly #found = new Map<CandidateSource, number>()
  readonly #banned = new Set<string>()
  /** Addresses that turned out to be ourselves. */
  readonly #ourselves = new Set<string>()
  /** Of the address that was dialled last. */
  #lastWasIpv6 = true
  readonly #hosts = new HostShare<Candidate>()

  get size(): number {
    return this.#known.size
  }

  /** Hosts of which something is kept, be it that they were dialled lately. */
  get hostCount(): number {
    return this.#hosts.size
  }

  /** Addresses that this source brought and nobody before it. */
  foundBy(source: CandidateSource): number {
    return this.#found.get(source) ?? 0
  }

  /** Adds addresses that are new; the list never grows beyond its limit. Returns how many were added. */
  add(addresses: readonly FoundAddress[], source: CandidateSource, now: number): number {
    let added = 0
    for (const address of addresses) {
      const key = formatPeerAddress(address)
      const known = this.#known.get(key)
      const { host, port, prefersEncryption } = address
      if (known && prefersEncryption === true) known.prefersEncryption = true
      if (known && isTrustedMore(source, known.source)) this.#setSource(known, source)
      if (known || this.#ourselves.has(key) || this.#banned.has(banKey(address))) continue
      if (!this.#makeHostRoom(host, source)) continue
      if (!this.#makeRoom(source)) break
      const untried = { failures: 0, hasGivenData: false, dialAt: now, isConnected: false }
      const candidate = { address: { host, port }, source, prefersEncryption, ...untried }
      this.#known.set(key, candidate)
      this.#ofSource.get(source)?.add(candidate)
      this.#hosts.onKnown(host, candidate)
      added++
    }
    if (added > 0) this.#found.set(source, this.foundBy(source) + added)
    return added
  }

  /** A private torrent (BEP 27): forgets whom only its trackers' rivals named. Returns their addresses. */
  forgetPublic(): PeerAddress[] {
    const forgotten = [...this.#known.values()].filter(({ source }) => isPublicSource(source))
    for (const { address } of forgotten) this.forget(address)
    for (const source of PUBLIC_ONLY) this.#found.delete(source)
    return forgotten.map(({ address }) => address)
  }

  get(address: PeerAddress): Candidate | undefined {
    return this.#known.get(formatPeerAddress(address))
  }

  /** How many could be dialled now, were each dialled as often as it wants. */
  dueCount(now: number): number {
    let count = 0
    for (const candidate of this.#known.values()) if (!candidate.isConnected && candidate.dialAt <= now) count++
    return count
  }

  /** Up to `count` candidates to dial now, those with the fewest failures first. */
  due(count: number, now: number): Candidate[] {
    if (count <= 0) return []
    const due: Candidate[] = []
    for (const candidate of this.#known.values())
      if (!candidate.isConnected && candidate.dialAt <= now) due.push(candidate)
    const allowed: Candidate[] = []
    const perHost = new Map<string, number>()
    for (const candidate of this.#sorted(due, count)) {
      if (allowed.length === count) break
      const { host } = candidate.address
      const dialsLeft = perHost.get(host) ?? this.#hosts.dialsLeft(host, now)
      // A list of many ports of one host must not make us its attacker.
      if (isGuarded(candidate) && dialsLeft <= 0) continue
      perHost.set(host, dialsLeft - 1)
      allowed.push(candidate)
    }
    return allowed
  }

  /** Fewest failures first, then by source; only when not all get their turn it matters who is first among equals: IPv4 and IPv6 by turns. */
  #sorted(due: Candidate[], count: number): Candidate[] {
    const isScarce = due.length > count
    const priority = (candidate: Candidate): number =>
      isScarce ? ((candidate.priority ??= this.priorityOf(candidate.address)) ?? 0) : 0
    const rank = (a: Candidate, b: Candidate): number =>
      a.failures - b.failures || TRUST.indexOf(a.source) - TRUST.indexOf(b.source)
    due.sort((a, b) => rank(a, b) || priority(b) - priority(a))
    return isScarce ? byTurns(due, (a, b) => rank(a, b) === 0, !this.#lastWasIpv6) : due
  }

  /** The candidate is being dialled. */
  onDial(candidate: Candidate, now: number): void {
    candidate.isConnected = true
    this.#lastWasIpv6 = isIpv6(candidate.address)
    if (isGuarded(candidate)) this.#hosts.onDial(candidate.address.host, now)
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

  /** Neither of the two wants anything: no fault, and no reason to meet soon. */
  onParted(candidate: Candidate, now: number): void {
    candidate.isConnected = false
    candidate.hasParted = true
    candidate.dialAt = now + PARTED_MS
  }

  /** Those who parted may be dialled now. */
  recall(now: number): void {
    for (const candidate of this.#known.values()) {
      if (candidate.hasParted !== true) continue
      candidate.hasParted = false
      candidate.dialAt = now
    }
  }

  /** Never dials or accepts this address again. */
  ban(address: PeerAddress): void {
    const key = banKey(address)
    this.#banned.add(key)
    for (const { address: known } of this.#known.values()) if (banKey(known) === key) this.forget(known)
  }

  isBanned(address: PeerAddress): boolean {
    return this.#banned.has(banKey(address))
  }

  /** The address leads to ourselves, whoever names it. */
  excludeOurselves(address: PeerAddress): void {
    if (this.#ourselves.size < MAX_OURSELVES) this.#ourselves.add(formatPeerAddress(address))
    this.forget(address)
  }

  /** An address that turned out to be of no use. */
  forget(address: PeerAddress): void {
    const key = formatPeerAddress(address)
    const known = this.#known.get(key)
    if (!known) return
    this.#ofSource.get(known.source)?.delete(known)
    this.#hosts.onForgotten(address.host, known)
    this.#known.delete(key)
  }

  /** One host has a few places; loopback, where a whole swarm may live, as many as there are. */
  #makeHostRoom(host: string, source: CandidateSource): boolean {
    if (source === 'user' || isLoopbackHost(host) || !this.#hosts.isFull(host)) return true
    const there = this.#hosts.of(host)
    return weakerThan(source).some(weaker => this.#pushOut(there.filter(candidate => candidate.source === weaker)))
  }

  /** When the list is full, somebody who was named by a less trusted source and never helped gives way. */
  #makeRoom(source: CandidateSource): boolean {
    if (source === 'user') return true
    if (source === 'pex' && (this.#ofSource.get('pex')?.size ?? 0) >= MAX_PEX_CANDIDATES) return false
    if (this.#known.size < MAX_CANDIDATES) return true
    return weakerThan(source).some(weaker => this.#pushOut(this.#ofSource.get(weaker) ?? []))
  }

  /** The first that can go goes. */
  #pushOut(candidates: Iterable<Candidate>): boolean {
    for (const { isConnected, hasGivenData, address } of candidates) {
      if (isConnected || hasGivenData) continue
      this.forget(address)
      return true
    }
    return false
  }

  #setSource(candidate: Candidate, source: CandidateSource): void {
    this.#ofSource.get(candidate.source)?.delete(candidate)
    this.#ofSource.get(source)?.add(candidate)
    candidate.source = source
  }
}

/** A source that a private torrent must not use (BEP 27). */
export function isPublicSource(source: CandidateSource): boolean {
  return PUBLIC_ONLY.has(source)
}

function isTrustedMore(one: CandidateSource, other: CandidateSource): boolean {
  return TRUST.indexOf(one) < TRUST.indexOf(other)
}

/** Sources that are trusted less, the least first. */
function weakerThan(source: CandidateSource): CandidateSource[] {
  return TRUST.slice(TRUST.indexOf(source) + 1).reverse()
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
  return isLoopbackHost(host)
}

function isLoopbackHost(host: string): boolean {
  return host.startsWith('127.') || host === '::1'
}
