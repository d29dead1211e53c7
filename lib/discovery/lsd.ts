/**
 * Peers in the same network (BEP 14): tells a multicast group which torrents we take connections for, and hears of others there. One for
 * all torrents of a client. What is heard from outside the network is not believed.
 */
import { createSocket, type Socket } from 'node:dgram'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import type { Clock, Timer } from '../clock.js'
import { LSD_ANNOUNCE_MS, LSD_DATAGRAMS_PER_SECOND, LSD_LEAST_MS, LSD_MAX_DATAGRAM, LSD_MAX_HASHES } from '../limits.js'
import type { InfoHash } from '../metainfo/info-hash.js'
import { addressScope, networkOf } from '../policy/address-rules.js'
import { canonicalHost, formatPeerAddress, type PeerAddress } from '../wire/peer-address.js'
import { encodeLsdMessage, parseLsdMessage } from './lsd-message.js'

export interface LsdOptions {
  readonly clock: Clock
  /** By which we know what we said ourselves. */
  readonly cookie: string
  /** Groups to speak to. Default: those of BEP 14. */
  readonly groups?: readonly PeerAddress[]
  /** Addresses of this machine whose networks are spoken to. Default: all that are not loopback. */
  readonly interfaces?: readonly string[]
}

/** BEP 14: > IPv4: 239.192.152.143:6771 (org-local), IPv6: [ff15::efc0:988f]:6771 (site-local) */
export const LSD_GROUPS: readonly PeerAddress[] = [
  { host: '239.192.152.143', port: 6771 },
  { host: 'ff15::efc0:988f', port: 6771 }
]

interface Joined {
  readonly infoHash: InfoHash
  readonly onPeer: (peer: PeerAddress) => void
  port: number | undefined
  toldAt: number
}

/** A group, and how it is reached. */
interface Channel {
  readonly socket: Socket
  readonly group: PeerAddress
  /** What `setMulticastInterface` takes. */
  readonly interfaces: Set<string>
}

const TICK_MS = 1000
/** Networks come and go: they are looked at this often. */
const REFRESH_TICKS = 5

export class Lsd {
  readonly #options: LsdOptions
  readonly #joined = new Map<string, Joined>()
  readonly #channels: Channel[] = []
  #opening: Promise<unknown>
  #ticks = 0
  #heard = 0
  #timer: Timer
  #isClosed = false

  constructor(options: LsdOptions) {
    this.#options = options
    this.#opening = this.#refresh()
    this.#timer = options.clock.setTimer(() => this.#onTick(), TICK_MS)
  }

  /** Resolves when the groups are joined that can be. */
  async ready(): Promise<void> {
    await this.#opening
  }

  /** Groups that are listened to. */
  get channelCount(): number {
    return this.#channels.length
  }

  /** Hears of this torrent's peers; the result ends it. */
  join(infoHash: InfoHash, onPeer: (peer: PeerAddress) => void): () => void {
    const key = infoHash.toString('hex')
    this.#joined.set(key, { infoHash, onPeer, port: undefined, toldAt: -Infinity })
    return () => void this.#joined.delete(key)
  }

  /** Others may be told that we take connections for it at `port`: soon, and then every five minutes. */
  announce(infoHash: InfoHash, port: number): void {
    const joined = this.#joined.get(infoHash.toString('hex'))
    if (!joined) return
    joined.port = port
    void this.#opening.then(() => this.#tell())
  }

