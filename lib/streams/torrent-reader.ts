/** A file's bytes as a Node Readable: in order, verified, exactly as many as were promised, or an error. */
import { Readable, type Writable } from 'node:stream'
import { BtError, TorrentError } from '../errors.js'
import { ReadCursor, type PieceLibrary } from './read-cursor.js'

/** Bytes of one chunk. */
const CHUNK_BYTES = 65_536
/** Bytes a reader holds ready beyond the torrent's own window. */
const READ_HIGH_WATER_MARK = 65_536
/** Bytes lent to a sink of our own in one write. */
const LENT_BYTES = 2 ** 20

export interface ReaderOptions {
  /** First byte, within the torrent. */
  readonly start: number
  /** The byte after the last, within the torrent. */
  readonly end: number
  readonly highWaterMark?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export class TorrentReader extends Readable {
  readonly #cursor: ReadCursor
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = (): void => void this.destroy(aborted(this.#signal))
  #delivered = 0

  constructor(library: PieceLibrary, { start, end, highWaterMark = READ_HIGH_WATER_MARK, signal }: ReaderOptions) {
    super({ highWaterMark })
    this.#cursor = new ReadCursor(library, start, end)
    this.#signal = signal
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  override _read(): void {
    void this.#readOn()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#cursor.close()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    callback(error && withBytesDelivered(error, this.#delivered))
  }

  async #readOn(): Promise<void> {
    try {
      const lease = await this.#cursor.next(CHUNK_BYTES)
      if (this.destroyed) lease?.release()
      else if (!lease) this.push(null)
      else {
        // Pool memory never leaves the library: the reader gets a copy.
        const chunk = Buffer.from(lease.bytes)
        lease.release()
        this.#delivered += chunk.length
        this.push(chunk)
      }
    } catch (error) {
      this.destroy(error as Error)
    }
  }
}

/**
 * Writes `[start, end)` to `sink` without copying: each chunk is lent until the write's callback, so the sink must not keep it
 * longer (pipes, sockets and files do not). Does not end the sink. Resolves to the bytes written; rejects with the torrent's error,
 * the sink's, or the signal's.
 */
export async function pour(
  library: PieceLibrary,
  sink: Writable,
  { start, end, signal }: ReaderOptions
): Promise<number> {
  const cursor = new ReadCursor(library, start, end)
  let written = 0
  // What ends the current wait early: the sink closes, the signal aborts.
  let interrupt: (reason: Error) => void = () => undefined
  const onAbort = (): void => interrupt(aborted(signal))
  const onError = (error: Error): void => interrupt(error)
  const onClose = (): void => interrupt(new TorrentError('ERR_BT_ABORTED', 'the reader is gone'))
  const unlessInterrupted = <T>(step: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      interrupt = reject
      step.then(resolve, reject)
    })
  signal?.addEventListener('abort', onAbort, { once: true })
  sink.once('error', onError).once('close', onClose)
  try {
    if (signal?.aborted) throw aborted(signal)
    for (;;) {
      const lease = await unlessInterrupted(cursor.next(LENT_BYTES))
      if (!lease) return written
      try {
        await unlessInterrupted(write(sink, lease.bytes))
        written += lease.bytes.length
      } finally {
        lease.release()
      }
    }
  } catch (error) {
    throw withBytesDelivered(error as Error, written)
  } finally {
    cursor.close()
    signal?.removeEventListener('abort', onAbort)
    sink.off('error', onError).off('close', onClose)
  }
}

function write(sink: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(bytes, error => (error ? reject(error) : resolve()))
  })
}

function aborted(signal: AbortSignal | undefined): Error {
  return new TorrentError('ERR_BT_ABORTED', 'aborted', { cause: signal?.reason })
}

/** One failure of the torrent ends many streams: each gets an error of its own, with what it had delivered. */
function withBytesDelivered(error: Error, bytes: number): Error {
  if (!(error instanceof BtError)) return error
  const own = new TorrentErrorOfStream(error)
  own.bytesDelivered = bytes
  return own
}

class TorrentErrorOfStream extends BtError {
  constructor(error: BtError) {
    super(error.code, error.message, { cause: error.cause ?? error })
    this.name = error.name
  }
}
