/**
 * What a peer says of itself once the handshake is done (BEP 10): the ids by which it wants each extension called, its name, its
 * port, how many requests it queues, how it sees us. Every part is optional, and a part that makes no sense counts as left out.
 */
import { MAX_CLIENT_NAME_BYTES, MAX_METADATA_BYTES, MAX_REQUESTS_QUEUED } from '../limits.js'
import { encode, type BencodeValue } from '../metainfo/bencode.js'
import { displayText } from '../metainfo/display-text.js'
import { addressFromBytes } from './compact-peers.js'
import { decodeDictionary } from './peer-bencode.js'
import { isPort } from './peer-address.js'

/** The extensions that are spoken here, by their names in `m`. */
export type ExtensionName = 'ut_metadata' | 'ut_pex' | 'lt_donthave'

/** The ids by which we want ours to be called. */
export const OUR_EXTENSION_IDS: Readonly<Record<ExtensionName, number>> = { ut_metadata: 1, ut_pex: 2, lt_donthave: 3 }

/** The id of the handshake itself. */
export const EXTENSION_HANDSHAKE_ID = 0

export interface ExtensionHandshake {
  /** Ids from 1 to 255; 0 switches an extension off again. */
  readonly ids: Readonly<Partial<Record<ExtensionName, number>>>
  /** `v`, fit to be shown. */
  readonly client?: string | undefined
  /** `p`: where the sender takes connections. */
  readonly port?: number | undefined
  /** `reqq`: requests that the sender queues, from 1 up. */
  readonly maxRequests?: number | undefined
  /** `yourip`: how the sender sees the receiver. A hint that nobody has to believe. */
  readonly yourHost?: string | undefined
  /** `upload_only` (BEP 21): the sender wants nothing. */
  readonly uploadOnly?: boolean | undefined
  /** `metadata_size` (BEP 9), bytes, from 1 to `MAX_METADATA_BYTES`. */
  readonly metadataSize?: number | undefined
}

/** Throws `ProtocolError` when it is no dictionary. */
export function parseExtensionHandshake(payload: Uint8Array): ExtensionHandshake {
  const { value } = decodeDictionary(payload, 'an extension handshake')
  const { bytes: name } = value.get('v') ?? {}
  const { bytes: yourIp } = value.get('yourip') ?? {}
  const uploadOnly = value.get('upload_only')?.safeInteger
  const reqq = within(value.get('reqq'), 1, Number.MAX_SAFE_INTEGER)
  return {
    ids: idsIn(value.get('m')),
    client: (name && displayText(name, MAX_CLIENT_NAME_BYTES)) || undefined,
    port: within(value.get('p'), 1, 65_535),
    maxRequests: reqq === undefined ? undefined : Math.min(reqq, MAX_REQUESTS_QUEUED),
    yourHost: yourIp && addressFromBytes(yourIp),
    uploadOnly: uploadOnly === undefined ? undefined : uploadOnly !== 0,
    metadataSize: within(value.get('metadata_size'), 1, MAX_METADATA_BYTES)
  }
}

/** `yourIp`: 4 or 16 bytes of the receiver's address. */
export function encodeExtensionHandshake(said: ExtensionHandshake, yourIp?: Uint8Array): Buffer {
  return encode({
    m: { lt_donthave: said.ids.lt_donthave, ut_metadata: said.ids.ut_metadata, ut_pex: said.ids.ut_pex },
    metadata_size: said.metadataSize,
    p: said.port !== undefined && isPort(said.port) ? said.port : undefined,
    reqq: said.maxRequests,
    upload_only: said.uploadOnly === undefined ? undefined : Number(said.uploadOnly),
    v: said.client,
    yourip: yourIp
  })
}

/** What is known of a peer after another handshake: BEP 10: > the m dictionary is additive. */
export function mergeHandshakes(before: ExtensionHandshake, now: ExtensionHandshake): ExtensionHandshake {
  const said = Object.entries(now).filter(([, value]) => value !== undefined)
  return { ...before, ...Object.fromEntries(said), ids: { ...before.ids, ...now.ids } }
}

function idsIn(m: BencodeValue | undefined): ExtensionHandshake['ids'] {
  const ids: Partial<Record<ExtensionName, number>> = {}
  for (const name of ['ut_metadata', 'ut_pex', 'lt_donthave'] as const) {
    const id = within(m?.get(name), 0, 255)
    if (id !== undefined) ids[name] = id
  }
  return ids
}

function within(value: BencodeValue | undefined, least: number, most: number): number | undefined {
  const integer = value?.safeInteger
  return integer !== undefined && integer >= least && integer <= most ? integer : undefined
}
