/** Blocks a peer asked us for, sent one after the other as its socket takes them; those that follow each other are read together. Decides nobody's turn. */
import { MAX_REQUESTS_QUEUED, MAX_UPLOAD_BUFFERED, MAX_UPLOAD_READ } from '../limits.js'
import type { PieceIndex } from '../pieces/geometry.js'
import type { Lease } from '../streams/storage.js'
import { encodeBlockHeader } from '../wire/codec.js'
import type { Outbox } from './outbox.js'

export interface AskedBlock {
  readonly piece: PieceIndex
  readonly begin: number
  readonly length: number
}

export interface UploadSource {
  readBlock(piece: PieceIndex, begin: number, length: number): Promise<Lease | undefined>
  /** A promise while the limits of the upload rate forbid as many bytes more; when it resolves they are counted, if they are wanted by then. */
  whenAllowed(bytes: number, isWanted: () => boolean): Promise<void> | undefined
  /** The bytes are with the system. */
  onUploaded(bytes: number): void
  /** These will not be answered. */
  onDropped(blocks: readonly AskedBlock[]): void
}

export class UploadQueue {
  /** Bytes that may wait in the socket before the next block is read. */
  mark = MAX_UPLOAD_BUFFERED
  readonly #outbox: Outbox
  readonly #source: UploadSource
  #queue: AskedBlock[] = []
  #isSending = false
  /** Until when the next block may not be sent; it is counted already. */
  #held: Promise<void> | undefined
  #whenRoom: (() => void) | undefined

  constructor(outbox: Outbox, source: UploadSource) {
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
    if (at >= 0) this.#source.onDropped(this.#queue.splice(at, 1))
    this.#letOn()
  }

  /** Forgets all but what `isKept` keeps: the peer was choked or is gone. */
  clear(isKept: (block: AskedBlock) => boolean = () => false): void {
    const dropped = this.#queue.filter(block => !isKept(block))
    this.#queue = this.#queue.filter(isKept)
    if (dropped.length > 0) this.#source.onDropped(dropped)
    this.#letOn()
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    try {
      for (let [next] = this.#queue; next && !this.#outbox.isClosed; [next] = this.#queue) {
        // It stays in the queue while it waits: a choke or a cancel finds it there.
        const held = this.#held ?? this.#whenAllowed(next.length)
        this.#held = undefined
        if (held) await held
        const run = this.#takeRun()
        this.#letOn()
        if (run.length > 0) await this.#send(run)
      }
    } catch (error) {
      // The disk cannot be read. A peer that waits in vain is worse off than one that is gone.
      this.#outbox.fail(error as Error)
    }
    this.#isSending = false
  }

  /** Who asks for nothing any more when its turn comes is not counted, and has to wait again. */
  #whenAllowed(bytes: number): Promise<void> | undefined {
    return this.#source.whenAllowed(bytes, () => {
      const isWanted = this.#queue.length > 0 && !this.#outbox.isClosed
      if (!isWanted) this.#held = undefined
      return isWanted
    })
  }

  /** The next block, which may be sent, and those that lie behind it and may be sent as well. */
  #takeRun(): AskedBlock[] {
    const run: AskedBlock[] = []
    let room = Math.min(MAX_UPLOAD_READ, this.mark - this.#outbox.bufferedBytes)
    for (let [next] = this.#queue; next; [next] = this.#queue) {
      const last = run.at(-1)
      if (last) {
        if (next.piece !== last.piece || next.begin !== last.begin + last.length || next.length > room) break
        this.#held = this.#whenAllowed(next.length)
        if (this.#held) break
      }
      room -= next.length
      run.push(next)
      this.#queue.shift()
    }
    return run
  }

  async #send(run: readonly AskedBlock[]): Promise<void> {
    const [first] = run
    if (!first) return
    const length = run.reduce((sum, block) => sum + block.length, 0)
    const lease = await this.#source.readBlock(first.piece, first.begin, length)
    if (!lease) {
      this.#source.onDropped(run)
      return
    }
    if (this.#outbox.isClosed) {
      lease.release()
      return
    }
    let unsent = run.length
    const lent = run.map(({ piece, begin, length: size }) => ({
      head: encodeBlockHeader(piece, begin, size),
      lent: lease.bytes.subarray(begin - first.begin, begin - first.begin + size),
      onSent: (error?: Error | null) => {
        if (--unsent === 0) lease.release()
        if (!error) this.#source.onUploaded(size)
      }
    }))
    this.#outbox.sendLent(lent)
    if (this.#outbox.bufferedBytes >= this.mark) await this.#outbox.drained()
  }

  #letOn(): void {
    if (this.#queue.length >= MAX_REQUESTS_QUEUED) return
    this.#whenRoom?.()
    this.#whenRoom = undefined
  }
}
