/** Nodes and ids that outlive the program, in a file of their own: a hint for the next start, never needed. */
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DHT_MAX_SAVED_BYTES, DHT_MAX_SAVED_NODES } from '../../limits.js'
import { decode, encode, type BencodeValue } from '../../metainfo/bencode.js'
import { encodeContacts, familyOf, parseContacts, type Contact, type Family } from './contact.js'
import { asNodeId, type NodeId } from './node-id.js'

export interface SavedNodes {
  readonly ids: ReadonlyMap<Family, NodeId>
  readonly contacts: readonly Contact[]
}

const NOTHING: SavedNodes = { ids: new Map(), contacts: [] }

/** What is in the file; nothing when it is not there, too long or makes no sense. Never rejects. */
export async function readSavedNodes(path: string): Promise<SavedNodes> {
  try {
    const file = await open(path, 'r')
    try {
      const bytes = Buffer.alloc(DHT_MAX_SAVED_BYTES + 1)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
      return bytesRead > DHT_MAX_SAVED_BYTES ? NOTHING : parseSavedNodes(bytes.subarray(0, bytesRead))
    } finally {
      await file.close()
    }
  } catch {
    return NOTHING
  }
}

/** So that two that write the same file at once do not write into each other's. */
let writes = 0

/** Writes beside the file and renames, so that it is whole at any time. Rejects with the system's error. */
export async function writeSavedNodes(path: string, nodes: SavedNodes): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}-${++writes}.tmp`
  try {
    await writeFile(temporary, encodeSavedNodes(nodes), { mode: 0o600 })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

export function parseSavedNodes(bytes: Buffer): SavedNodes {
  const root = decodeQuietly(bytes)
  const ids = new Map<Family, NodeId>()
  const contacts: Contact[] = []
  for (const family of [4, 6] as const) {
    const id = asNodeId(root?.get(`id${family}`)?.bytes)
    if (id) ids.set(family, id)
    const nodes = root?.get(`nodes${family}`)?.bytes
    if (nodes) contacts.push(...(parseContacts(nodes, family, DHT_MAX_SAVED_NODES) ?? []))
  }
  return { ids, contacts }
}

export function encodeSavedNodes({ ids, contacts }: SavedNodes): Buffer {
  const of = (family: Family): Buffer =>
    encodeContacts(contacts.filter(({ address }) => familyOf(address) === family).slice(0, DHT_MAX_SAVED_NODES), family)
  return encode({ id4: ids.get(4), id6: ids.get(6), nodes4: of(4), nodes6: of(6) })
}

function decodeQuietly(bytes: Buffer): BencodeValue | undefined {
  try {
    return decode(bytes).value
  } catch {
    return undefined
  }
}
