/** Where a torrent's pieces go: the files that are to be kept, opened on disk, or none of them. What is done with them is the torrent's business. */
import { StorageError } from './errors.js'
import { systemClock } from './clock.js'
import type { Metainfo } from './metainfo/metainfo.js'
import { Bitfield } from './pieces/bitfield.js'
import { Geometry } from './pieces/geometry.js'
import type { FileStorage, FileStorageOptions } from './storage/file-storage.js'
import { selectFiles } from './torrent-selection.js'
import { TorrentTotals } from './torrent-totals.js'
import { piecesOf } from './torrent-view.js'

export interface StoredTorrentOptions extends Pick<
  FileStorageOptions,
  'overwrite' | 'readOnly' | 'fileSystem' | 'clock'
> {
  readonly dir: string | undefined
  readonly only: Parameters<typeof selectFiles>[1]
  readonly maxMemory: number
  readonly isMemoryGiven: boolean
  readonly totalsDir?: string | undefined
}

export interface StoredTorrent {
  /** Undefined: pieces stay in memory. */
  readonly storage: FileStorage | undefined
  /** Positions of the files to keep, in `metainfo.files`. */
  readonly kept: ReadonlySet<number>
  /** Pieces that hold bytes of them. */
  readonly selected: Bitfield
  readonly totals: TorrentTotals
}

/** Rejects with `StorageError`, or `TorrentError` for a selection that names no file. */
export async function openStored(metainfo: Metainfo, options: StoredTorrentOptions): Promise<StoredTorrent> {
  const { pieceLength, length } = metainfo
  const needed = 2 * Math.min(pieceLength, length)
  if (options.isMemoryGiven && options.maxMemory < needed) {
    const reason = `two of this torrent's pieces take ${needed}`
    throw new StorageError('ERR_BT_MEMORY', `a budget of ${options.maxMemory} bytes is too small: ${reason}`)
  }
  const geometry = new Geometry(length, pieceLength)
  const kept = selectFiles(metainfo, options.only)
  const selected = new Bitfield(geometry.pieceCount)
  for (const file of kept) for (const index of piecesOf(metainfo.files[file], geometry)) selected.set(index)
  const { dir, overwrite, readOnly = false, totalsDir: folder, fileSystem, clock = systemClock } = options
  const totals = await TorrentTotals.open({ folder, infoHash: metainfo.infoHash, clock })
  if (dir === undefined) return { storage: undefined, kept, selected, totals }
  // A stream that touches no disk does not load what does.
  const { FileStorage } = await import('./storage/file-storage.js')
  const storage = await FileStorage.open({
    dir,
    metainfo,
    geometry,
    selected: kept,
    overwrite,
    readOnly,
    fileSystem,
    clock,
    totals: totals.figures
  })
  return { storage, kept, selected, totals }
}
