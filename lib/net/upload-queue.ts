/** Blocks a peer asked us for, sent one after the other as its socket takes them; those that follow each other are read together. Decides nobody's turn. */
import { BLOCK_LENGTH, MAX_REQUESTS_QUEUED, MAX_UPLOAD_BUFFERED, MAX_UPLOAD_READ } from '../limits.js'
import type { PieceIndex } from '../pieces/geometry.js'
import { BLOCK_HEADER_LENGTH } from '../wire/codec.js'
import type { Outbox } from './outbox.js'
import { messageLength, UploadMemory, type UploadBatch } from './upload-memory.js'

export interface AskedBlock {
  readonly piece: PieceIndex
  readonly begin: number
  readonly length: number
}

export interface UploadSource {
  /** Blocks of one piece that follow each other from `begin` on, each into its own target; false when they are not here any more. */
  readBlocks(piece: PieceIndex, begin: number, targets: readonly Buffer[]): Promise<boolean>
  /** A promise while the limits of the upload rate forbid as many bytes more, of whether they were counted: they are if they are wanted by then. */
  whenAllowed(bytes: number, isWanted: () => boolean): Promise<boolean> | undefined
  /** Counts as many bytes more for the limits of the upload rate, less when negative. */
  charge(bytes: number): void
  /** The bytes are with the system. */
  onUploaded(bytes: number): void
  /** These will not be answered. */
  onDropped(blocks: readonly AskedBlock[]): void
}

/** A peer whose socket takes as much in this time is quick. */
const QUICK_MS = 1000
/** What is sent at once to another: four blocks. It shows sooner that it takes something, and counts sooner as uploaded. */
const SLOW_READ = 4 * (BLOCK_LENGTH + BLOCK_HEADER_LENGTH)

/** Messages that are sent together, and what of them is payload. */
interface Stretch {
  readonly begin: number
  end: number
  payload: number
}

export class UploadQueue {
  /** Bytes that may wait in the socket before the next block is read. */
  mark = MAX_UPLOAD_BUFFERED
  readonly #outbox: Outbox
  readonly #source: UploadSource
  #queue: AskedBlock[] = []
  /** Blocks that are being read from disk. */
  #reading: AskedBlock[] = []
  #isSending = false
  /** Until when the next block may not be sent. */
  #held: Promise<void> | undefined
  /** Bytes that the limits of the upload rate have counted, and no block was taken for. */
  #paid = 0
  #whenRoom: (() => void) | undefined
  readonly #memory = new UploadMemory()

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
    for (const blocks of [this.#queue, this.#reading]) {
      const at = blocks.findIndex(asked => asked.piece === piece && asked.begin === begin && asked.length === length)
      if (at < 0) continue
      this.#source.onDropped(blocks.splice(at, 1))
      break
    }
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
        const held = this.#held ?? this.#ask(next.length)
        this.#held = undefined
        if (held) await held
        // Nobody wanted anything when its turn came: it has to wait again.
        if (this.#paid === 0) continue
        const run = this.#takeRun()
        this.#settle()
        this.#letOn()
        if (run.length > 0) await this.#send(run)
      }
    } catch (error) {
      // The disk cannot be read. A peer that waits in vain is worse off than one that is gone.
      this.#outbox.fail(error as Error)
    }
    this.#settle()
    this.#isSending = false
    this.#memory.clear()
  }

  /** A promise while as many bytes may not be sent. */
  #ask(bytes: number): Promise<void> | undefined {
    const held = this.#source.whenAllowed(bytes, () => this.#queue.length > 0 && !this.#outbox.isClosed)
    if (!held) this.#paid += bytes
    return held?.then(isCounted => {
      if (isCounted) this.#paid += bytes
    })
  }

  /** What was counted and what is sent are the same, whatever was cancelled and asked for while it waited. */
  #settle(): void {
    if (this.#paid !== 0) this.#source.charge(-this.#paid)
    this.#paid = 0
  }

  /** The next block, which may be sent, and those that lie behind it and may be sent as well. */
  #takeRun(): AskedBlock[] {
    const run: AskedBlock[] = []
    const most = this.#outbox.lentTookMs < QUICK_MS ? MAX_UPLOAD_READ : SLOW_READ
    let room = Math.min(most, this.mark - this.#outbox.bufferedBytes)
    for (let [next] = this.#queue; next; [next] = this.#queue) {
      const last = run.at(-1)
      if (last) {
        if (next.piece !== last.piece || next.begin !== last.begin + last.length || messageLength(next) > room) break
        this.#held = this.#ask(next.length)
        if (this.#held) break
      }
      room -= messageLength(next)
      this.#paid -= next.length
      run.push(next)
      this.#queue.shift()
    }
    return run
  }

  async #send(run: readonly AskedBlock[]): Promise<void> {
    const [first] = run
    if (!first) return
    const batch = this.#memory.layOut(run)
    this.#reading = [...run]
    let isRead: boolean
    try {
      isRead = await this.#source.readBlocks(first.piece, first.begin, batch.targets)
    } catch (error) {
      this.#source.charge(-lengthOf(run))
      throw error
    }
    const wanted = this.#reading
    this.#reading = []
    const canSend = isRead && !this.#outbox.isClosed
    const unsentBytes = lengthOf(run) - (canSend ? lengthOf(wanted) : 0)
    if (unsentBytes > 0) this.#source.charge(-unsentBytes)
    if (!isRead) this.#source.onDropped(wanted)
    if (!canSend || wanted.length === 0) this.#memory.reuse(batch)
    else this.#sendBatch(batch, run, wanted)
    if (this.#outbox.bufferedBytes >= this.mark) await this.#outbox.drained()
  }

  /** In one piece, but for what was taken back while it was read. */
  #sendBatch(batch: UploadBatch, run: readonly AskedBlock[], wanted: readonly AskedBlock[]): void {
    const stretches: Stretch[] = []
    let at = 0
    for (const block of run) {
      const end = at + messageLength(block)
      const last = stretches.at(-1)
      if (wanted.includes(block)) {
        if (last?.end === at) {
          last.end = end
          last.payload += block.length
        } else stretches.push({ begin: at, end, payload: block.length })
      }
      at = end
    }
    let unsent = stretches.length
    for (const { begin, end, payload } of stretches) {
      this.#outbox.sendLent(batch.buffer.subarray(begin, end), error => {
        if (--unsent === 0) this.#memory.reuse(batch)
        if (!error) this.#source.onUploaded(payload)
      })
    }
  }

  #letOn(): void {
    if (this.#queue.length >= MAX_REQUESTS_QUEUED) return
    this.#whenRoom?.()
    this.#whenRoom = undefined
  }
}

function lengthOf(blocks: readonly AskedBlock[]): number {
  return blocks.reduce((sum, { length }) => sum + length, 0)
}
