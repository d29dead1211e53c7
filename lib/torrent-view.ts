/** A torrent's inside as others see it: figures, peers, trackers, and the reason why nothing comes. */
import type { TrackerStatus } from './discovery/tracker/tracked-tracker.js'
import type { MetainfoFile } from './metainfo/metainfo.js'
import type { PeerConnection } from './net/peer-connection.js'
import type { Bitfield } from './pieces/bitfield.js'
import type { Geometry, PieceIndex } from './pieces/geometry.js'
import { whySlow } from './policy/why-slow.js'
import type { PeerInfo, PeerStats, PieceMapCell, TorrentStats, TrackerInfo } from './torrent-stats.js'
import type { TorrentEngine } from './torrent-engine.js'
import type { TorrentPeers } from './torrent-peers.js'
import type { TorrentProgress } from './torrent-progress.js'
import type { TorrentTotals } from './torrent-totals.js'
import { formatPeerAddress } from './wire/peer-address.js'

/** Pieces that hold bytes of a file. */
export function* piecesOf(file: MetainfoFile | undefined, geometry: Geometry): Generator<number> {
  if (!file || file.length === 0) return
  const last = geometry.pieceAt(file.offset + file.length - 1)
  for (let index: number = geometry.pieceAt(file.offset); index <= last; index++) yield index
}

/** Bytes of the pieces set in `pieces` (and in `within`, when it is given). */
export function bytesOf(pieces: Bitfield, geometry: Geometry, within?: Bitfield): number {
  if (!within) {
    const last = geometry.pieceIndex(geometry.pieceCount - 1)
    const short = last !== undefined && pieces.has(last) ? geometry.pieceLength - geometry.lengthOf(last) : 0
    return pieces.count * geometry.pieceLength - short
  }
  let bytes = 0
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces.has(index) && within.has(index) ? geometry.pieceIndex(index) : undefined
    if (piece !== undefined) bytes += geometry.lengthOf(piece)
  }
  return bytes
}

/** The torrent in at most `cells` runs of pieces, as equal as can be. */
export function pieceMap({ geometry, have, scheduler, windows }: TorrentEngine, cells: number): PieceMapCell[] {
  const count = Math.min(Math.max(1, Math.floor(cells)), geometry.pieceCount)
  const startOf = (cell: number): number => Math.floor((cell * geometry.pieceCount) / count)
  const cellOf = (piece: number): number => Math.floor(((piece + 1) * count - 1) / geometry.pieceCount)
  const asked = new Set([...scheduler.pieces.all()].map(({ index }) => cellOf(index)))
  const open = [...windows].filter(({ isDone }) => !isDone)
  const heads = new Set(open.map(window => window.head(have)).map(piece => (piece === undefined ? -1 : cellOf(piece))))
  const reach = open.map(({ first, last }) => [cellOf(first), cellOf(last)] as const)
  return Array.from({ length: count }, (_, cell) => {
    const [start, end] = [startOf(cell), startOf(cell + 1)]
    return {
      here: have.countIn(start, end) / (end - start),
      isAsked: asked.has(cell),
      isInWindow: reach.some(([first, last]) => cell >= first && cell <= last),
      isHead: heads.has(cell)
    }
  })
}

export function peerInfo({ address, peerId, isIncoming }: PeerConnection): PeerInfo {
  return { address: formatPeerAddress(address), peerId: peerId?.toString('hex') ?? '', isIncoming }
}

export function peerStats(connection: PeerConnection): PeerStats {
  const { supplier, downloaded, uploaded } = connection
  const model = supplier?.pipeline.model
  return {
    ...peerInfo(connection),
    isChoking: supplier?.isChoking ?? true,
    pieces: supplier?.pieces.count ?? 0,
    downloaded,
    uploaded,
    rate: model?.isMeasured === true ? model.rate : 0,
    roundTripMs: model?.roundTripMs ?? 0,
    requests: supplier?.pipeline.size ?? 0
  }
}

