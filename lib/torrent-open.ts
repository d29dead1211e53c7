/** From a source to a torrent: a .torrent is read, a magnet link resolved by peers whose connections then go on. */
import { checkOptions, type CheckedOptions, type TorrentOptions } from './options.js'
import type { Metainfo } from './metainfo/metainfo.js'
import type { PeerCount } from './torrent-count.js'
import type { TorrentNetwork } from './torrent-network.js'
import { selectionOf } from './torrent-selection.js'
import { magnetOf, readTorrent, throwIfAborted, type TorrentSource } from './torrent-source.js'
import { Torrent } from './torrent.js'

/**
 * Opens a torrent: reads the .torrent, or has peers tell what a magnet link stands for; prepares the storage and begins to look for
 * peers. No piece is fetched until a reader or `download` wants it. Rejects with `MetainfoError`, `StorageError`, or `TorrentError`
 * (`ERR_BT_OPTION`, `ERR_BT_ABORTED`; of a magnet link also `ERR_BT_NO_PEERS` and `ERR_BT_STALLED`).
 */
export async function openTorrent(source: TorrentSource, options: TorrentOptions = {}): Promise<Torrent> {
  return await openOn(undefined, source, checkOptions(options))
}

/** As `openTorrent`, on a network that torrents share, whose owner closes it; `undefined`: on one of its own. */
export async function openOn(
  network: TorrentNetwork | undefined,
  source: TorrentSource,
  checked: CheckedOptions
): Promise<Torrent> {
  throwIfAborted(checked.signal)
  const magnet = magnetOf(source)
  if (!magnet) return await Torrent.open(await readUnlessAborted(source, checked.signal), checked, { network })
  const { findTorrent } = await import('./torrent-metadata.js')
  const { metainfo, peers } = await findTorrent(magnet, checked, network)
  try {
    const named = selectionOf(metainfo, magnet.selected)
    const only = typeof checked.only === 'function' ? checked.only(metainfo, named) : (checked.only ?? named)
    return await Torrent.open(metainfo, { ...checked, only }, { peers })
  } catch (error) {
    await peers.close()
    throw error
  }
}

/**
 * What a .torrent says, without opening it; of a magnet link, what peers say, who are left again. `options` as for `openTorrent`, or a
 * signal alone. Rejects as `openTorrent` does.
 */
export async function readMetainfo(
  source: TorrentSource,
  options: TorrentOptions | AbortSignal = {}
): Promise<Metainfo> {
  const checked = checkOptions(options instanceof AbortSignal ? { signal: options } : options)
  const magnet = magnetOf(source)
  if (!magnet) return await readTorrent(source, checked.signal)
  throwIfAborted(checked.signal)
  const { findTorrent } = await import('./torrent-metadata.js')
  const { metainfo, peers } = await findTorrent(magnet, checked)
  await peers.close()
  return metainfo
}

/**
 * About how many have the torrent and how many want it, as the DHT knows; undefined when it may not be asked: for a private torrent, and
 * with `dht: false` or `discovery: false`. No peer is asked what a magnet link stands for. Rejects as `readMetainfo` does.
 */
export async function countPeers(source: TorrentSource, options: TorrentOptions = {}): Promise<PeerCount | undefined> {
  const checked = checkOptions(options)
  throwIfAborted(checked.signal)
  const torrent = magnetOf(source) ?? (await readUnlessAborted(source, checked.signal))
  if (!checked.discovery) return undefined
  const { countInDht } = await import('./torrent-count.js')
  return await countInDht(torrent, checked)
}

async function readUnlessAborted(source: TorrentSource, signal: AbortSignal | undefined): Promise<Metainfo> {
  return await readTorrent(source, signal).catch((error: unknown) => {
    throwIfAborted(signal)
    throw error
  })
}
