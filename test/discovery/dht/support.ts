/** Ids and nodes for specs of the DHT's parts. */
import type { Contact } from '../../../lib/discovery/dht/contact.js'
import { asNodeId, nodeIdFor, type NodeId } from '../../../lib/discovery/dht/node-id.js'

/** An id that begins with these bytes in hexadecimal and ends in zeros. */
export function idOf(hex: string): NodeId {
  return asNodeId(Buffer.from(hex.padEnd(40, '0'), 'hex'))!
}

/** A node at this host. `hex`: how its id begins. */
export function nodeAt(host: string, hex: string, port = 6881): Contact {
  return { id: idOf(hex), address: { host, port } }
}

/** A node whose id fits its address (BEP 42). `seed`: ids of one host differ by it. */
export function rightNodeAt(host: string, seed = 0, port = 6881): Contact {
  return { id: nodeIdFor(host, Buffer.alloc(20, seed)), address: { host, port } }
}

export function hostsOf(contacts: readonly Contact[]): string[] {
  return contacts.map(({ address }) => address.host)
}