  /** Nobody is connected: tells again as soon as manners allow. */
  announceSoon(infoHash: InfoHash): void {
    const joined = this.#joined.get(infoHash.toString('hex'))
    if (joined) joined.toldAt = Math.min(joined.toldAt, this.#options.clock.now() - (LSD_ANNOUNCE_MS - LSD_LEAST_MS))
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#joined.clear()
    this.#options.clock.clearTimer(this.#timer)
    await this.#opening
    await Promise.all(this.#channels.splice(0).map(({ socket }) => closed(socket)))
  }

  #onTick(): void {
    this.#timer = this.#options.clock.setTimer(() => this.#onTick(), TICK_MS)
    this.#heard = 0
    if (++this.#ticks % REFRESH_TICKS === 0) this.#opening = this.#opening.then(() => this.#refresh())
    this.#tell()
  }

  /** All torrents whose time has come, a few in one datagram. */
  #tell(): void {
    const now = this.#options.clock.now()
    const due = [...this.#joined.values()].filter(
      ({ port, toldAt }) => port !== undefined && now - toldAt >= LSD_ANNOUNCE_MS
    )
    if (this.#isClosed || due.length === 0 || this.#channels.length === 0) return
    for (const joined of due) joined.toldAt = now
    for (const port of new Set(due.map(joined => joined.port ?? 0))) {
      const infoHashes = due.filter(joined => joined.port === port).map(({ infoHash }) => infoHash)
      for (let at = 0; at < infoHashes.length; at += LSD_MAX_HASHES)
        this.#send(port, infoHashes.slice(at, at + LSD_MAX_HASHES))
    }
  }

  #send(port: number, infoHashes: readonly InfoHash[]): void {
    for (const { socket, group, interfaces } of this.#channels) {
      const datagram = encodeLsdMessage({ port, infoHashes, cookie: this.#options.cookie }, formatPeerAddress(group))
      for (const name of interfaces) {
        // An interface may be gone by now; the others are not concerned.
        try {
          socket.setMulticastInterface(name)
          socket.send(datagram, group.port, group.host, () => undefined)
        } catch {
          continue
        }
      }
    }
  }

  #onDatagram(datagram: Buffer, from: PeerAddress): void {
    if (this.#isClosed || datagram.length > LSD_MAX_DATAGRAM || ++this.#heard > LSD_DATAGRAMS_PER_SECOND) return
    const host = canonicalHost(from.host.replace(/%.*$/, ''))
    if (host === undefined || !isNear(host)) return
    const message = parseLsdMessage(datagram)
    if (!message || message.cookie === this.#options.cookie) return
    for (const infoHash of message.infoHashes)
      this.#joined.get(infoHash.toString('hex'))?.onPeer({ host, port: message.port })
  }

  /** Joins the groups on networks that are new. Whoever is there is told at once. */
  async #refresh(): Promise<void> {
    const { groups = LSD_GROUPS, interfaces: wanted } = this.#options
    let isNew = false
    for (const group of groups) {
      const found = interfacesOf(group.host.includes(':'), wanted)
      const channel = this.#channels.find(each => each.group === group)
      const fresh = found.filter(name => channel?.interfaces.has(name) !== true)
      if (this.#isClosed || fresh.length === 0) continue
      if (channel) isNew = joinAll(channel, fresh) || isNew
      else isNew = (await this.#open(group, fresh)) || isNew
    }
    if (isNew) for (const joined of this.#joined.values()) joined.toldAt = -Infinity
  }

  /** False when the group cannot be joined on any of these. */
  async #open(group: PeerAddress, names: readonly string[]): Promise<boolean> {
    const isV6 = group.host.includes(':')
    // Addresses only: nothing is to be looked up, and each datagram leaves before the interface changes.
    const lookup = (host: string, _: unknown, done: (error: null, address: string, family: number) => void): void =>
      done(null, host, isV6 ? 6 : 4)
    const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', reuseAddr: true, ipv6Only: isV6, lookup })
    socket.unref()
    const isBound = await new Promise<boolean>(resolve => {
      socket.once('error', () => resolve(false))
      socket.bind(group.port, () => resolve(true))
    })
    socket.removeAllListeners('error').on('error', () => undefined)
    const channel = { socket, group, interfaces: new Set<string>() }
    if (!isBound || this.#isClosed || !joinAll(channel, names)) {
      await closed(socket)
      return false
    }
    // BEP 14 names no scope; the groups are local to a site, and one hop is what a home needs.
    socket.setMulticastTTL(1)
    socket.setMulticastLoopback(true)
    socket.on('message', (datagram, { address, port }) => this.#onDatagram(datagram, { host: address, port }))
    this.#channels.push(channel)
    return true
  }
}

/** True when one of them was joined. */
function joinAll({ socket, group, interfaces }: Channel, names: readonly string[]): boolean {
  const joined = names.filter(name => joins(socket, group.host, name))
  for (const name of joined) interfaces.add(name)
  return joined.length > 0
}

function joins(socket: Socket, group: string, name: string): boolean {
  try {
    socket.addMembership(group, name)
    return true
  } catch {
    return false
  }
}

/** IPv4 interfaces are named by an address, those of IPv6 by a zone. */
function interfacesOf(isV6: boolean, addresses: readonly string[] | undefined): string[] {
  const names = new Set<string>()
  for (const { name, address, family, internal } of networks()) {
    const isWanted = addresses ? addresses.includes(address) : !internal
    if (isWanted && (family === 'IPv6') === isV6) names.add(isV6 ? `::%${name}` : address)
  }
  return [...names]
}

/** All addresses of this machine; none where the system does not tell, as in some sandboxes and on phones. */
function networks(): (NetworkInterfaceInfo & { readonly name: string })[] {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
      (entries ?? []).map(entry => ({ ...entry, name }))
    )
  } catch {
    return []
  }
}

/** Of this network: not of the internet, or an address beside ours. IPv6 link-local ones cannot be dialled without their zone. */
function isNear(host: string): boolean {
  const scope = addressScope(host)
  if (scope !== 'global') return (scope === 'private' || scope === 'loopback') && !/^fe[89ab]/i.test(host)
  return networks().some(({ address }) => !address.startsWith('fe80') && networkOf(address) === networkOf(host))
}

function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    try {
      socket.close(() => resolve())
    } catch {
      resolve()
    }
  })
}
