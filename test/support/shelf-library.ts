/** A torrent for readers whose pieces arrive when a test says so. Piece n is cut from `content`; leases and windows are counted. */
import { Geometry } from '../../lib/pieces/geometry.js'
import type { PieceIndex } from '../../lib/pieces/geometry.js'
import type { ReadWindow } from '../../lib/pieces/read-window.js'
import type { PieceLibrary, WindowChange } from '../../lib/streams/read-cursor.js'
import type { Lease } from '../../lib/streams/storage.js'

interface Awaited {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class ShelfLibrary implements PieceLibrary {
  readonly geometry: Geometry
  readonly windows = new Set<ReadWindow>()
  /** Bytes lent and not given back. */
  lent = 0
  delivered = 0
  readonly #content: Buffer
  readonly #here = new Set<number>()
  readonly #awaited = new Map<number, Awaited>()
  #failure: Error | undefined

  constructor(content: Buffer, pieceLength: number) {
    this.#content = content
    this.geometry = new Geometry(content.length, pieceLength)
  }

  now(): number {
    return 0
  }

  onWindow(window: ReadWindow, change: WindowChange, bytes = 0): void {
    this.delivered += bytes
    if (change === 'opened') this.windows.add(window)
    if (change === 'closed') this.windows.delete(window)
  }

  bytesHere(start: number, end: number): number {
    const pieces = [...this.#here].map(
      index => [index * this.geometry.pieceLength, (index + 1) * this.geometry.pieceLength] as const
    )
    return pieces.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)), 0)
  }

  readonly edges: [number, number][] = []

  keepEdges(start: number, end: number): void {
    this.edges.push([start, end])
  }

  whenHere(index: PieceIndex): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#here.has(index)) return undefined
    let awaited = this.#awaited.get(index)
    if (!awaited) {
      let resolve = (): void => undefined
      let reject: (error: Error) => void = () => undefined
      const promise = new Promise<void>((yes, no) => {
        resolve = yes
        reject = no
      })
      promise.catch(() => undefined)
      awaited = { promise, resolve, reject }
      this.#awaited.set(index, awaited)
    }
    return awaited.promise
  }

  read(index: PieceIndex, begin: number, length: number): Promise<Lease | undefined> {
    if (!this.#here.has(index)) return Promise.resolve(undefined)
    const at = this.geometry.pieceOffset(index) + begin
    // Pool memory: what is given back is used for something else at once.
    const bytes = Buffer.from(this.#content.subarray(at, at + length))
    this.lent += length
    const release = (): void => {
      this.lent -= length
      bytes.fill(0xee)
    }
    return Promise.resolve({ bytes, release })
  }

  arrive(...indexes: number[]): void {
    for (const index of indexes) {
      this.#here.add(index)
      this.#awaited.get(index)?.resolve()
      this.#awaited.delete(index)
    }
  }

  arriveAll(): void {
    for (let index = 0; index < this.geometry.pieceCount; index++) this.arrive(index)
  }

  evict(index: number): void {
    this.#here.delete(index)
  }

  fail(error: Error): void {
    this.#failure = error
    for (const { reject } of this.#awaited.values()) reject(error)
  }
}
