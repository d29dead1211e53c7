/**
 * Torrents that also (or only) speak BitTorrent v2 (BEP 52). Reads of the v2 half just what tells whether it names the same files as
 * the v1 half, and refuses the torrent when it does not: never picks one silently.
 */
import { MetainfoError } from '../errors.js'
import { BLOCK_LENGTH } from '../limits.js'
import type { BencodeValue } from './bencode.js'
import type { FileList, ListedFile } from './file-list.js'
import { refuse } from './refusal.js'

/** Whether `info` says anything of v2. Throws ERR_BT_METAINFO_V2_ONLY when it says nothing of v1. */
export function isHybrid(info: BencodeValue): boolean {
  const version = info.get('meta version')
  if (!version) return false
  const number = version.integer
  if (number === undefined || number < 1) refuse("'meta version' is not a positive integer")
  if (number > 2) refuse(`'meta version' is ${number}: it needs a newer client`)
  if (number === 1) return false
  if (!info.get('pieces') && !info.get('files') && !info.get('length')) {
    throw new MetainfoError(
      'ERR_BT_METAINFO_V2_ONLY',
      'a BitTorrent v2 torrent (BEP 52) without a v1 part, which this version does not read'
    )
  }
  return true
}

/** Throws ERR_BT_METAINFO when the v2 half is broken or differs from `list`, the v1 half. `name` is the torrent's name as it stands there. */
export function checkHybrid(info: BencodeValue, name: string, pieceLength: number, list: FileList): void {
  // BEP 52: > piece length … MUST be a power of two and at least 16KiB.
  if (pieceLength < BLOCK_LENGTH || !Number.isInteger(Math.log2(pieceLength))) {
    refuse(`'piece length' is ${pieceLength}, but v2 takes only powers of two from ${BLOCK_LENGTH}`)
  }
  const tree = readTree(info.get('file tree'))
  let offset = 0
  let index = 0
  for (const file of list.files) {
    if (file.kind !== 'padding') {
      if (!isSame(file, tree[index], list.singleFile ? [name] : file.elements))
        refuse(`its v1 and v2 halves differ at file ${index}`)
      if (file.length > 0 && offset % pieceLength !== 0)
        refuse(`file ${index} does not begin with a piece, as v2 files do`)
      index++
    }
    offset += file.length
  }
  if (index !== tree.length) refuse(`its v1 half has ${index} files, its v2 half ${tree.length}`)
}

function isSame(v1: ListedFile, v2: ListedFile | undefined, elements: readonly string[]): boolean {
  return (
    v2?.kind === v1.kind &&
    v2.length === v1.length &&
    v2.elements.length === elements.length &&
    v2.elements.every((element, i) => elements[i] === element)
  )
}

/** Files of the tree in its order. Its depth is bounded by the decoder. */
function readTree(root: BencodeValue | undefined): ListedFile[] {
  if (root?.kind !== 'dictionary') refuse("'file tree' is missing or not a dictionary")
  const files: ListedFile[] = []
  const walks = [{ path: [] as string[], entries: root.entries() }]
  for (let walk = walks.at(-1); walk; walk = walks.at(-1)) {
    const step = walk.entries?.next()
    if (!step || step.done) {
      walks.pop()
      continue
    }
    const [name, node] = step.value
    if (name.length === 0) refuse("'file tree' holds an empty name")
    if (node.kind !== 'dictionary') refuse("'file tree' holds something that is not a dictionary")
    const path = [...walk.path, name.toString('utf8')]
    const leaf = node.get('')
    if (!leaf) walks.push({ path, entries: node.entries() })
    else if (hasSiblings(node)) refuse("'file tree' holds a file that is also a folder")
    else files.push(readLeaf(leaf, path))
  }
  return files
}

function hasSiblings(node: BencodeValue): boolean {
  const entries = node.entries()
  entries?.next()
  return entries?.next().done === false
}

function readLeaf(leaf: BencodeValue, elements: string[]): ListedFile {
  const attributes = leaf.get('attr')?.bytes
  if (attributes?.includes('p')) refuse("'file tree' holds a padding file")
  if (attributes?.includes('l') && leaf.get('symlink path')) return { elements, length: 0, kind: 'symlink' }
  const length = leaf.get('length')?.safeInteger
  if (length === undefined || length < 0) refuse("'file tree' holds a file without a length")
  const root = leaf.get('pieces root')?.bytes
  if (length > 0 && (root?.length !== 32 || root.every(byte => byte === 0)))
    refuse("'file tree' holds a file without a pieces root")
  return { elements, length, kind: 'file' }
}
