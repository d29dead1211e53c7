/** Names in the DHT (BEP 5): 160 bits, as far from each other as their exclusive or is large. Which name fits an address is of BEP 42. */
import { addressScope } from '../../policy/address-rules.js'
import { crc32c } from '../../policy/peer-priority.js'
import { addressBytes } from '../../wire/compact-peers.js'

declare const nodeIdBrand: unique symbol

/** 20 bytes: of a node, or of what is looked for. */
export type NodeId = Buffer & { readonly [nodeIdBrand]: true }

export const NODE_ID_LENGTH = 20

/** A copy, or undefined when these are not 20 bytes. */
export function asNodeId(bytes: Uint8Array | undefined): NodeId | undefined {
  return bytes?.length === NODE_ID_LENGTH ? (Buffer.from(bytes) as NodeId) : undefined
}

/** Below 0 when `a` is nearer to `target` than `b`. */
export function compareDistance(target: NodeId, a: NodeId, b: NodeId): number {
  for (let i = 0; i < NODE_ID_LENGTH; i++) {
    const goal = target[i] ?? 0
    const difference = ((a[i] ?? 0) ^ goal) - ((b[i] ?? 0) ^ goal)
    if (difference !== 0) return difference
  }
  return 0
}

/** Bits from the first on that both have: 160 for equal ones. */
export function sharedBits(a: NodeId, b: NodeId): number {
  for (let i = 0; i < NODE_ID_LENGTH; i++) {
    const difference = (a[i] ?? 0) ^ (b[i] ?? 0)
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24
  }
  return NODE_ID_LENGTH * 8
}

/** An id that shares exactly `bits` bits with `id`. `random`: 20 bytes. */
export function idWithSharedBits(id: NodeId, bits: number, random: Uint8Array): NodeId {
  const result = Buffer.from(random) as NodeId
  for (let bit = 0; bit <= bits && bit < NODE_ID_LENGTH * 8; bit++) {
    const [at, mask] = [bit >> 3, 0x80 >> (bit & 7)]
    const isSet = ((id[at] ?? 0) & mask) !== 0
    result[at] = isSet === bit < bits ? (result[at] ?? 0) | mask : (result[at] ?? 0) & ~mask
  }
  return result
}

const MASK4 = [0x03, 0x0f, 0x3f, 0xff]
const MASK6 = [0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff]

/** BEP 42: the id of a node at this address. `random`: 20 bytes. */
export function nodeIdFor(host: string, random: Uint8Array): NodeId {
  const id = Buffer.from(random) as NodeId
  const crc = crcOf(host, random[NODE_ID_LENGTH - 1] ?? 0)
  id.writeUInt16BE(crc >>> 16, 0)
  id[2] = ((crc >>> 8) & 0xf8) | ((random[2] ?? 0) & 0x07)
  return id
}

/** BEP 42: true for an id that fits the address, and for addresses that are not of the internet. */
export function isIdOfHost(id: NodeId, host: string): boolean {
  if (addressScope(host) !== 'global') return true
  const crc = crcOf(host, id[NODE_ID_LENGTH - 1] ?? 0)
  return id.readUInt16BE(0) === crc >>> 16 && (id[2] ?? 0) >> 3 === ((crc >>> 11) & 0x1f)
}

/** BEP 42: > crc32c((ip & 0x030f3fff) | (r << 29)) and for IPv6, of its high 64 bits, > crc32c((ip & 0x0103070f1f3f7fff) | (r << 61)) */
function crcOf(host: string, random: number): number {
  const address = addressBytes(host)
  const mask = address.length === 4 ? MASK4 : MASK6
  const masked = Buffer.from(mask.map((bits, i) => (address[i] ?? 0) & bits))
  masked[0] = (masked[0] ?? 0) | ((random & 0x07) << 5)
  return crc32c(masked)
}
