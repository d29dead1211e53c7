/**
 * What the torrents of one client share of the network: where connections come in, the UDP socket, trackers, the DHT, local service
 * discovery. Everything begins when it is first needed. Knows torrents by their info-hash only.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.js'
import type { Announcer } from './discovery/tracker/announce.js'
import type { TrackerClient } from './discovery/tracker/tracker-client.js'
import type { Dht } from './discovery/dht/dht.js'
import type { DhtSearch } from './discovery/dht/dht-search.js'
import type { Lsd } from './discovery/lsd.js'
import type { DhtSettings, LsdSettings } from './discovery/settings.js'
import { DHT_MAX_GIVEN_NODES, MAX_CONNECTIONS, USER_AGENT } from './limits.js'
import type { InfoHash } from './metainfo/info-hash.js'
import { Listener } from './net/listener.js'
import { Reception } from './net/reception.js'
import { SharedRoom } from './policy/shared-room.js'
import type { PeerSource } from './torrent-sources.js'
import type { UdpSocket } from './transport/udp-socket.js'
import type { PeerAddress } from './wire/peer-address.js'

export interface NetworkOptions {
  readonly port: number
  readonly portTries: number
  readonly host: string | undefined
  readonly clock: Clock
  readonly dht: DhtSettings | undefined
  readonly lsd: LsdSettings | undefined
}

export interface TorrentLookingFor {
  readonly infoHash: InfoHash
  readonly onPeers: (peers: readonly PeerAddress[]) => void
  readonly isSeed: () => boolean
  /** DHT nodes that the torrent names, `host:port`. */
  readonly nodes: readonly string[]
}

export class TorrentNetwork {
  readonly reception: Reception
  readonly room = new SharedRoom(MAX_CONNECTIONS)
  readonly #options: NetworkOptions
  #listening: Promise<number> | undefined
  #listener: Listener | undefined
  #udp: Promise<UdpSocket> | undefined
  #trackers: Promise<TrackerClient> | undefined
  /** Of their own, where the shared socket is bound to an address that trackers may not be reached by. */
  #trackerUdp: UdpSocket | undefined
  #dht: Promise<Dht> | undefined
  #openedDht: Dht | undefined
  #udpPort: number | undefined
  #lsd: Promise<Lsd> | undefined
  #isClosed = false

  constructor(options: NetworkOptions) {
    this.#options = options
    this.reception = new Reception(options.clock)
  }

  /** Port that connections come in on; undefined until they do. */
  get port(): number | undefined {
    return this.#listener?.port
  }

  /** Takes connections from now on; resolves to the port. Rejects with the system's error. */
  listen(): Promise<number> {
    this.#listening ??= this.#listen()
    return this.#listening
  }

  async announcer(): Promise<Announcer> {
    this.#trackers ??= this.#openTrackers()
    return await this.#trackers
  }

