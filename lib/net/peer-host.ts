/** What a peer connection needs of the swarm and of the torrent it belongs to. */
import type { InfoHash, PeerId } from '../metainfo/info-hash.js'
import type { Bitfield } from '../pieces/bitfield.js'
import type { Geometry, PieceIndex } from '../pieces/geometry.js'
import type { Encryption } from '../policy/encryption.js'
import type { Scheduler } from '../policy/scheduler.js'
import type { Supplier } from '../policy/supplier.js'
import type { Acceptance } from '../streams/piece-assembler.js'
import type { ExtensionHandshake } from '../wire/extension-handshake.js'
import type { BlockData } from '../wire/message.js'
import type { MetadataMessage } from '../wire/metadata-message.js'
import type { PeerAddress } from '../wire/peer-address.js'
import type { PexPeer } from '../wire/peer-exchange.js'

export interface PeerHost {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** Undefined while only the info-hash is known. */
  readonly torrent: HostedTorrent | undefined
  readonly extensions: ExtensionHost
  readonly encryption: Encryption
  /** The DHT (BEP 5), if this torrent uses it. */
  readonly dht?: DhtHost | undefined
  /** A peer became interested in us, or lost its interest. */
  onInterest(): void
  onUploaded(bytes: number): void
}

/** What peers are told of our node of the DHT, and tell of theirs. */
export interface DhtHost {
  /** Where it answers; undefined while it does not. */
  port(): number | undefined
  onNode(address: PeerAddress): void
}

/** The torrent, once its metadata is here. */
export interface HostedTorrent {
  readonly infoHash: InfoHash
  readonly geometry: Geometry
  /** Pieces that we tell others of, and serve. */
  readonly have: Bitfield
  /** Whom of them is told what. Default `all`. */
  readonly offering?: Offering
  readonly scheduler: Scheduler
  /** What a peer sent changed what can be asked: decide soon. */
  onChange(): void
  acceptBlock(supplier: Supplier, piece: number, begin: number, data: BlockData): Acceptance
  /** Blocks of one piece that follow each other from `begin` on, each into its own target; false when they are not here any more. */
  readBlocks(piece: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean>
  /** A promise while the limits of the upload rate forbid as many bytes more, of whether they were counted: what is not wanted by then costs nothing. Without it there are none. */
  whenUploadAllowed?(bytes: number, isWanted: () => boolean): Promise<boolean> | undefined
  /** Counts as many bytes more for those limits, less when negative. */
  chargeUpload?(bytes: number): void
  /** The peer has another piece: it fetched it, from whomever. */
  onPeerHas?(supplier: Supplier, piece: PieceIndex): void
}

/** What peers are told of: everything that is here; what is here for now, those who can hear that it is gone; or a piece at a time. */
export type Offering = 'all' | 'whileHere' | 'oneByOne'

/** What stands behind the extensions (BEP 10) of every peer. */
export interface ExtensionHost {
  /** What we say of ourselves now. */
  handshake(): ExtensionHandshake
  /** The `info` dictionary, to be served; undefined while it is not here. */
  metadata(): Buffer | undefined
  /** Whom peers may be told of: the same list as long as nobody comes or leaves. Undefined: nobody is told of anybody. */
  pexPeers(): readonly PexPeer[] | undefined
  /** The peer told who it is, perhaps anew. */
  onHandshake(peer: ExtendedPeer): void
  /** The peer answered a request for metadata. Returns false when there was none. Throwing ends its connection. */
  onMetadata(peer: ExtendedPeer, message: Exclude<MetadataMessage, { type: 'request' }>): boolean
  /** The peer told us of others. */
  onPeers(peer: ExtendedPeer, peers: readonly PexPeer[]): void
}

/** A peer, as far as its extensions go. */
export interface ExtendedPeer {
  readonly address: PeerAddress
  readonly isIncoming: boolean
  readonly said: ExtensionHandshake
  requestMetadata(pieces: readonly number[]): void
}
