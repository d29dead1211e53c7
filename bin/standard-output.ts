/**
 * Standard output as a sink for payload: asynchronous whatever it is, with backpressure, and closed when the payload is complete.
 * `process.stdout` is not used for it, nor may it be touched beside it: on a regular file it blocks the event loop, it cannot be
 * closed, and two sockets on one pipe are one too many.
 */
import { fstatSync, write as writeFile } from 'node:fs'
import { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { isatty } from 'node:tty'
import { OutputError, UsageError } from './exit-code.js'

const STDOUT = 1

/** Throws `UsageError` when standard output is a terminal, unless that is wanted. */
export function openStandardOutput({ force = false }: { force?: boolean | undefined } = {}): StandardOutput {
  if (isatty(STDOUT)) {
    if (!force) throw new UsageError('standard output is a terminal: pipe or redirect it, or say --force')
    return new StandardOutput(process.stdout, { isOurs: false })
  }
  const stat = fstatSync(STDOUT)
  const isPipe = stat.isFIFO() || stat.isSocket()
  return new StandardOutput(isPipe ? new Socket({ fd: STDOUT, readable: false, writable: true }) : new FileSink(STDOUT))
}

export class StandardOutput {
  /** Where to write. Give it to `writeTo`; its errors reach whoever writes, and `failure`. */
  readonly sink: Writable
  readonly #isOurs: boolean
  #failure: OutputError | undefined

  /** `isOurs`: the sink can be ended. A terminal belongs to others, too. */
  constructor(sink: Writable, { isOurs = true } = {}) {
    this.sink = sink
    this.#isOurs = isOurs
    sink.on('error', (error: Error) => {
      this.#failure ??= new OutputError(error)
    })
  }

  /** Set when writing has failed. */
  get failure(): OutputError | undefined {
    return this.#failure
  }

  /** Flushes and closes: whoever reads sees the end now, not when we exit. Rejects with `OutputError`. */
  async end(): Promise<void> {
    if (!this.#isOurs) return
    this.sink.end()
    try {
      await finished(this.sink, { readable: false })
    } catch (error) {
      throw this.#failure ?? new OutputError(error as Error)
    }
  }

  /** Gives up what is not written yet, so that a reader that takes nothing cannot keep us alive. */
  discard(): void {
    if (this.#isOurs) this.sink.destroy()
  }
}

/** A Writable over a descriptor that is a file or a device. Holds its chunk until every byte of it is written; does not close it. */
export class FileSink extends Writable {
  readonly #descriptor: number

  constructor(descriptor: number) {
    super({ highWaterMark: 1 })
    this.#descriptor = descriptor
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // No position: the descriptor's own offset counts, as after `>>`.
    writeFile(this.#descriptor, chunk, 0, chunk.length, null, (error, written) => {
      if (error) callback(error)
      else if (written === chunk.length) callback()
      else if (written === 0) callback(new Error('not a byte was taken'))
      else this._write(chunk.subarray(written), _encoding, callback)
    })
  }
}
