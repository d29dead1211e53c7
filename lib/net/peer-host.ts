/** What a peer connection needs of the torrent it belongs to. */
import type { InfoHash, PeerId } from '../metainfo/info-hash.js'
import type { Bitfield } from '../pieces/bitfield.js'
import type { Geometry, PieceIndex } from '../pieces/geometry.js'
import type { Scheduler } from '../policy/scheduler.js'
import type { Supplier } from '../policy/supplier.js'
import type { Acceptance } from '../streams/piece-assembler.js'
import type { Lease } from '../streams/storage.js'
import type { BlockData } from '../wire/message.js'

export interface PeerHost {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  readonly geometry: Geometry
  /** Pieces that we tell others of, and serve. */
  readonly have: Bitfield
  readonly scheduler: Scheduler
  /** What a peer sent changed what can be asked: decide soon. */
  onChange(): void
  /** A peer became interested in us, or lost its interest. */
  onInterest(): void
  acceptBlock(supplier: Supplier, piece: number, begin: number, data: BlockData): Acceptance
  readBlock(piece: PieceIndex, begin: number, length: number): Promise<Lease | undefined>
  onUploaded(bytes: number): void
}
