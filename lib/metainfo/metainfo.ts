/** What a .torrent says, complete and checked: bytes → `Metainfo`, or a `MetainfoError`. */
import { MetainfoError } from '../errors.js'
import { MAX_COMMENT_BYTES, MAX_PIECES, MAX_PIECE_LENGTH, MAX_TORRENT_BYTES } from '../limits.js'
import { decode, type BencodeValue, type Decoded } from './bencode.js'
import { displayText } from './display-text.js'
import { readFileList, type FileList } from './file-list.js'
import { sanitizeElement, type PathRules } from './file-path.js'
import { checkHybrid, isHybrid } from './hybrid.js'
import { infoHashOf, type InfoHash } from './info-hash.js'
import { refuse } from './refusal.js'
import { safeFiles, type MetainfoFile } from './safe-files.js'
import { readDhtNodes, readTrackers, readWebSeeds } from './torrent-urls.js'

export type { MetainfoFile }

export interface Metainfo {
  readonly infoHash: InfoHash
  /** The raw `info` dictionary as it stood in the file. */
  readonly infoBytes: Buffer
  /** Safe name; of the file or of the folder. */
  readonly name: string
  /** True when `info` has `length` rather than `files`. */
  readonly singleFile: boolean
  /** Bytes of every piece but the last. */
  readonly pieceLength: number
  /** SHA-1 of each piece, 20 bytes apiece, one after the other. */
  readonly pieceHashes: Buffer
  /** Bytes of all files with padding: the length of the torrent's byte stream. */
  readonly length: number
  readonly files: readonly MetainfoFile[]
  /** BEP 27: peers only from its own trackers. */
  readonly private: boolean
  /** Tiers of tracker URLs (BEP 12); `announce` alone is one tier of one. */
  readonly trackers: readonly (readonly string[])[]
  /** Web seeds (BEP 19). */
  readonly webSeeds: readonly string[]
  /** DHT nodes (BEP 5) that it names, `host:port`. */
  readonly dhtNodes: readonly string[]
  readonly comment: string | undefined
  readonly createdBy: string | undefined
  /** Seconds since 1970. */
  readonly creationDate: number | undefined
  /** What was repaired or ignored, a sentence each, fit for a terminal. */
  readonly warnings: readonly string[]
}

/** Bytes of a SHA-1. */
const HASH_LENGTH = 20

/**
 * Reads a .torrent file's bytes; keeps none of them. `rules` default to those of systems other than Windows, `maxBytes` to the limit of a file.
 * Throws `MetainfoError` with ERR_BT_BENCODE, ERR_BT_METAINFO, ERR_BT_METAINFO_TOO_LARGE or ERR_BT_METAINFO_V2_ONLY.
 */
export function parseMetainfo(
  bytes: Uint8Array,
  rules: PathRules = { windows: false },
  maxBytes = MAX_TORRENT_BYTES
): Metainfo {
  const warnings: string[] = []
  const decoded = decodeTorrent(bytes, maxBytes)
  const root = decoded.value
  const info = root.get('info')
  if (info?.kind !== 'dictionary') refuse("'info' is missing or not a dictionary")
  const isV2 = isHybrid(info)
  heedFaults(decoded, info, isV2, bytes.length, warnings)

  const infoHash = infoHashOf(info.raw)
  const rawName = readName(info)
  const name = sanitizeElement(rawName, rules) || infoHash.toString('hex')
  if (rawName !== name) warnings.push(`the torrent's name made safe: ${name}`)
  const list = readFileList(info)
  const pieceLength = readPieceLength(info)
  const pieceHashes = readPieceHashes(info, list.length, pieceLength)
  if (isV2) checkHybrid(info, rawName, pieceLength, list)
  return {
    infoHash,
    infoBytes: Buffer.from(info.raw),
    name,
    singleFile: list.singleFile,
    pieceLength,
    pieceHashes,
    length: list.length,
    files: safeFiles(list, name, rules, warnings),
    private: readPrivate(info, warnings),
    ...readSurroundings(root, list, warnings),
    warnings
  }
}

