/** How many bytes of a torrent were taken and given, in earlier sessions and in this one. Counts nothing itself, and does not know where it is kept. */

export interface TransferFigures {
  /** Bytes of payload, as trackers are told them. */
  readonly uploaded: number
  readonly downloaded: number
}

const NOTHING: TransferFigures = { uploaded: 0, downloaded: 0 }

export class TransferTotals {
  /** What this session has counted so far. */
  session: () => TransferFigures = () => NOTHING
  #earlier = NOTHING

  /** What was kept of earlier sessions. Where two places have kept it, one may be behind: the larger figure holds, as figures only grow. */
  learn({ uploaded, downloaded }: TransferFigures): void {
    this.#earlier = {
      uploaded: Math.max(this.#earlier.uploaded, uploaded),
      downloaded: Math.max(this.#earlier.downloaded, downloaded)
    }
  }

  /** Of all sessions. */
  get now(): TransferFigures {
    const { uploaded, downloaded } = this.session()
    return { uploaded: this.#earlier.uploaded + uploaded, downloaded: this.#earlier.downloaded + downloaded }
  }
}

/** Figures that somebody wrote down; undefined when they are none. */
export function asTransferFigures(value: unknown): TransferFigures | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { uploaded, downloaded } = value as Partial<Record<keyof TransferFigures, unknown>>
  return isCount(uploaded) && isCount(downloaded) ? { uploaded, downloaded } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
