/**
 * From "written" to "on the disk for certain": gathers pieces that landed and, every few seconds or MiB, syncs their files and then
 * says so in the record, in that order. A failed sync is final: the system may have dropped the bytes and a second
 * sync would succeed all the same, so nothing is ever said of those pieces.
 */
import type { Clock, Timer } from '../clock.js'
import { CHECKPOINT_BYTES, CHECKPOINT_INTERVAL_MS } from '../limits.js'
import type { PieceIndex } from '../pieces/geometry.js'

/** Syncing a great many files takes long: no more than this part of the time is spent on it. */
const REST_FACTOR = 10

export interface Landing {
  readonly pieces: readonly PieceIndex[]
  /** Positions of the files that got their bytes. */
  readonly files: ReadonlySet<number>
}

export class Checkpoint {
  readonly #save: (landing: Landing) => Promise<void>
  readonly #clock: Clock
  #pieces: PieceIndex[] = []
  #files = new Set<number>()
  #bytes = 0
  #timer: { readonly handle: Timer } | undefined
  #running: Promise<void> | undefined
  #failure: Error | undefined
  #lastMs = 0

  /** `save` makes the landing last: data first, then the record. */
  constructor(save: (landing: Landing) => Promise<void>, clock: Clock) {
    this.#save = save
    this.#clock = clock
  }

  /** The error that ended this storage, if one did. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure
  }

  /** Notes pieces whose writes have returned; starts a save when enough has gathered. */
  landed(pieces: Iterable<PieceIndex>, files: Iterable<number>, bytes: number): void {
    for (const piece of pieces) this.#pieces.push(piece)
    for (const file of files) this.#files.add(file)
    this.#bytes += bytes
    this.#schedule()
  }

  /** Resolves when everything noted so far is safe. Rejects with the first error of any save, now and ever after. */
  async drain(): Promise<void> {
    while (this.#running ?? this.#hasWork) await (this.#running ?? this.#run())
    this.throwIfFailed()
  }

  /** No save begins by itself any more. */
  stop(): void {
    if (this.#timer) this.#clock.clearTimer(this.#timer.handle)
    this.#timer = undefined
  }

  get #hasWork(): boolean {
    return !this.#failure && (this.#pieces.length > 0 || this.#files.size > 0)
  }

  #schedule(): void {
    if (this.#running || !this.#hasWork) return
    if (this.#bytes >= CHECKPOINT_BYTES) void this.#run()
    else this.#timer ??= { handle: this.#clock.setTimer(() => void this.#run(), this.#intervalMs) }
  }

  get #intervalMs(): number {
    return Math.max(CHECKPOINT_INTERVAL_MS, this.#lastMs * REST_FACTOR)
  }

  /** Never rejects: the failure is kept for whoever asks next. */
  #run(): Promise<void> {
    this.stop()
    const landing = { pieces: this.#pieces, files: this.#files }
    this.#pieces = []
    this.#files = new Set()
    this.#bytes = 0
    const startedMs = this.#clock.now()
    this.#running = this.#save(landing)
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error))
      })
      .finally(() => {
        this.#running = undefined
        this.#lastMs = this.#clock.now() - startedMs
        this.#schedule()
      })
    return this.#running
  }
}
