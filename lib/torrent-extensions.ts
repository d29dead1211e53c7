/**
 * What one torrent says of itself to its peers and hears from them by extensions (BEP 10): its metadata, other peers, its own address.
 * A private torrent (BEP 27) tells nobody of anybody.
 */
import { ProtocolError } from './errors.js'
import { MAX_REQUESTS_QUEUED, USER_AGENT } from './limits.js'
import type { Metainfo } from './metainfo/metainfo.js'
import type { PeerConnection } from './net/peer-connection.js'
import type { ExtendedPeer, ExtensionHost } from './net/peer-host.js'
import type { Swarm } from './net/swarm.js'
import { ExternalAddress } from './policy/external-address.js'
import { peerPriority } from './policy/peer-priority.js'
import { believablePeers } from './policy/told-peers.js'
import { OUR_EXTENSION_IDS, type ExtensionHandshake } from './wire/extension-handshake.js'
import type { MetadataMessage } from './wire/metadata-message.js'
import type { PeerAddress } from './wire/peer-address.js'
import type { PexPeer } from './wire/peer-exchange.js'

/** Whoever looks for the metadata while it is not here. */
export interface MetadataSeeker {
  /** The peer told who it is; it may have the metadata. */
  onHandshake(peer: ExtendedPeer): void
  /** False when it is no longer looked for. Throwing ends the peer's connection. */
  onMessage(peer: ExtendedPeer, message: Exclude<MetadataMessage, { type: 'request' }>): boolean
  onGone(peer: ExtendedPeer): void
}

export interface ExtensionsOptions {
  readonly swarm: () => Swarm
  /** Where we take connections. */
  readonly port: () => number | undefined
  /** Exchange peers, unless the torrent is private. */
  readonly usesPex: boolean
  readonly seeker: MetadataSeeker | undefined
}

export class TorrentExtensions implements ExtensionHost {
  readonly #options: ExtensionsOptions
  readonly #external = new ExternalAddress()
  #metainfo: Metainfo | undefined
  #uploadOnly = false
  /** Once it was said it has to be taken back. */
  #hasSaidIt = false
  #pexPeers: readonly PexPeer[] = []
  #pexGeneration = -1

  constructor(options: ExtensionsOptions) {
    this.#options = options
  }

  /** The metadata is here. `uploadOnly`: we want nothing of the torrent (BEP 21). */
  begin(metainfo: Metainfo, uploadOnly: boolean): void {
    this.#metainfo = metainfo
    this.#uploadOnly = uploadOnly
    this.#introduceAgain()
  }

  /** BEP 21: whether we want nothing has changed. */
  setUploadOnly(uploadOnly: boolean): void {
    this.#uploadOnly = uploadOnly
    this.#introduceAgain()
  }

  /** BEP 40: how much an address is to be preferred; undefined while we do not know our own. */
  priorityOf(address: PeerAddress): number | undefined {
    const host = this.#external.best(address.host.includes(':') ? 6 : 4)
    return host === undefined ? undefined : peerPriority({ host, port: this.#options.port() ?? 0 }, address)
  }

  onGone(peer: ExtendedPeer): void {
    this.#options.seeker?.onGone(peer)
  }

  // --- for each peer's extensions

  handshake(): ExtensionHandshake {
    const { usesPex, port } = this.#options
    const { ut_metadata, lt_donthave } = OUR_EXTENSION_IDS
    const pexId = this.#metainfo?.private === true ? 0 : OUR_EXTENSION_IDS.ut_pex
    return {
      ids: { ut_metadata, lt_donthave, ...(usesPex && { ut_pex: pexId }) },
      client: USER_AGENT.replace('/', ' '),
      port: port(),
      maxRequests: MAX_REQUESTS_QUEUED,
      metadataSize: this.#metainfo?.infoBytes.length,
      ...((this.#uploadOnly || this.#hasSaidIt) && { uploadOnly: this.#uploadOnly })
    }
  }

  metadata(): Buffer | undefined {
    return this.#metainfo?.infoBytes
  }

  pexPeers(): readonly PexPeer[] | undefined {
    // While nobody knows whether the torrent is private, it may be.
    if (!this.#options.usesPex || this.#metainfo?.private !== false) return undefined
    const { generation } = this.#options.swarm()
    if (generation !== this.#pexGeneration) {
      this.#pexGeneration = generation
      this.#pexPeers = [...this.#options.swarm().peers()].flatMap(asPexPeer)
    }
    return this.#pexPeers
  }

  onHandshake(peer: ExtendedPeer): void {
    const { port, yourHost } = peer.said
    if (yourHost !== undefined) this.#external.vote(peer.address.host, yourHost)
    if (port !== undefined && peer.isIncoming) {
      const connection = [...this.#options.swarm().peers()].find(({ extensions }) => extensions === peer)
      if (connection) this.#options.swarm().onListensOn(connection, port)
    }
    this.#options.seeker?.onHandshake(peer)
  }

  onMetadata(peer: ExtendedPeer, message: Exclude<MetadataMessage, { type: 'request' }>): boolean {
    return this.#options.seeker?.onMessage(peer, message) ?? false
  }

  onPeers(peer: ExtendedPeer, peers: readonly PexPeer[]): void {
    if (!this.#options.usesPex || this.#metainfo?.private === true) return
    const addresses = peers.map(({ address, prefersEncryption }) => ({ ...address, prefersEncryption }))
    this.#options.swarm().add(believablePeers(addresses, peer.address), 'pex')
  }

  /** This peer sent metadata that is none: never again. */
  ban(peer: ExtendedPeer): void {
    const error = new ProtocolError('ERR_BT_BAD_DATA', 'the peer sent metadata that is not of this torrent')
    this.#options.swarm().banAddress(peer.address, error)
  }

  #introduceAgain(): void {
    this.#hasSaidIt ||= this.#uploadOnly
    for (const { extensions } of this.#options.swarm().peers()) extensions?.introduce()
  }
}

/** Others can be told of whom we dialled, and of who told us where it listens. */
function asPexPeer({ address, isIncoming, extensions, supplier, way }: PeerConnection): PexPeer[] {
  const port = isIncoming ? extensions?.said.port : address.port
  if (port === undefined) return []
  const isSeed = extensions?.said.uploadOnly === true || supplier?.pieces.isComplete === true
  return [
    { address: { host: address.host, port }, isSeed, isReachable: !isIncoming, prefersEncryption: way === 'encrypted' }
  ]
}
