/**
 * Notices when somebody else changes a file that we write: before each change of ours it must look as it did after the one before. It says that a file
 * was touched, not what is wrong with it: whoever asks hashes it. Two changes within one tick of the file system's clock that leave the length as it
 * was look like one.
 */
import type { FileStat, OpenFile } from './file-system.js'
import type { StoredFile } from './file-table.js'
import type { FileMark } from './resume-record.js'

type Watched = Pick<StoredFile, 'position' | 'size' | 'mtimeMs'>

export class FileWatch {
  /** How each file looked last; one that nobody looked at since the survey is as the table has it. */
  readonly #seen = new Map<number, FileMark>()
  readonly #disturbed = new Set<number>()
  /** Changes of one file go one after the other, as the system would have it anyway: else ours could not be told from others'. */
  readonly #turns = new Map<number, Promise<void>>()

  /** We have just made it. */
  begin({ position }: Watched, { size, mtimeMs }: FileMark): void {
    this.#seen.set(position, { size, mtimeMs })
  }

  /** Does something to the file that changes it, and notes what it looks like then. */
  async change(file: Watched, opened: OpenFile, action: () => Promise<void>): Promise<void> {
    await this.#inTurn(file.position, async () => {
      this.compare(file, await opened.stat())
      try {
        await action()
      } finally {
        this.begin(file, await opened.stat())
      }
    })
  }

  /** How the file looks now, between two changes of ours. */
  look(file: Watched, opened: OpenFile): Promise<FileStat> {
    return this.#inTurn(file.position, async () => {
      const stat = await opened.stat()
      this.compare(file, stat)
      return stat
    })
  }

  /** Takes what the file looks like now as what it has to look like. */
  compare(file: Watched, { size, mtimeMs }: FileMark): void {
    const seen = this.#seen.get(file.position) ?? file
    if (seen.size !== size || seen.mtimeMs !== mtimeMs) this.#disturbed.add(file.position)
    this.#seen.set(file.position, { size, mtimeMs })
  }

  /** The files that were touched since this was last asked. */
  takeDisturbed(): number[] {
    const found = [...this.#disturbed]
    this.#disturbed.clear()
    return found
  }

  async #inTurn<T>(position: number, step: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(position) ?? Promise.resolve()
    const result = before.then(step)
    const turn = result.then(
      () => undefined,
      () => undefined
    )
    this.#turns.set(position, turn)
    void turn.then(() => {
      if (this.#turns.get(position) === turn) this.#turns.delete(position)
    })
    return await result
  }
}
