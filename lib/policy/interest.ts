/** What is sought of the swarm, and whether a peer has any of it: what is wanted, and what lies ahead of readers. Asks nobody. */
import type { Bitfield } from '../pieces/bitfield.js'
import type { ReadWindow } from '../pieces/read-window.js'
import type { Supplier } from './supplier.js'

export class Interest {
  readonly #have: Bitfield
  readonly #wanted: Bitfield
  readonly #windows: ReadonlySet<ReadWindow>

  /** All three are kept by the owner, and read here. */
  constructor(have: Bitfield, wanted: Bitfield, windows: ReadonlySet<ReadWindow>) {
    this.#have = have
    this.#wanted = wanted
    this.#windows = windows
  }

  /** Wanted, or ahead of a reader, however far. */
  isSought(index: number): boolean {
    if (this.#wanted.has(index)) return true
    for (const window of this.#windows) {
      if (!window.isDone && index >= window.first && index <= window.finalPiece) return true
    }
    return false
  }

  /** The peer has a piece that is sought and not here. */
  isIn({ pieces }: Supplier): boolean {
    for (const window of this.#windows) {
      if (window.isDone) continue
      if (pieces.nextMissingIn(this.#have, window.first, window.finalPiece) !== -1) return true
    }
    if (this.#wanted.count === 0) return false
    let index = pieces.nextMissingIn(this.#have, 0)
    while (index !== -1 && !this.#wanted.has(index)) index = pieces.nextMissingIn(this.#have, index + 1)
    return index !== -1
  }
}
