/** Bytes in, exact runs of bytes out. Holds at most one message and one chunk; the only import of `bl`. */
import { BufferList } from 'bl'
import { copyBytes } from '../pieces/copy-bytes.js'
import type { BlockData } from './message.js'

/**
 * A peer that sends a byte at a time makes a wrapper object a byte: beyond this many chunks they are joined into one
 * (a 16 KiB block in 1,448-byte segments is 12).
 */
export const MAX_CHUNKS = 64

export class FrameBuffer {
  #list = new BufferList()
  #chunks = 0

  get length(): number {
    return this.#list.length
  }

  /** Chunks that the bytes lie in, at most. */
  get chunks(): number {
    return this.#chunks
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#list.append(chunk)
    if (++this.#chunks <= MAX_CHUNKS) return
    this.#list = new BufferList(this.#list.slice())
    this.#chunks = 1
  }

  byteAt(offset: number): number {
    return this.#list.get(offset) ?? 0
  }

  /** Big-endian, unsigned: a signed read takes 0x80000001 for a negative length. */
  uint32At(offset: number): number {
    return this.#list.readUInt32BE(offset)
  }

  /** Removes and returns a copy of the next `length` bytes, safe to keep. */
  take(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    this.#list.copy(bytes, 0, 0, length)
    this.skip(length)
    return bytes
  }

  /** Removes the next `length` bytes and returns them as views: valid only until they are handled. */
  takeViews(length: number): BlockData {
    const views = this.#list.shallowSlice(0, length).getBuffers()
    this.skip(length)
    return new BlockViews(length, views)
  }

  skip(length: number): void {
    this.#list.consume(length)
    if (this.#list.length === 0) this.#chunks = 0
  }
}

class BlockViews implements BlockData {
  readonly length: number
  readonly #views: readonly Buffer[]

  constructor(length: number, views: readonly Buffer[]) {
    this.length = length
    this.#views = views
  }

  copy(target: Buffer, targetStart = 0): void {
    let at = targetStart
    for (const view of this.#views) {
      copyBytes(view, target, at)
      at += view.length
    }
  }
}
