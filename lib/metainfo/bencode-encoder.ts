/** Values → bencode (BEP 3), always in the one canonical form. Takes only what we made ourselves: a wrong value is a RangeError. */
import { BencodeValue } from './bencode-value.js'

/**
 * What can be encoded. A string is written as UTF-8; a key stands for its bytes in latin1, as in `BencodeValue.get`; a member that
 * is `undefined` is left out; a decoded value is written as it stood.
 */
export type Encodable =
  | string
  | Uint8Array
  | number
  | bigint
  | BencodeValue
  | readonly Encodable[]
  | ReadonlyMap<string, Encodable | undefined>
  | { readonly [key: string]: Encodable | undefined }

const END = Buffer.from('e')
const LIST = Buffer.from('l')
const DICTIONARY = Buffer.from('d')

/** Throws a RangeError for numbers that are no safe integers, bigints outside int64 and keys with characters above U+00FF. */
export function encode(value: Encodable): Buffer {
  const parts: Uint8Array[] = []
  append(parts, value)
  return Buffer.concat(parts)
}

function append(parts: Uint8Array[], value: Encodable): void {
  if (typeof value === 'string') appendString(parts, Buffer.from(value))
  else if (value instanceof Uint8Array) appendString(parts, value)
  else if (typeof value === 'number' || typeof value === 'bigint') parts.push(Buffer.from(`i${integerDigits(value)}e`))
  else if (value instanceof BencodeValue) parts.push(value.raw)
  else if (isList(value)) appendList(parts, value)
  else appendDictionary(parts, isMap(value) ? [...value] : Object.entries(value))
}

function appendString(parts: Uint8Array[], bytes: Uint8Array): void {
  parts.push(Buffer.from(`${bytes.length}:`), bytes)
}

function appendList(parts: Uint8Array[], items: readonly Encodable[]): void {
  parts.push(LIST)
  for (const item of items) append(parts, item)
  parts.push(END)
}

/** BEP 3: > Keys must be strings and appear in sorted order (sorted as raw strings, not alphanumerics). */
function appendDictionary(parts: Uint8Array[], entries: [string, Encodable | undefined][]): void {
  parts.push(DICTIONARY)
  for (const [key, value] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === undefined) continue
    appendString(parts, keyBytes(key))
    append(parts, value)
  }
  parts.push(END)
}

function keyBytes(key: string): Buffer {
  const bytes = Buffer.from(key, 'latin1')
  if (bytes.toString('latin1') !== key) throw new RangeError(`the key ${JSON.stringify(key)} is not latin1`)
  return bytes
}

function integerDigits(value: number | bigint): string {
  const isExact = typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value)
  if (!isExact) throw new RangeError(`${value} cannot be encoded as an integer`)
  return value === 0 ? '0' : value.toString()
}

function isList(value: Encodable): value is readonly Encodable[] {
  return Array.isArray(value)
}

function isMap(value: Encodable): value is ReadonlyMap<string, Encodable | undefined> {
  return value instanceof Map
}
