/** SHA-1 of pieces: here while there is little to do, on other threads once there is much. Knows no torrent. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { TorrentError } from '../errors.js'
import type { HashAnswer, HashOrder } from './hash-worker.js'
import { endThread, startThread } from './thread.js'

/** Threads cost some 40 ms and 10 MB: they start when this much was hashed within the interval. */
const BUSY_BYTES = 16 * 2 ** 20
const BUSY_INTERVAL_MS = 300

/** A piece longer than this would hold the loop up: it waits for a thread, however little there is to do. */
const LONG_BYTES = 4 * 2 ** 20

interface Pending {
  readonly worker: Worker
  readonly bytes: Buffer
  readonly resolve: (digest: Buffer) => void
  readonly reject: (error: Error) => void
}

export class HashPool {
  readonly #threads: number
  readonly #workers: Worker[] = []
  readonly #online = new Set<Worker>()
  readonly #slabs = new Map<SharedArrayBuffer, number>()
  readonly #pending = new Map<number, Pending>()
  #nextId = 0
  #isClosed = false
  #intervalStart = 0
  #intervalBytes = 0

  /** `threads`: how many may be started; by default one, or two on machines with more than two cores. */
  constructor(threads = availableParallelism() > 2 ? 2 : 1) {
    this.#threads = threads
  }

  /** Threads that were started. */
  get threadCount(): number {
    return this.#workers.length
  }

  /** SHA-1 of `bytes`, which must not change before it resolves. Memory that is not shared is hashed here. */
  async sha1(bytes: Buffer): Promise<Buffer> {
    this.#noteLoad(bytes.length)
    const memory = bytes.buffer
    if (bytes.length > LONG_BYTES && memory instanceof SharedArrayBuffer && !this.#isClosed) {
      await this.warmUp()
      if (this.#hasClosed()) throw new TorrentError('ERR_BT_ABORTED', 'closed while hashing')
    }
    const worker = memory instanceof SharedArrayBuffer ? this.#idlest() : undefined
    if (!worker || !(memory instanceof SharedArrayBuffer)) return hash(bytes)
    const id = this.#nextId++
    const order: HashOrder = { id, slab: this.#slabNumber(memory), offset: bytes.byteOffset, length: bytes.length }
    return await new Promise((resolve, reject) => {
      this.#pending.set(id, { worker, bytes, resolve, reject })
      worker.postMessage(order)
    })
  }

  /** Starts the threads at once: for work that is known to be much. Resolves when one of them takes work, if there is to be one. */
  async warmUp(): Promise<void> {
    while (!this.#isClosed && this.#workers.length < this.#threads) this.#start()
    const [first] = this.#workers
    if (first && this.#online.size === 0) await Promise.race([once(first, 'online'), once(first, 'exit')])
  }

  /** Ends the threads. Hashes that are still pending reject. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#online.clear()
    for (const { reject } of this.#pending.values()) reject(new TorrentError('ERR_BT_ABORTED', 'closed while hashing'))
    this.#pending.clear()
    await Promise.all(this.#workers.splice(0).map(endThread))
  }

  /** `close` may be called while a hash waits for a thread. */
  #hasClosed(): boolean {
    return this.#isClosed
  }

  #noteLoad(length: number): void {
    if (this.#workers.length > 0 || this.#isClosed) return
    const now = performance.now()
    if (now - this.#intervalStart > BUSY_INTERVAL_MS) {
      this.#intervalStart = now
      this.#intervalBytes = 0
    }
    this.#intervalBytes += length
    if (this.#intervalBytes > BUSY_BYTES) void this.warmUp()
  }

  #start(): void {
    const worker = startThread(new URL('./hash-worker.js', import.meta.url))
    worker.on('online', () => {
      if (this.#isClosed) return
      for (const [memory, slab] of this.#slabs) worker.postMessage({ slab, memory } satisfies HashOrder)
      this.#online.add(worker)
    })
    worker.on('message', ({ id, digest }: HashAnswer) => {
      const pending = this.#pending.get(id)
      this.#pending.delete(id)
      pending?.resolve(Buffer.from(digest.buffer, digest.byteOffset, digest.length))
    })
    // A thread that dies is not started again: hashing goes on here.
    worker.on('error', () => {
      this.#online.delete(worker)
      for (const [id, pending] of this.#pending) {
        if (pending.worker !== worker) continue
        this.#pending.delete(id)
        pending.resolve(hash(pending.bytes))
      }
    })
    this.#workers.push(worker)
  }

  #idlest(): Worker | undefined {
    if (this.#online.size < 2) return this.#online.values().next().value
    const load = new Map<Worker, number>()
    for (const { worker } of this.#pending.values()) load.set(worker, (load.get(worker) ?? 0) + 1)
    return [...this.#online].sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0))[0]
  }

  #slabNumber(memory: SharedArrayBuffer): number {
    const known = this.#slabs.get(memory)
    if (known !== undefined) return known
    const slab = this.#slabs.size
    this.#slabs.set(memory, slab)
    for (const worker of this.#online) worker.postMessage({ slab, memory } satisfies HashOrder)
    return slab
  }
}

function hash(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest()
}
