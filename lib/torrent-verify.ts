/** Says what of a torrent's files is on disk and right. Writes nothing, opens no connection. */
import { availableParallelism } from 'node:os'
import type { Metainfo } from './metainfo/metainfo.js'
import { Bitfield } from './pieces/bitfield.js'
import { Geometry } from './pieces/geometry.js'
import type { FileStorage } from './storage/file-storage.js'
import { HashPool } from './streams/hash-pool.js'
import { PiecePool } from './streams/piece-pool.js'
import { checkStored } from './torrent-check.js'
import { payloadFiles, selectFiles } from './torrent-selection.js'
import { throwIfAborted } from './torrent-source.js'
import { piecesOf } from './torrent-view.js'

export interface VerifyOptions {
  /** Folder that holds the files, as for `openTorrent`. */
  readonly dir: string
  /** Files to look at, by index, path or pattern. Default: all. */
  readonly only?: readonly (number | string)[]
  readonly signal?: AbortSignal
  /** Pieces that were looked at, of those that may be there. */
  readonly onProgress?: (checked: number, total: number) => void
}

export interface VerifiedFile {
  /** Position among the torrent's files, padding left out. */
  readonly index: number
  readonly path: string
  /** Bytes it must have, and has on disk; -1 when there is none. */
  readonly length: number
  readonly size: number
  /** Bytes of it in pieces that are right. A piece that reaches into a file that is missing cannot be told right. */
  readonly verified: number
  readonly state: 'whole' | 'damaged' | 'missing'
}

export interface Verification {
  /** Every file that was looked at is whole. */
  readonly isComplete: boolean
  readonly files: readonly VerifiedFile[]
}

/** Hashes what is in `dir`. Rejects with `StorageError`, `ERR_BT_NO_FILE` or `ERR_BT_ABORTED`. */
export async function verifyTorrent(metainfo: Metainfo, options: VerifyOptions): Promise<Verification> {
  const { dir, signal } = options
  throwIfAborted(signal)
  const geometry = new Geometry(metainfo.length, metainfo.pieceLength)
  const chosen = selectFiles(metainfo, options.only)
  // Neighbours share pieces with the files that were chosen: these are right only if those bytes are.
  const selected = selectFiles(metainfo, undefined)
  const { FileStorage } = await import('./storage/file-storage.js')
  const storage = await FileStorage.open({ dir, metainfo, geometry, selected, overwrite: false, readOnly: true })
  try {
    const good = await check(storage, metainfo, geometry, chosen, options)
    throwIfAborted(signal)
    const files = payloadFiles(metainfo).flatMap(({ file, position }, index) => {
      const size = storage.sizeOf(position)
      if (size === undefined || !chosen.has(position)) return []
      const { path, length, offset } = file
      const verified = geometry.bytesWithin(good, offset, offset + length)
      return [{ index, path, length, size, verified, state: stateOf(length, size, verified) }]
    })
    return { isComplete: files.every(({ state }) => state === 'whole'), files }
  } finally {
    await storage.close()
  }
}

function stateOf(length: number, size: number, verified: number): VerifiedFile['state'] {
  if (size === -1) return 'missing'
  return size === length && verified === length ? 'whole' : 'damaged'
}

async function check(
  storage: FileStorage,
  metainfo: Metainfo,
  geometry: Geometry,
  chosen: ReadonlySet<number>,
  { signal, onProgress }: VerifyOptions
): Promise<Bitfield> {
  const hashes = new HashPool(availableParallelism())
  const slotLength = Math.min(geometry.pieceLength, geometry.length)
  const pool = new PiecePool({ slotLength, budget: 0, evict: () => false, extra: () => 0 })
  const wanted = new Bitfield(geometry.pieceCount)
  for (const position of chosen) for (const index of piecesOf(metainfo.files[position], geometry)) wanted.set(index)
  try {
    return await checkStored({
      storage,
      geometry,
      hashes,
      pool,
      expected: metainfo.pieceHashes,
      candidates: storage.candidates().filter(index => wanted.has(index)),
      isStopped: () => signal?.aborted === true,
      onChecked: (checked, total) => onProgress?.(checked, total)
    })
  } finally {
    await hashes.close()
  }
}
