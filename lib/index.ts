/** What users import. */
export { countPeers, openTorrent, readMetainfo } from './torrent-open.js'
export { TransferLimits, type Rates } from './transport/transfer-limits.js'
export { Client, type AddOptions, type ClientOptions } from './client.js'
export type { PeerCount } from './torrent-count.js'
export { createTorrent, type CreatedTorrent, type CreateOptions } from './torrent-create.js'
export { Torrent } from './torrent.js'
export { verifyTorrent, type Verification, type VerifiedFile, type VerifyOptions } from './torrent-verify.js'
export { TorrentFile, type ReadStreamOptions } from './torrent-file.js'
export { isMagnet } from './metainfo/magnet.js'
export { isMedia } from './http/content-type.js'
export type { TorrentServer, TorrentServerOptions } from './http/torrent-server.js'
export { createServer } from './torrent-serving.js'
export { TorrentSlice } from './torrent-slice.js'
export { TorrentTar } from './torrent-tar.js'
export type { TorrentReader } from './streams/torrent-reader.js'
export type { DhtOptions, LsdOptions, TorrentOptions } from './options.js'
export { ENCRYPTIONS, type Encryption } from './policy/encryption.js'
export type { TorrentSource } from './torrent-source.js'
export { encodeTorrent } from './metainfo/torrent-bytes.js'
export type { Metainfo, MetainfoFile } from './metainfo/metainfo.js'
export type {
  PeerInfo,
  PeerStats,
  PieceMapCell,
  SourceInfo,
  TorrentEvents,
  TorrentStats,
  TrackerInfo
} from './torrent-stats.js'
export { createEmbeddedSwarm, type EmbeddedSwarm, type EmbeddedSwarmOptions } from './demo/create-swarm.js'
export { MAX_TORRENT_BYTES } from './limits.js'
export {
  BtError,
  MetainfoError,
  ProtocolError,
  StorageError,
  TorrentError,
  TrackerError,
  type ErrorCode,
  type MetainfoErrorCode,
  type ProtocolErrorCode,
  type StorageErrorCode,
  type TorrentErrorCode,
  type TrackerErrorCode
} from './errors.js'
