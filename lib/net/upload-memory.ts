/** Memory for blocks on their way to one peer: laid out as the messages that carry them, so that they are read where they are sent from. Knows no disk and no socket. */
import { MAX_UPLOAD_READ } from '../limits.js'
import { BLOCK_HEADER_LENGTH, writeBlockHeader } from '../wire/codec.js'
import type { BlockSpan } from '../wire/message.js'

/** Messages in memory: `targets` are where their blocks go. */
export interface UploadBatch {
  readonly buffer: Buffer
  readonly targets: readonly Buffer[]
}

/** Buffers that wait to be used again: one is sent while the next is read. */
const MOST_IDLE = 2

export class UploadMemory {
  #idle: Buffer[] = []
  #isInUse = false

  /** One message behind the other, each with its header; what the blocks hold is to be read yet. */
  layOut(blocks: readonly BlockSpan[]): UploadBatch {
    const length = blocks.reduce((sum, block) => sum + messageLength(block), 0)
    const buffer = this.#take(length)
    this.#isInUse = true
    let at = 0
    const targets = blocks.map(block => {
      writeBlockHeader(buffer, at, block)
      const begin = at + BLOCK_HEADER_LENGTH
      at = begin + block.length
      return buffer.subarray(begin, at)
    })
    return { buffer, targets }
  }

  /** Nobody needs the batch any more. */
  reuse({ buffer }: UploadBatch): void {
    if (this.#isInUse && buffer.length === MAX_UPLOAD_READ && this.#idle.length < MOST_IDLE) this.#idle.push(buffer)
  }

  /** Nothing is read for now: nothing is kept, nor what comes back later. */
  clear(): void {
    this.#isInUse = false
    this.#idle = []
  }

  /** Only long batches are worth a whole buffer: short ones, of which many may wait, take what they are long. */
  #take(length: number): Buffer {
    if (length <= MAX_UPLOAD_READ / 2 || length > MAX_UPLOAD_READ) return Buffer.allocUnsafeSlow(length)
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(MAX_UPLOAD_READ)
  }
}

/** What a block takes on the wire. */
export function messageLength({ length }: Pick<BlockSpan, 'length'>): number {
  return BLOCK_HEADER_LENGTH + length
}
