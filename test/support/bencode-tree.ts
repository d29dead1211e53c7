/** Decoded values as plain trees, to be compared or encoded again. */
import type { BencodeValue, Encodable } from '../../lib/metainfo/bencode.js'

/** Strings become Buffers, dictionaries Maps keyed by latin1. */
export function treeOf(value: BencodeValue): Encodable {
  switch (value.kind) {
    case 'string':
      return value.bytes!
    case 'integer':
      return value.integer!
    case 'list':
      return [...value.items()!].map(treeOf)
    case 'dictionary':
      return new Map([...value.entries()!].map(([key, member]) => [key.toString('latin1'), treeOf(member)]))
  }
}
