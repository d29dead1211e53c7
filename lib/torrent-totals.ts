/** Keeps what a torrent took and gave, for its next session: read at the start, written now and then while it grows, and at the end. */
import type { Clock } from './clock.js'
import { TOTALS_INTERVAL_MS } from './limits.js'
import type { InfoHash } from './metainfo/info-hash.js'
import { TransferTotals, type TransferFigures } from './policy/transfer-totals.js'
import type { TotalsFile } from './storage/totals-file.js'

export interface TotalsOptions {
  readonly infoHash: InfoHash
  /** Folder of the file; undefined: kept in the resume record, while there is one, and nowhere else. */
  readonly folder: string | undefined
  readonly clock: Clock
}

/** Who counts in this session, and who is told once when it cannot be kept. */
export interface TransferCounter {
  readonly figures: TransferFigures
  readonly events: { onWarning(warning: string): void }
}

export class TorrentTotals {
  readonly figures = new TransferTotals()
  readonly #file: TotalsFile | undefined
  readonly #clock: Clock
  #counter: TransferCounter | undefined
  #hasFailed = false
  #written: TransferFigures = { uploaded: 0, downloaded: 0 }
  #writtenAt: number
  #writing: Promise<void> | undefined

  private constructor(file: TotalsFile | undefined, clock: Clock) {
    this.#file = file
    this.#clock = clock
    this.#writtenAt = clock.now()
  }

  /** Never rejects: what cannot be read counts from 0. */
  static async open({ folder, infoHash, clock }: TotalsOptions): Promise<TorrentTotals> {
    if (folder === undefined) return new TorrentTotals(undefined, clock)
    const { TotalsFile } = await import('./storage/totals-file.js')
    const file = new TotalsFile(folder, infoHash)
    const kept = new TorrentTotals(file, clock)
    kept.figures.learn((await file.read()) ?? kept.#written)
    kept.#written = kept.figures.now
    return kept
  }

  begin(counter: TransferCounter): void {
    this.#counter = counter
    this.figures.session = () => counter.figures
  }

  /** To be called about once a second. */
  beat(): void {
    if (this.#writing || this.#clock.now() - this.#writtenAt < TOTALS_INTERVAL_MS) return
    void this.#write()
  }

  /** What is counted until now is kept. Never rejects. */
  async close(): Promise<void> {
    await this.#writing
    await this.#write()
  }

  async #write(): Promise<void> {
    const now = this.figures.now
    const isNew = now.uploaded !== this.#written.uploaded || now.downloaded !== this.#written.downloaded
    if (!this.#file || !isNew) return
    this.#written = now
    this.#writtenAt = this.#clock.now()
    this.#writing = this.#file.write(now).catch((error: unknown) => {
      this.#warn(error as Error)
    })
    await this.#writing
    this.#writing = undefined
  }

  /** A count that cannot be kept is no reason to stop. */
  #warn({ message }: Error): void {
    if (!this.#hasFailed)
      this.#counter?.events.onWarning(`how much was given is not kept for the next time: ${message}`)
    this.#hasFailed = true
  }
}
