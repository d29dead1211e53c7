/** The end of a download to disk: nothing is called verified that something else changed behind our back. */
import { StorageError, TorrentError } from './errors.js'
import { MAX_RECHECKS } from './limits.js'
import type { Bitfield } from './pieces/bitfield.js'
import type { PieceIndex } from './pieces/geometry.js'
import type { FileStorage } from './storage/file-storage.js'
import type { TorrentEngine } from './torrent-engine.js'

export interface FinishOptions {
  readonly storage: FileStorage
  readonly engine: TorrentEngine
  readonly wanted: readonly PieceIndex[]
  /** Hashes what is on disk of these pieces; resolves to those that are right. */
  readonly check: (indexes: readonly PieceIndex[]) => Promise<Bitfield>
  readonly isStopped: () => boolean
  readonly onWarning: (warning: string) => void
}

/**
 * Resolves when all pieces are on disk and no file looks as if others had changed it since its pieces were hashed. What they changed is checked, and
 * fetched again where it is wrong. Rejects with `StorageError`, or with what ended the torrent.
 */
export async function finishDownload(options: FinishOptions): Promise<void> {
  const { storage, engine, wanted, check, isStopped, onWarning } = options
  for (let round = 0; round <= MAX_RECHECKS; round++) {
    await engine.allHere(wanted)
    const doubtful = await storage.finish()
    if (doubtful.length === 0) return
    const good = await check(doubtful)
    if (isStopped()) throw new TorrentError('ERR_BT_ABORTED', 'the torrent was closed')
    const bad = doubtful.filter(index => !good.has(index))
    onWarning(`something else changed files while they were written: ${bad.length} pieces are fetched again`)
    storage.forget(bad)
    for (const index of bad) engine.markLost(index)
  }
  throw new StorageError('ERR_BT_DISK', 'something else goes on changing the files: stop it and run this again')
}
