/** Small valid .torrent files, of which tests change one thing at a time. */
import { encode, type Encodable } from '../../lib/metainfo/bencode.js'

export type Dictionary = Record<string, Encodable | undefined>

/** Single file `temp` of 425 bytes in one piece; `info` and `root` add, replace, or (with undefined) remove keys. */
export function singleFileTorrent(info: Dictionary = {}, root: Dictionary = {}): Buffer {
  return encode({
    info: { name: 'temp', length: 425, 'piece length': 16_384, pieces: Buffer.alloc(20, 1), ...info },
    ...root
  })
}

/** Folder `temp` with files of the given dictionaries; `pieces` fits their lengths, up to a thousand. */
export function folderTorrent(files: readonly Dictionary[], info: Dictionary = {}, root: Dictionary = {}): Buffer {
  const pieceLength = 16_384
  const length = files.reduce((sum, file) => sum + (typeof file['length'] === 'number' ? file['length'] : 0), 0)
  const pieces = info['pieces'] ?? Buffer.alloc(20 * Math.min(Math.ceil(length / pieceLength), 1000), 1)
  return encode({ info: { name: 'temp', files, 'piece length': pieceLength, ...info, pieces }, ...root })
}

/** A file entry of a folder torrent. */
export function file(path: string, length = 1, more: Dictionary = {}): Dictionary {
  return { path: path.split('/'), length, ...more }
}
