/**
 * What one torrent took and gave in all its sessions, in a small file named by its info-hash, in a folder of the user's: a seed writes
 * nothing beside the files it gives. Of two programs with one torrent the one that writes last is believed.
 */
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_TOTALS_BYTES } from '../limits.js'
import type { InfoHash } from '../metainfo/info-hash.js'
import { asTransferFigures, type TransferFigures } from '../policy/transfer-totals.js'

export class TotalsFile {
  readonly #folder: string
  readonly #path: string
  #writes = 0

  constructor(folder: string, infoHash: InfoHash) {
    this.#folder = folder
    this.#path = join(folder, `${infoHash.toString('hex')}.json`)
  }

  /** Undefined when there is none, or nothing that makes sense. Never rejects. */
  async read(): Promise<TransferFigures | undefined> {
    try {
      const file = await open(this.#path, 'r')
      try {
        const bytes = Buffer.alloc(MAX_TOTALS_BYTES + 1)
        const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
        if (bytesRead > MAX_TOTALS_BYTES) return undefined
        return asTransferFigures(JSON.parse(bytes.toString('utf8', 0, bytesRead)))
      } finally {
        await file.close()
      }
    } catch {
      return undefined
    }
  }

  /** Writes beside the file and renames, so that it is whole at any time. Rejects with the system's error. */
  async write({ uploaded, downloaded }: TransferFigures): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const temporary = `${this.#path}.${process.pid}-${++this.#writes}.tmp`
    try {
      await writeFile(temporary, `${JSON.stringify({ uploaded, downloaded })}\n`, { mode: 0o600 })
      await rename(temporary, this.#path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined) // The first error is the one to tell.
      throw error
    }
  }
}
