/**
 * Finds a mark whose place in a stream is unknown: behind padding of any length up to a bound, and perhaps cut by chunks. Knows nothing
 * of what it marks.
 */
import StreamSearch from 'streamsearch'
import { ProtocolError } from '../../errors.js'
import { MAX_ENCRYPTION_PAD } from '../../limits.js'

export class MarkSearch {
  readonly #search: StreamSearch
  /** Bytes in which the mark must end that have not come yet. */
  #left: number
  #isFound = false

  constructor(mark: Buffer) {
    this.#left = MAX_ENCRYPTION_PAD + mark.length
    // What it says of the bytes before a match is not to be relied upon, and of no interest here.
    this.#search = new StreamSearch(mark, isMatch => {
      this.#isFound ||= isMatch
    })
    this.#search.maxMatches = 1
  }

  /** Where in `chunk` the bytes behind the mark begin; undefined when it has not come yet. Throws `ProtocolError` when it is too late. */
  push(chunk: Buffer): number | undefined {
    const part = chunk.subarray(0, this.#left)
    const end = this.#search.push(part)
    if (this.#isFound) return end
    this.#left -= part.length
    if (this.#left === 0) throw new ProtocolError('ERR_BT_HANDSHAKE', 'the encrypted handshake does not go on')
    return undefined
  }
}
