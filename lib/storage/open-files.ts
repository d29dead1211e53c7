/**
 * Descriptors of payload files: opened when first used, kept for the next use, the least recently used closed for another.
 * A descriptor in use is never closed. It knows files by a number and does not know where they lie.
 */
import type { Clock } from '../clock.js'
import { DESCRIPTOR_WAIT_MS, MAX_OPEN_FILES } from '../limits.js'
import { StorageError } from '../errors.js'
import { systemCode } from './disk-error.js'
import type { OpenFile } from './file-system.js'

const RETRY_MS = 50

interface Entry {
  readonly file: Promise<OpenFile>
  users: number
}

export class OpenFiles {
  readonly #open: (position: number) => Promise<OpenFile>
  readonly #clock: Clock
  /** Least recently used first. */
  readonly #entries = new Map<number, Entry>()
  #waiting: (() => void)[] = []
  #closed = false
  #capacity = MAX_OPEN_FILES

  constructor(open: (position: number) => Promise<OpenFile>, clock: Clock) {
    this.#open = open
    this.#clock = clock
  }

  /** Descriptors that are open or being opened. */
  get size(): number {
    return this.#entries.size
  }

  /** Lends the file for the time of `action`. Must not be nested: at capacity the inner call would wait for the outer one. */
  async use<T>(position: number, action: (file: OpenFile) => Promise<T>): Promise<T> {
    const entry = await this.#acquire(position)
    try {
      return await action(await entry.file)
    } finally {
      entry.users--
      this.#wake()
    }
  }

  async #acquire(position: number): Promise<Entry> {
    for (;;) {
      if (this.#closed) throw new StorageError('ERR_BT_DISK', 'the files are closed')
      const known = this.#entries.get(position)
      if (known) {
        known.users++
        this.#entries.delete(position)
        this.#entries.set(position, known)
        return known
      }
      if (this.#entries.size < this.#capacity) return this.#begin(position)
      if (!(await this.#closeOldest())) await new Promise<void>(resume => this.#waiting.push(resume))
    }
  }

  #begin(position: number): Entry {
    const entry: Entry = { file: this.withRoom(() => this.#open(position)), users: 1 }
    this.#entries.set(position, entry)
    entry.file.catch(() => {
      if (this.#entries.get(position) === entry) this.#entries.delete(position)
    })
    return entry
  }

  /**
   * Runs `open`; when the process has no descriptor left, closes idle files, then waits for others to close theirs, and
   * tries again. From then on fewer are kept.
   */
  async withRoom<T>(open: () => Promise<T>): Promise<T> {
    const deadline = this.#clock.now() + DESCRIPTOR_WAIT_MS
    for (;;) {
      try {
        return await open()
      } catch (error) {
        if (!isOutOfDescriptors(error)) throw error
        this.#capacity = Math.max(1, Math.min(this.#capacity, this.#entries.size - 1))
        if (await this.#closeOldest()) continue
        if (this.#clock.now() >= deadline) throw error
        await new Promise<void>(resume => this.#clock.setTimer(resume, RETRY_MS))
      }
    }
  }

  async #closeOldest(): Promise<boolean> {
    for (const [position, entry] of this.#entries) {
      if (entry.users > 0) continue
      this.#entries.delete(position)
      await (await entry.file).close()
      this.#wake()
      return true
    }
    return false
  }

  /** Closes every descriptor, those in use when their use ends. Rejects with the first error, after all are closed. */
  async closeAll(): Promise<void> {
    const failures: unknown[] = []
    while (this.#entries.size > 0) {
      try {
        if (!(await this.#closeOldest())) await new Promise<void>(resume => this.#waiting.push(resume))
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Closes everything for good: `use` rejects from now on. */
  close(): Promise<void> {
    this.#closed = true
    this.#wake()
    return this.closeAll()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  const code = systemCode(error instanceof StorageError ? error.cause : error)
  return code === 'EMFILE' || code === 'ENFILE'
}
