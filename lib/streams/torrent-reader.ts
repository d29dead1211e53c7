/** Bytes of a torrent as a Node Readable, or poured into a sink: in order, verified, exactly as many as were promised, or an error. */
import { Readable, type Writable } from 'node:stream'
import { anew, BtError, TorrentError } from '../errors.js'
import { copyBytes } from '../pieces/copy-bytes.js'
import { watchAbort } from './abort-watch.js'
import type { ByteSource } from './read-cursor.js'
import type { Lease } from './storage.js'

/** Bytes of one chunk. */
const CHUNK_BYTES = 65_536
/** Bytes a reader holds ready beyond the torrent's own window. */
const READ_HIGH_WATER_MARK = 65_536
/** Bytes lent to a sink of our own in one write. */
const LENT_BYTES = 2 ** 20

export interface ReaderOptions {
  readonly highWaterMark?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export class TorrentReader extends Readable {
  readonly #source: ByteSource
  readonly #stopWatching: () => void
  #delivered = 0

  constructor(source: ByteSource, { highWaterMark = READ_HIGH_WATER_MARK, signal }: ReaderOptions = {}) {
    super({ highWaterMark })
    this.#source = source
    this.#stopWatching = watchAbort(signal, () => void this.destroy(aborted(signal)))
    if (signal?.aborted) this.destroy(aborted(signal))
  }

  override _read(): void {
    void this.#readOn()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.close()
    this.#stopWatching()
    // What is still buffered will never be delivered.
    callback(error && withBytesDelivered(error, this.#delivered - this.readableLength))
  }

  async #readOn(): Promise<void> {
    try {
      const lease = await this.#source.next(CHUNK_BYTES)
      if (this.destroyed) lease?.release()
      else if (!lease) this.push(null)
      else {
        // Pool memory never leaves the library: the reader gets a copy.
        const chunk = Buffer.allocUnsafe(lease.bytes.length)
        copyBytes(lease.bytes, chunk, 0)
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
 * Writes all of `source` to `sink` without copying: each chunk is lent until the write's callback, so the sink must not keep it
 * longer (pipes, sockets and files do not). Does not end the sink. Resolves to the bytes written; rejects with the torrent's error,
 * the sink's, or the signal's.
 */
export async function pour(source: ByteSource, sink: Writable, { signal }: ReaderOptions = {}): Promise<number> {
  let written = 0
  // A sink that closed before will not say so again.
  if (signal?.aborted || sink.destroyed) {
    source.close()
    throw withBytesDelivered(signal?.aborted ? aborted(signal) : gone(), 0)
  }
  // What ends the current wait early: the sink fails or closes, the signal aborts.
  let endWait: (reason: Error) => void = () => undefined
  const interrupt = (reason: Error): void => {
    source.close()
    endWait(reason)
  }
  const onClose = (): void => interrupt(gone())
  const unlessInterrupted = <T>(step: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      endWait = reject
      step.then(resolve, reject)
    })
  const stopWatching = watchAbort(signal, () => interrupt(aborted(signal)))
  sink.once('error', interrupt).once('close', onClose)
  try {
    for (;;) {
      const lease = await unlessInterrupted(source.next(LENT_BYTES))
      if (!lease) return written
      const { length } = lease.bytes
      await unlessInterrupted(lend(sink, lease))
      written += length
    }
  } catch (error) {
    throw withBytesDelivered(error as Error, written)
  } finally {
    source.close()
    stopWatching()
    sink.off('error', interrupt).off('close', onClose)
  }
}

/** Lends the bytes until the sink calls back, or has closed. Whoever gives up waiting before that leaves them with the sink. */
function lend(sink: Writable, lease: Lease): Promise<void> {
  return new Promise((resolve, reject) => {
    let isLent = true
    const giveBack = (): void => {
      sink.off('close', giveBack)
      if (isLent) lease.release()
      isLent = false
    }
    sink.on('close', giveBack)
    sink.write(lease.bytes, error => {
      giveBack()
      if (!error) {
        resolve()
        return
      }
      // It says the same once more as an event, perhaps long after we have told our caller.
      sink.on('error', () => undefined)
      reject(error)
    })
  })
}

function gone(): Error {
  return new TorrentError('ERR_BT_ABORTED', 'the reader is gone')
}

function aborted(signal: AbortSignal | undefined): Error {
  return new TorrentError('ERR_BT_ABORTED', 'aborted', { cause: signal?.reason })
}

/** One failure of the torrent ends many streams: each gets an error of its own, with what it had delivered. */
function withBytesDelivered(error: Error, bytes: number): Error {
  if (!(error instanceof BtError)) return error
  const own = anew(error)
  own.bytesDelivered = bytes
  return own
}
