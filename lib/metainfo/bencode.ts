/** Bencode (BEP 3): the one door to decoder and encoder, for .torrent files, trackers, peers and the DHT alike. */
import { MetainfoError } from '../errors.js'
import { MAX_BENCODE_DEPTH, MAX_BENCODE_TOKENS } from '../limits.js'
import { scan, type BencodeFault } from './bencode-scanner.js'
import { BencodeValue } from './bencode-value.js'

export { encode, type Encodable } from './bencode-encoder.js'
export type { BencodeKind } from './bencode-tape.js'
export { BencodeValue, type BencodeFault }

export interface DecodeOptions {
  /** Lists and dictionaries inside each other; default `MAX_BENCODE_DEPTH`. */
  readonly maxDepth?: number
  /** Values in all, keys among them; default `MAX_BENCODE_TOKENS`. */
  readonly maxTokens?: number
  /** Refuse unsorted and duplicate keys and leading zeros, which are only reported otherwise; default false. */
  readonly strict?: boolean
  /** Accept bytes after the value; default false. `Decoded.end` says where they begin. */
  readonly allowTrailing?: boolean
}

export interface Decoded {
  readonly value: BencodeValue
  /** The byte after the value. */
  readonly end: number
  /** Each kind of fault that was forgiven, with the byte of its first case. */
  readonly faults: ReadonlyMap<BencodeFault, number>
}

/**
 * Decodes the value at the start of `bytes`. The value keeps views on `bytes`, which must not change while it is used.
 * Throws `MetainfoError` with ERR_BT_BENCODE, its message holding the byte offset.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): Decoded {
  const {
    maxDepth = MAX_BENCODE_DEPTH,
    maxTokens = MAX_BENCODE_TOKENS,
    strict = false,
    allowTrailing = false
  } = options
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { tape, end, faults } = scan(input, { maxDepth, maxTokens, strict })
  if (end < input.length && !allowTrailing) {
    throw new MetainfoError('ERR_BT_BENCODE', `not valid bencode: ${input.length - end} bytes too many at byte ${end}`)
  }
  return { value: new BencodeValue(tape, 0), end, faults }
}
