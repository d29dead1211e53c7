/** How many nodes and peers fit into an answer of so many bytes: their lengths as they are encoded. Knows nothing of who asks. */
import { familyOf, type Contact, type Family } from './contact.js'

/** A node in `nodes` or `nodes6`, and the longest that the key and the length before them are. */
const NODE_BYTES = { 4: 26, 6: 38 } as const
const NODES_BYTES = { 4: '5:nodes'.length + '999:'.length, 6: '6:nodes6'.length + '999:'.length } as const
/** A peer in `values`, and the key and the ends of the list. */
const PEER_BYTES = { 4: '6:'.length + 6, 6: '18:'.length + 18 } as const
const PEERS_BYTES = '6:valuesle'.length

/** The first of these that fit, and the room that is left. */
export function fitContacts(contacts: readonly Contact[], room: number): { contacts: Contact[]; left: number } {
  const fitting: Contact[] = []
  const begun = new Set<Family>()
  let left = room
  for (const contact of contacts) {
    const family = familyOf(contact.address)
    const bytes = NODE_BYTES[family] + (begun.has(family) ? 0 : NODES_BYTES[family])
    if (bytes > left) break
    begun.add(family)
    fitting.push(contact)
    left -= bytes
  }
  return { contacts: fitting, left }
}

/** Bytes of so many peers. */
export function bytesOfPeers(count: number, family: Family): number {
  return count === 0 ? 0 : PEERS_BYTES + count * PEER_BYTES[family]
}

/** Peers that fit. */
export function peersThatFit(room: number, family: Family): number {
  return Math.max(0, Math.floor((room - PEERS_BYTES) / PEER_BYTES[family]))
}
