/**
 * SHA-1 of pieces that lie in files, as fast as the machine can: a thread for each core reads and hashes, and this one only deals out the work. For
 * what is known to be much; it knows no torrent and believes nobody's hash.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { StorageError, TorrentError } from '../errors.js'
import { endThread, startThread } from '../streams/thread.js'
import { diskError } from './disk-error.js'
import { ZEROS, type DiskHashAnswer, type DiskHashOrder } from './disk-hash-worker.js'

/** A run of bytes in a file, or of zeros in none. */
export interface DiskSpan {
  readonly path: string | Buffer | undefined
  /** First byte, within the file. */
  readonly position: number
  readonly length: number
}

/** What makes up a piece, end to end. */
export interface DiskPiece {
  /** For the caller. */
  readonly index: number
  readonly spans: readonly DiskSpan[]
}

export interface DiskHashOptions {
  readonly pieces: Iterable<DiskPiece>
  /** `digest` is `undefined` when a file is missing or too short. In any order. */
  readonly onDigest: (piece: DiskPiece, digest: Buffer | undefined) => void
  /** True: no further piece is begun, and the call resolves. */
  readonly isStopped: () => boolean
  /** Default: one a core. */
  readonly threads?: number | undefined
}

/** Bytes of one order: so much that orders cost nothing, so little that no thread is busy long after the others. */
const ORDER_BYTES = 4 * 2 ** 20
/** Pieces of one order, however short. */
const ORDER_PIECES = 256
/** Orders of a thread: one in work, one that waits for it. */
const ORDERS_A_THREAD = 2

/** Resolves when all pieces were told. Rejects with `StorageError` when a file cannot be read; threads and descriptors are gone in any case. */
export async function hashOnDisk(options: DiskHashOptions): Promise<void> {
  const threads = Math.max(1, options.threads ?? availableParallelism())
  const dealer = new Dealer(options)
  await dealer.run(threads)
}

interface Dealt {
  readonly order: DiskHashOrder
  readonly pieces: readonly DiskPiece[]
}

class Dealer {
  readonly #options: DiskHashOptions
  readonly #pieces: Iterator<DiskPiece>
  readonly #dealt = new Map<number, Dealt>()
  readonly #workers: Worker[] = []
  #nextId = 0
  #isOver = false
  #resolve = (): void => undefined
  #reject: (error: Error) => void = () => undefined

  constructor(options: DiskHashOptions) {
    this.#options = options
    this.#pieces = options.pieces[Symbol.iterator]()
  }

  async run(threads: number): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    try {
      const orders = this.#orders()
      for (let i = 0; i < threads && !this.#isOver; i++) this.#start(orders)
      await done
    } finally {
      await Promise.all(this.#workers.map(endThread))
    }
  }

  #start(orders: Iterator<Dealt>): void {
    const worker = startThread(new URL('./disk-hash-worker.js', import.meta.url))
    worker.ref()
    this.#workers.push(worker)
    worker.on('message', (answer: DiskHashAnswer) => this.#guard(() => this.#onAnswer(answer, worker, orders)))
    worker.on('error', error => this.#fail(new TorrentError('ERR_BT_INTERNAL', error.message, { cause: error })))
    for (let i = 0; i < ORDERS_A_THREAD; i++) this.#deal(worker, orders)
  }

  /** What the caller's functions throw ends the work, not the process. */
  #guard(step: () => void): void {
    try {
      if (!this.#isOver) step()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #fail(error: Error): void {
    this.#isOver = true
    this.#reject(error)
  }

  #deal(worker: Worker, orders: Iterator<Dealt>): void {
    const next = this.#options.isStopped() ? undefined : orders.next()
    if (next && !next.done) {
      this.#dealt.set(next.value.order.id, next.value)
      worker.postMessage(next.value.order)
    } else if (this.#dealt.size === 0) {
      this.#isOver = true
      this.#resolve()
    }
  }

  #onAnswer({ id, digests, isShort, failure }: DiskHashAnswer, worker: Worker, orders: Iterator<Dealt>): void {
    const dealt = this.#dealt.get(id)
    this.#dealt.delete(id)
    if (!dealt) return
    if (failure) throw failureOf(failure, dealt)
    for (const [i, piece] of dealt.pieces.entries()) {
      const digest = isShort[i] === 1 ? undefined : Buffer.from(digests.subarray(i * 20, i * 20 + 20))
      this.#options.onDigest(piece, digest)
    }
    this.#deal(worker, orders)
  }

  *#orders(): Generator<Dealt> {
    let pieces: DiskPiece[] = []
    let bytes = 0
    for (let next = this.#pieces.next(); !next.done; next = this.#pieces.next()) {
      pieces.push(next.value)
      bytes += next.value.spans.reduce((sum, span) => sum + span.length, 0)
      if (bytes < ORDER_BYTES && pieces.length < ORDER_PIECES) continue
      yield { order: orderOf(this.#nextId++, pieces), pieces }
      pieces = []
      bytes = 0
    }
    if (pieces.length > 0) yield { order: orderOf(this.#nextId++, pieces), pieces }
  }
}

function orderOf(id: number, pieces: readonly DiskPiece[]): DiskHashOrder {
  const positions = new Map<string | Buffer, number>()
  const spans: number[] = []
  for (const span of pieces.flatMap(piece => piece.spans)) {
    spans.push(span.path === undefined ? ZEROS : positionOf(span.path, positions), span.position, span.length)
  }
  const paths = [...positions.keys()].map(path => Buffer.from(path))
  const counts = Uint32Array.from(pieces, piece => piece.spans.length)
  return { id, paths, spans: Float64Array.from(spans), counts }
}

function positionOf(path: string | Buffer, positions: Map<string | Buffer, number>): number {
  const known = positions.get(path)
  if (known !== undefined) return known
  positions.set(path, positions.size)
  return positions.size - 1
}

function failureOf({ path, code, message }: NonNullable<DiskHashAnswer['failure']>, { order }: Dealt): StorageError {
  const name = Buffer.from(order.paths[path] ?? []).toString()
  return diskError(Object.assign(new Error(message), { code }), `cannot read ${name}`)
}
