/** What is said to a tracker and what it says, the same for HTTP and UDP. */
import type { InfoHash, PeerId } from '../../metainfo/info-hash.js'
import type { PeerAddress } from '../../wire/peer-address.js'

/** BEP 3 events; a regular announce has none. */
export type AnnounceEvent = 'started' | 'completed' | 'stopped'

/** True figures of the torrent, bytes. */
export interface TransferReport {
  readonly uploaded: number
  readonly downloaded: number
  readonly left: number
}

export interface AnnounceRequest extends TransferReport {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** 32 bits that prove to a tracker that we are the same after our address changed; never shown to peers. */
  readonly key: number
  /** Where we take connections. */
  readonly port: number
  readonly event?: AnnounceEvent | undefined
  /** Peers wanted. */
  readonly numWant: number
  /** What the tracker asked us to send back (BEP 3 `tracker id`). */
  readonly trackerId?: Buffer | undefined
}

/** An answer as it came: times are not clamped yet, seconds have become ms. */
export interface AnnounceResponse {
  readonly peers: readonly PeerAddress[]
  /** Peers given by name; HTTP dictionaries only. */
  readonly names?: readonly PeerName[]
  readonly intervalMs?: number | undefined
  readonly minIntervalMs?: number | undefined
  readonly seeders?: number | undefined
  readonly leechers?: number | undefined
  /** Fit for a terminal. */
  readonly warning?: string | undefined
  readonly trackerId?: Buffer | undefined
  /** Our address as the tracker sees it (BEP 24). */
  readonly externalHost?: string | undefined
}

/** A peer whose address must be looked up first. */
export interface PeerName {
  readonly name: string
  readonly port: number
}

/** What a scrape (BEP 15, 48) tells of one torrent. */
export interface ScrapeEntry {
  readonly seeders: number
  readonly leechers: number
  /** Downloads that were completed. */
  readonly completed: number
}

/** Asks trackers; `TrackerClient` is the one that uses the network. */
export interface Announcer {
  /** Rejects with a `TrackerError`, or with the signal's reason. `timeoutMs` bounds it all. */
  announce(
    url: string,
    request: AnnounceRequest,
    options: { readonly signal: AbortSignal; readonly timeoutMs?: number | undefined }
  ): Promise<AnnounceResponse>
}
