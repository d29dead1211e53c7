/** Blocks a peer asked us for, sent one after the other as its socket takes them. Decides nobody's turn. */
import { MAX_REQUESTS_QUEUED, MAX_UPLOAD_BUFFERED } from '../limits.js'
import type { PieceIndex } from '../pieces/geometry.js'
import type { Lease } from '../streams/storage.js'
import { encodeBlockHeader } from '../wire/codec.js'
import type { PeerOutbox } from './peer-outbox.js'

export interface AskedBlock {
  readonly piece: PieceIndex
  readonly begin: number
  readonly length: number
}

export interface UploadSource {
  readBlock(piece: PieceIndex, begin: number, length: number): Promise<Lease | undefined>
  onUploaded(bytes: number): void
}

export class UploadQueue {
  readonly #outbox: PeerOutbox
  readonly #source: UploadSource
  readonly #queue: AskedBlock[] = []
  #isSending = false
  #whenRoom: (() => void) | undefined

  constructor(outbox: PeerOutbox, source: UploadSource) {
    this.#outbox = outbox
    this.#source = source
  }

  get size(): number {
    return this.#queue.length
  }

  /** Adds a request. A promise when the queue is full: the caller reads no further until it resolves. */
  add(block: AskedBlock): Promise<void> | undefined {
    this.#queue.push(block)
    if (!this.#isSending) void this.#sendAll()
    if (this.#queue.length < MAX_REQUESTS_QUEUED) return undefined
    return new Promise(resolve => {
      this.#whenRoom = resolve
    })
  }

  cancel({ piece, begin, length }: AskedBlock): void {
    const at = this.#queue.findIndex(asked => asked.piece === piece && asked.begin === begin && asked.length === length)
    if (at >= 0) this.#queue.splice(at, 1)
    this.#letOn()
  }

  /** Forgets all: the peer was choked or is gone. */
  clear(): void {
    this.#queue.length = 0
    this.#letOn()
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    try {
      for (let block = this.#queue.shift(); block && !this.#outbox.isClosed; block = this.#queue.shift()) {
        this.#letOn()
        await this.#sendBlock(block)
      }
    } catch (error) {
      // The disk cannot be read. There is no way to say so (BEP 3), and a peer that waits in vain is worse off than one that is gone.
      this.#outbox.fail(error as Error)
    }
    this.#isSending = false
  }

  async #sendBlock(block: AskedBlock): Promise<void> {
    const lease = await this.#source.readBlock(block.piece, block.begin, block.length)
    if (!lease) return
    if (this.#outbox.isClosed) {
      lease.release()
      return
    }
    this.#outbox.sendLent(encodeBlockHeader(block.piece, block.begin, block.length), lease)
    this.#source.onUploaded(block.length)
    if (this.#outbox.bufferedBytes >= MAX_UPLOAD_BUFFERED) await this.#outbox.drained()
  }

  #letOn(): void {
    if (this.#queue.length >= MAX_REQUESTS_QUEUED) return
    this.#whenRoom?.()
    this.#whenRoom = undefined
  }
}
