/**
 * The encrypted handshake (Message Stream Encryption) as a state machine fed with bytes. Each side is a script that says what it needs
 * next, so that it reads like the specification; however the bytes are cut, it sees them whole. Holds at most what one step takes.
 */
import type { InfoHash } from '../../metainfo/info-hash.js'
import type { Method } from '../../policy/encryption.js'
import { MarkSearch } from './mark-search.js'
import type { Rc4 } from './rc4.js'

/** So many bytes; or what lies behind a mark, as soon as that has come. */
export type Need = { readonly type: 'bytes'; readonly count: number } | { readonly type: 'mark'; readonly mark: Buffer }

/** One side of the handshake. It is given the bytes it asked for, none for a mark. Throws `ProtocolError`. */
export type Script = Generator<Need, Agreement, Buffer>

export interface Agreement {
  readonly infoHash: InfoHash
  readonly method: Method
  readonly encrypt: Rc4
  readonly decrypt: Rc4
  /** Bytes that come next and are encrypted whatever the method. */
  readonly initialLength: number
}

/** The handshake is done; `rest` are the bytes behind it, still as they came. */
export interface Done {
  readonly agreement: Agreement
  readonly rest: Buffer
}

const NOTHING = Buffer.alloc(0)

export class Handshake {
  readonly #script: Script
  #need: Need
  #held: Buffer = NOTHING
  #search: MarkSearch | undefined

  /** Runs the script as far as it goes without a byte from the other side. */
  constructor(script: Script) {
    this.#script = script
    const first = script.next()
    if (first.done === true) throw new TypeError('a handshake needs two')
    this.#need = first.value
  }

  /** Takes what came; undefined when more must come. Not to be called once it is done. Throws `ProtocolError`; it is of no use after that. */
  push(chunk: Buffer): Done | undefined {
    let rest = chunk
    for (;;) {
      const taken = this.#need.type === 'mark' ? this.#seek(this.#need.mark, rest) : this.#take(this.#need.count, rest)
      if (taken === undefined) return undefined
      rest = rest.subarray(taken)
      const given = this.#held
      this.#held = NOTHING
      this.#search = undefined
      const step = this.#script.next(given)
      if (step.done === true) return { agreement: step.value, rest }
      this.#need = step.value
    }
  }

  #seek(mark: Buffer, chunk: Buffer): number | undefined {
    this.#search ??= new MarkSearch(mark)
    return this.#search.push(chunk)
  }

  /** Copies: the chunk's memory is not ours to keep. */
  #take(count: number, chunk: Buffer): number | undefined {
    const missing = count - this.#held.length
    this.#held = Buffer.concat([this.#held, chunk.subarray(0, missing)])
    return this.#held.length === count ? missing : undefined
  }
}

// --- what both scripts are written in

/** The next `count` bytes. */
export function* bytes(count: number): Generator<Need, Buffer, Buffer> {
  return yield { type: 'bytes', count }
}

/** Everything up to the end of this mark, which lies behind padding. */
export function* behind(mark: Buffer): Generator<Need, void, Buffer> {
  yield { type: 'mark', mark }
}