function decodeTorrent(bytes: Uint8Array, maxBytes: number): Decoded {
  if (bytes.length > maxBytes) {
    throw new MetainfoError(
      'ERR_BT_METAINFO_TOO_LARGE',
      `${bytes.length} bytes are too many for a .torrent; the limit is ${maxBytes}`
    )
  }
  const first = bytes[0]
  if (first === undefined) throw new MetainfoError('ERR_BT_BENCODE', 'not a .torrent file (it is empty)')
  const character = String.fromCharCode(first)
  if (!/[\dild]/.test(character)) {
    const shown = /[!-~]/.test(character) ? `'${character}'` : `byte 0x${first.toString(16).padStart(2, '0')}`
    throw new MetainfoError('ERR_BT_BENCODE', `not a .torrent file (starts with ${shown})`)
  }
  const decoded = decode(bytes, { allowTrailing: true })
  if (decoded.value.kind !== 'dictionary') refuse(`it is a ${decoded.value.kind}, not a dictionary`)
  return decoded
}

/** Bencode that is not canonical is forgiven in v1, where it always was, but never where v2 or the piece hashes are concerned. */
function heedFaults(decoded: Decoded, info: BencodeValue, isV2: boolean, length: number, warnings: string[]): void {
  for (const [fault, offset] of decoded.faults) {
    if (isV2) refuse(`${fault} at byte ${offset}, which v2 forbids`)
    warnings.push(`not canonical bencode: ${fault} at byte ${offset}`)
  }
  if (decoded.faults.has('duplicate key')) {
    let count = 0
    for (const [key] of info.entries() ?? []) if (key.equals(PIECES)) count++
    if (count > 1) refuse(`'pieces' is there ${count} times`)
  }
  if (decoded.end < length) warnings.push(`bytes ignored after the end of the torrent: ${length - decoded.end}`)
}

const PIECES = Buffer.from('pieces')

function readName(info: BencodeValue): string {
  const name = info.get('name.utf-8')?.text ?? info.get('name')?.text
  if (name === undefined) refuse("'name' is missing or not a string")
  if (name !== '' && name.replaceAll('\0', '') === '') refuse("'name' holds nothing but NUL")
  return name
}

function readPieceLength(info: BencodeValue): number {
  const pieceLength = info.get('piece length')?.integer
  if (pieceLength === undefined) refuse("'piece length' is missing or not an integer")
  if (pieceLength < 1 || pieceLength > MAX_PIECE_LENGTH)
    refuse(`'piece length' is ${pieceLength}, not 1 to ${MAX_PIECE_LENGTH}`)
  return Number(pieceLength)
}

function readPieceHashes(info: BencodeValue, length: number, pieceLength: number): Buffer {
  const pieceCount = Math.ceil(length / pieceLength)
  if (pieceCount > MAX_PIECES) refuse(`it has ${pieceCount} pieces; the limit is ${MAX_PIECES}`)
  const hashes = info.get('pieces')?.bytes
  if (!hashes) refuse("'pieces' is missing or not a string")
  if (hashes.length !== pieceCount * HASH_LENGTH) {
    refuse(`'pieces' has ${hashes.length} bytes, but ${pieceCount} pieces need ${pieceCount * HASH_LENGTH}`)
  }
  return Buffer.from(hashes)
}

/** BEP 27: `private=1`. Any other number but 0 errs on the safe side. */
function readPrivate(info: BencodeValue, warnings: string[]): boolean {
  const value = info.get('private')
  const flag = value?.integer
  if (value && flag === undefined) warnings.push("ignored 'private', which is not an integer")
  return flag !== undefined && flag !== 0
}

/** What stands around `info`: all of it optional. */
function readSurroundings(root: BencodeValue, list: FileList, warnings: string[]) {
  const creationDate = root.get('creation date')
  const seconds = creationDate?.safeInteger
  const isDate = seconds !== undefined && seconds >= 0
  if (creationDate && !isDate) warnings.push("ignored 'creation date', which is not a date")
  return {
    trackers: readTrackers(root, warnings),
    webSeeds: readWebSeeds(root, list.files.length > 1, warnings),
    dhtNodes: readDhtNodes(root),
    comment: readText(root, 'comment', warnings),
    createdBy: readText(root, 'created by', warnings),
    creationDate: isDate ? seconds : undefined
  }
}

function readText(root: BencodeValue, key: string, warnings: string[]): string | undefined {
  const value = root.get(`${key}.utf-8`) ?? root.get(key)
  if (!value) return undefined
  if (!value.bytes) warnings.push(`ignored '${key}', which is not a string`)
  return value.bytes && displayText(value.bytes, MAX_COMMENT_BYTES)
}
