/** Announcements of local service discovery (BEP 14), in the manner of HTTP heads. Pure. */
import { LSD_MAX_DATAGRAM, LSD_MAX_HASHES } from '../limits.js'
import { asInfoHash, type InfoHash } from '../metainfo/info-hash.js'
import { isPort } from '../wire/peer-address.js'

export interface LsdMessage {
  /** Where the sender takes connections. */
  readonly port: number
  readonly infoHashes: readonly InfoHash[]
  /** By which a sender knows its own; empty when there is none. */
  readonly cookie: string
}

const FIRST_LINE = 'BT-SEARCH * HTTP/1.1'
const MAX_COOKIE_LENGTH = 64

/** `group`: the address and port that it is sent to. */
export function encodeLsdMessage({ port, infoHashes, cookie }: LsdMessage, group: string): Buffer {
  const hashes = infoHashes.map(infoHash => `Infohash: ${infoHash.toString('hex')}\r\n`).join('')
  return Buffer.from(
    `${FIRST_LINE}\r\nHost: ${group}\r\nPort: ${port}\r\n${hashes}cookie: ${cookie}\r\n\r\n\r\n`,
    'latin1'
  )
}

/** Undefined for what is none. */
export function parseLsdMessage(datagram: Buffer): LsdMessage | undefined {
  if (datagram.length > LSD_MAX_DATAGRAM) return undefined
  const [first, ...lines] = datagram.toString('latin1').split(/\r\n|\n/)
  if (first?.trim().toUpperCase() !== FIRST_LINE) return undefined
  let port: number | undefined
  let cookie = ''
  const infoHashes: InfoHash[] = []
  for (const line of lines) {
    const at = line.indexOf(':')
    const value = line.slice(at + 1).trim()
    const key = at < 0 ? '' : line.slice(0, at).trim().toLowerCase()
    if (key === 'port' && /^\d{1,5}$/.test(value)) port = Number(value)
    else if (key === 'cookie') cookie = value.slice(0, MAX_COOKIE_LENGTH)
    else if (key === 'infohash' && /^[\da-f]{40}$/i.test(value) && infoHashes.length < LSD_MAX_HASHES)
      infoHashes.push(asInfoHash(Buffer.from(value, 'hex')))
  }
  return port !== undefined && isPort(port) && infoHashes.length > 0 ? { port, infoHashes, cookie } : undefined
}
