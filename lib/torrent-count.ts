/** About how many have a torrent and how many want it, as nodes of the DHT know (BEP 33). Takes no connections and announces nothing. */
import type { InfoHash } from './metainfo/info-hash.js'
import { watchAbort } from './streams/abort-watch.js'
import { TorrentNetwork, type NetworkOptions } from './torrent-network.js'
import { throwIfAborted } from './torrent-source.js'

/** Estimates: who is behind one address counts once, and those who announced nothing in the last half hour do not. */
export interface PeerCount {
  /** They have all of it. */
  readonly seeds: number
  readonly leechers: number
}

export interface CountedTorrent {
  readonly infoHash: InfoHash
  readonly dhtNodes: readonly string[]
  /** Undefined while nobody knows. */
  readonly private?: boolean
}

/** Undefined when nodes are not to be asked. Rejects with `ERR_BT_ABORTED`; nothing is left open then. */
export async function countInDht(
  torrent: CountedTorrent,
  options: NetworkOptions & { readonly signal: AbortSignal | undefined }
): Promise<PeerCount | undefined> {
  if (torrent.private === true) return undefined
  const network = new TorrentNetwork(options)
  // Its sockets and timers do not keep the process alive.
  const alive = setInterval(ignore, 2 ** 30)
  const unwatch = watchAbort(options.signal, () => void network.close())
  try {
    const looking = { infoHash: torrent.infoHash, nodes: torrent.dhtNodes, onPeers: ignore, isSeed: () => false }
    const counted = await (await network.dhtSource(looking))?.scrape()
    throwIfAborted(options.signal)
    return counted && { seeds: counted.seeds, leechers: counted.peers }
  } finally {
    clearInterval(alive)
    unwatch()
    await network.close()
  }
}

function ignore(): void {
  // peers are counted, not met
}
