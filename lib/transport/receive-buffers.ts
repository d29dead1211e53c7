/**
 * The memory that one socket reads into, used again and again: a fresh chunk a read would be most of the garbage of a fast download.
 * Chunks are views of it, so it is written over only once nobody needs its bytes; it is told how far that is, and knows no message.
 */

/** Bytes of one buffer at first: enough for a slow peer, of whom there are many. */
const SMALL = 16_384
/** Bytes of one buffer once a read filled one: more is no faster. */
const LARGE = 65_536
/** Full buffers that wait to be used again; while more are in use, garbage is collected as ever. */
const MAX_WAITING = 3

interface FullBuffer {
  readonly bytes: Buffer
  /** Place in the peer's byte stream right behind what is in it. */
  readonly end: number
}

export class ReceiveBuffers {
  /** Bytes of the peer's stream, from its start, that nobody needs any more. Asked when a buffer is full. */
  handledBytes: () => number = () => 0
  #receivedBytes = 0
  #length = SMALL
  #current: Buffer = Buffer.allocUnsafeSlow(SMALL)
  #filled = 0
  readonly #full: FullBuffer[] = []

  /** Bytes that were read into the buffers. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Where the next read goes: behind the last one while a quarter of the buffer is left. */
  next(): Buffer {
    if (this.#filled > this.#current.length * 0.75) this.#turn()
    return this.#current.subarray(this.#filled)
  }

  /** A read put `length` bytes where `next` said. Returns them: a view. */
  take(length: number): Buffer {
    const chunk = this.#current.subarray(this.#filled, this.#filled + length)
    if (length === this.#current.length) this.#length = LARGE
    this.#filled += length
    this.#receivedBytes += length
    return chunk
  }

  #turn(): void {
    this.#full.push({ bytes: this.#current, end: this.#receivedBytes })
    this.#filled = 0
    this.#current = this.#reuse() ?? Buffer.allocUnsafeSlow(this.#length)
  }

  /** The buffer that was filled first, once nobody needs what is in it. */
  #reuse(): Buffer | undefined {
    const [first] = this.#full
    const isFree = first !== undefined && first.end <= this.handledBytes()
    if (isFree || this.#full.length > MAX_WAITING) this.#full.shift()
    return isFree && first.bytes.length === this.#length ? first.bytes : undefined
  }
}