  /** The DHT as a source of this torrent's peers; undefined when it is not to be used, or no more. */
  async dhtSource({ infoHash, onPeers, isSeed, nodes }: TorrentLookingFor): Promise<DhtSearch | undefined> {
    const { dht: settings, clock } = this.#options
    if (!settings || this.#isClosed) return undefined
    const [{ DhtSearch }, { asNodeId }, { parseHostPort }] = await Promise.all([
      import('./discovery/dht/dht-search.js'),
      import('./discovery/dht/node-id.js'),
      import('./discovery/host-port.js')
    ])
    this.#dht ??= this.#openDht(settings)
    const [dht, target] = [await this.#dht, asNodeId(infoHash)]
    const named = nodes.map(parseHostPort).filter(node => node !== undefined)
    return target && new DhtSearch({ dht, clock, target, onPeers, isSeed, nodes: named.slice(0, DHT_MAX_GIVEN_NODES) })
  }

  /** Local service discovery as a source of this torrent's peers; undefined when it is not to be used, or no more. */
  async lsdSource({ infoHash, onPeers }: TorrentLookingFor): Promise<PeerSource | undefined> {
    const { lsd: settings } = this.#options
    if (!settings || this.#isClosed) return undefined
    const { LsdSource } = await import('./discovery/lsd-source.js')
    this.#lsd ??= this.#openLsd(settings)
    return new LsdSource(await this.#lsd, infoHash, onPeers)
  }

  /** A peer takes DHT messages there. */
  onDhtNode(address: PeerAddress): void {
    this.#openedDht?.addNodes([address])
  }

  /** Where our node of the DHT answers others; undefined while it does not. */
  get dhtPort(): number | undefined {
    return this.#openedDht && this.#options.dht?.readOnly === false ? this.#udpPort : undefined
  }

  /** Nothing is left open afterwards. Torrents must have left before: their connections are theirs to end. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.reception.close()
    await this.#listening?.catch(() => undefined)
    const opened = [this.#listener?.close(), this.#closeDht(), this.#lsd?.then(lsd => lsd.close())]
    await Promise.allSettled([...opened, this.#trackers?.then(trackers => trackers.close())])
    await this.#trackerUdp?.close()
    await this.#udp?.then(udp => udp.close()).catch(() => undefined)
  }

  async #listen(): Promise<number> {
    const { port, portTries, host } = this.#options
    const onSocket = this.reception.accept.bind(this.reception)
    this.#listener = await Listener.open({ port, tries: portTries, host, onSocket })
    return this.#listener.port
  }

  /** On the port that connections come in on, so that one rule of a router serves both; on any other when that one is taken. */
  async #openUdp(): Promise<UdpSocket> {
    const { UdpSocket } = await import('./transport/udp-socket.js')
    const port = await this.#listening?.catch(() => undefined)
    const { host } = this.#options
    const hosts = host === undefined ? {} : host.includes(':') ? { host6: host } : { host4: host }
    const socket = new UdpSocket({ ...hosts, ...(port !== undefined && { port }) })
    const bound = await Promise.allSettled(this.#families().map(family => socket.bind(family)))
    this.#udpPort = bound.find(({ status }) => status === 'fulfilled') && port
    if (this.#udpPort !== undefined) return socket
    await socket.close()
    const other = new UdpSocket(hosts)
    this.#udpPort = await other.bind(this.#families()[0] ?? 4)
    return other
  }

  #families(): readonly (4 | 6)[] {
    const { host } = this.#options
    return host === undefined ? [4, 6] : [host.includes(':') ? 6 : 4]
  }

  async #socket(): Promise<UdpSocket> {
    this.#udp ??= this.#openUdp()
    return await this.#udp
  }

  async #openTrackers(): Promise<TrackerClient> {
    const [{ TrackerClient }, { UdpSocket }] = await Promise.all([
      import('./discovery/tracker/tracker-client.js'),
      import('./transport/udp-socket.js')
    ])
    // A tracker may be reached by an address that we do not listen on.
    const isBound = this.#options.host === undefined && this.#options.dht !== undefined
    const udp = isBound ? await this.#socket() : new UdpSocket()
    if (!isBound) this.#trackerUdp = udp
    return new TrackerClient({ udp, userAgent: USER_AGENT, clock: this.#options.clock })
  }

  async #openDht({ bootstrap, readOnly, nodesFile, sharesNetworks }: DhtSettings): Promise<Dht> {
    const [{ Dht }, { readSavedNodes }, { parseHostPort }, { systemNames }, port] = await Promise.all([
      import('./discovery/dht/dht.js'),
      import('./discovery/dht/saved-nodes.js'),
      import('./discovery/host-port.js'),
      import('./transport/name-lookup.js'),
      this.#socket()
    ])
    const saved = nodesFile === undefined ? undefined : await readSavedNodes(nodesFile)
    const dht = new Dht({
      port,
      clock: this.#options.clock,
      randomBytes,
      names: systemNames,
      families: this.#families(),
      bootstrap: bootstrap.map(parseHostPort).filter(node => node !== undefined),
      readOnly,
      sharesNetworks,
      saved
    })
    dht.start()
    this.#openedDht = dht
    return dht
  }

  async #closeDht(): Promise<void> {
    const dht = await this.#dht
    dht?.close()
    const nodesFile = this.#options.dht?.nodesFile
    if (!dht || nodesFile === undefined || dht.nodeCount === 0) return
    const { writeSavedNodes } = await import('./discovery/dht/saved-nodes.js')
    // A hint that cannot be kept is no fault.
    await writeSavedNodes(nodesFile, dht.save()).catch(() => undefined)
  }

  async #openLsd({ groups, interfaces }: LsdSettings): Promise<Lsd> {
    const { Lsd } = await import('./discovery/lsd.js')
    const cookie = randomBytes(8).toString('hex')
    return new Lsd({
      clock: this.#options.clock,
      cookie,
      ...(groups !== undefined && { groups }),
      ...(interfaces !== undefined && { interfaces })
    })
  }
}
