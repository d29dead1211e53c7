/** Nodes as the DHT tells of them: id and address, 26 bytes each (BEP 5), or 38 (BEP 32). */
import { isDialable } from '../../policy/address-rules.js'
import {
  encodeCompactPeers4,
  encodeCompactPeers6,
  parseCompactPeers4,
  parseCompactPeers6
} from '../../wire/compact-peers.js'
import type { PeerAddress } from '../../wire/peer-address.js'
import { asNodeId, NODE_ID_LENGTH, type NodeId } from './node-id.js'

export interface Contact {
  readonly id: NodeId
  readonly address: PeerAddress
}

export type Family = 4 | 6

export function familyOf({ host }: PeerAddress): Family {
  return host.includes(':') ? 6 : 4
}

const ADDRESS_LENGTH = { 4: 6, 6: 18 } as const

/** Those that can be reached; undefined when the length fits no number of them. */
export function parseContacts(bytes: Uint8Array, family: Family, limit: number): Contact[] | undefined {
  const size = NODE_ID_LENGTH + ADDRESS_LENGTH[family]
  if (bytes.length % size !== 0) return undefined
  const parse = family === 4 ? parseCompactPeers4 : parseCompactPeers6
  const contacts: Contact[] = []
  for (let at = 0; at < bytes.length && contacts.length < limit; at += size) {
    const id = asNodeId(bytes.subarray(at, at + NODE_ID_LENGTH))
    const [address] = parse(bytes.subarray(at + NODE_ID_LENGTH, at + size))
    // An IPv4 address that is mapped into IPv6 is of the other family.
    if (id && address && familyOf(address) === family && isDialable(address.host)) contacts.push({ id, address })
  }
  return contacts
}

/** `contacts` are all of this family. */
export function encodeContacts(contacts: readonly Contact[], family: Family): Buffer {
  const encode = family === 4 ? encodeCompactPeers4 : encodeCompactPeers6
  return Buffer.concat(contacts.flatMap(({ id, address }) => [id, encode([address])]))
}