export function trackerInfo({ url, state, peers, error, warning }: TrackerStatus): TrackerInfo {
  const message = error?.message ?? warning
  return { url, state, peers, ...(message === undefined ? {} : { message }) }
}

/** A reader waits for a piece that is not here. */
export function isReaderWaiting({ windows }: TorrentEngine): boolean {
  return [...windows].some(({ isWaiting }) => isWaiting)
}

/** What is to be kept (`sought`, if anything) is on disk, and no reader waits for more. */
export function wantsNothing(engine: TorrentEngine, sought: Bitfield | undefined): boolean {
  return (sought === undefined || sought.nextMissingIn(engine.have, 0) === -1) && !isAwaiting(engine)
}

/** A reader or `download` waits for a piece that is not here. */
export function isAwaiting(engine: TorrentEngine): boolean {
  return engine.scheduler.wanted.nextMissingIn(engine.have, 0) >= 0 || isReaderWaiting(engine)
}

/** Why nothing comes, in one line; `undefined` when nothing is wanted. */
export function slowReason(engine: TorrentEngine, peers: TorrentPeers, isDiskSlow: boolean): string | undefined {
  const connections = [...peers.swarm.peers()]
  const piece = engine.firstMissing()
  const active = piece === undefined ? undefined : engine.scheduler.pieces.get(piece)
  const holders = active ? Array.from({ length: active.blockCount }, (_, block) => active.holders(block)).flat() : []
  const holder = connections.find(({ supplier }) => supplier !== undefined && supplier === holders[0])
  return whySlow({
    peers: connections.length,
    choking: connections.filter(({ supplier }) => supplier?.isChoking).length,
    dialling: peers.swarm.diallingCount,
    candidates: peers.swarm.candidates.size,
    piece,
    owners: piece === undefined ? 0 : connections.filter(({ supplier }) => supplier?.pieces.has(piece)).length,
    isReaderSlow: engine.windows.size > 0 && piece === undefined,
    isDiskSlow,
    failures: piece === undefined ? 0 : engine.failures(piece),
    asked: holders.length,
    holder: holder && formatPeerAddress(holder.address)
  })
}

/** `selected`: pieces of the files to be kept. */
export function torrentStats(
  engine: TorrentEngine,
  peers: TorrentPeers,
  progress: TorrentProgress,
  { selected, totals }: { readonly selected: Bitfield; readonly totals: TorrentTotals }
): TorrentStats {
  const { scheduler, have, verified, geometry, pool, windows } = engine
  const connected = [...peers.swarm.peers()]
  const ever = totals.figures.now
  const wantsFiles = scheduler.wanted.count > 0
  return {
    length: geometry.length,
    wanted: wantsFiles ? bytesOf(selected, geometry) : geometry.length,
    verified: wantsFiles ? bytesOf(have, geometry, selected) : bytesOf(verified, geometry),
    downloaded: peers.downloaded,
    uploaded: peers.uploaded,
    downloadedEver: ever.downloaded,
    uploadedEver: ever.uploaded,
    wasted: scheduler.requests.wasted,
    downloadRate: progress.downloadRate,
    uploadRate: progress.uploadRate,
    delivered: engine.delivered,
    peers: connected.length,
    unchoked: connected.filter(peer => peer.supplier?.isChoking === false).length,
    candidates: peers.swarm.candidates.size,
    sources: peers.sourceStates(),
    memory: pool.usedBytes,
    maxMemory: pool.budget,
    readers: windows.size,
    firstByteMs: engine.firstByteMs,
    resumeMs: engine.resumeMs,
    waiting: progress.waiting
  }
}

/** The pieces that are set, in order. */
export function indexesOf(pieces: Bitfield, geometry: Geometry): PieceIndex[] {
  const found: PieceIndex[] = []
  for (let n = 0; n < pieces.length; n++) {
    const index = pieces.has(n) ? geometry.pieceIndex(n) : undefined
    if (index !== undefined) found.push(index)
  }
  return found
}
