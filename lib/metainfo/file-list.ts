/** The files that `info` names, as they stand there: `length` (BEP 3), or `files` with attributes (BEP 47). Cleans no name. */
import { MAX_FILE_LENGTH, MAX_PATH_DEPTH } from '../limits.js'
import type { BencodeValue } from './bencode.js'
import { refuse } from './refusal.js'

/** A file as the torrent says it. */
export interface ListedFile {
  /** The path below the torrent's name, not yet safe; empty for a single file and for padding without a path. */
  readonly elements: readonly string[]
  /** Bytes; 0 for a symbolic link. */
  readonly length: number
  readonly kind: 'file' | 'padding' | 'symlink'
}

export interface FileList {
  /** True when `info` has `length` rather than `files`. */
  readonly singleFile: boolean
  readonly files: readonly ListedFile[]
  /** Bytes of all of them. */
  readonly length: number
}

/** Throws `MetainfoError` with ERR_BT_METAINFO. */
export function readFileList(info: BencodeValue): FileList {
  const list = info.get('files')
  const files = list ? readFiles(list) : [{ elements: [], length: readLength(info, "'length'"), kind: 'file' as const }]
  let length = 0
  for (const file of files) {
    length += file.length
    if (length > MAX_FILE_LENGTH) refuse(`the files are longer than ${MAX_FILE_LENGTH} bytes together`)
  }
  if (!files.some(file => file.kind === 'file' && file.length > 0)) refuse('there is not one byte to download')
  return { singleFile: !list, files, length }
}

function readFiles(list: BencodeValue): ListedFile[] {
  const items = list.items()
  if (!items) refuse("'files' is not a list")
  const files: ListedFile[] = []
  for (const item of items) files.push(readFile(item, files.length))
  return files
}

function readFile(item: BencodeValue, index: number): ListedFile {
  if (item.kind !== 'dictionary') refuse(`file ${index} is not a dictionary`)
  const kind = readKind(item, index)
  return {
    elements: readPath(item, kind, index),
    length: kind === 'symlink' ? 0 : readLength(item, `'length' of file ${index}`),
    kind
  }
}

/** BEP 47: `attr` holds a letter each for l(ink), x(ecutable), h(idden) and p(adding). */
function readKind(item: BencodeValue, index: number): ListedFile['kind'] {
  const attributes = item.get('attr')?.bytes
  if (attributes?.includes('p')) return 'padding'
  const target = item.get('symlink path')
  if (!attributes?.includes('l') || !target) return 'file'
  readElements(target, `'symlink path' of file ${index}`)
  return 'symlink'
}

function readPath(item: BencodeValue, kind: ListedFile['kind'], index: number): string[] {
  const path = item.get('path.utf-8') ?? item.get('path')
  if (!path && kind === 'padding') return []
  if (!path) refuse(`file ${index} has no path`)
  return readElements(path, `the path of file ${index}`)
}

function readElements(path: BencodeValue, what: string): string[] {
  const items = path.items()
  if (!items) refuse(`${what} is not a list`)
  const elements: string[] = []
  for (const item of items) {
    if (elements.length >= MAX_PATH_DEPTH) refuse(`${what} has more than ${MAX_PATH_DEPTH} elements`)
    elements.push(item.text ?? refuse(`${what} holds something that is not a string`))
  }
  if (elements.length === 0) refuse(`${what} is empty`)
  return elements
}

function readLength(item: BencodeValue, what: string): number {
  const length = item.get('length')?.integer
  if (length === undefined) refuse(`${what} is missing or not an integer`)
  if (length < 0 || length > MAX_FILE_LENGTH) refuse(`${what} is ${length}, not 0 to ${MAX_FILE_LENGTH}`)
  return Number(length)
}
