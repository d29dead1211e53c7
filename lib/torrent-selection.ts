/** Which of a torrent's files are payload, and which of those the user wants to keep. */
import { TorrentError } from './errors.js'
import { isGlob, matchesGlob } from './metainfo/glob.js'
import type { Metainfo, MetainfoFile } from './metainfo/metainfo.js'

/** Files by index, path or pattern, or what chooses them. */
type Selection = readonly (number | string)[]
type Selector = Selection | ((metainfo: Metainfo) => Selection | undefined) | undefined

/**
 * Positions in `metainfo.files` of the files to keep. A text is a path if there is such a file, with or without the torrent's own folder; else a
 * pattern, compared with both. Throws `ERR_BT_NO_FILE` when one finds nothing.
 */
export function selectFiles(metainfo: Metainfo, wanted: Selector): Set<number> {
  const payload = payloadFiles(metainfo)
  const only = typeof wanted === 'function' ? wanted(metainfo) : wanted
  if (only === undefined) return new Set(payload.map(({ position }) => position))
  return new Set(
    only.flatMap(which => {
      const found = typeof which === 'number' ? payload.slice(which, which + 1) : filesNamed(which, payload)
      if (found.length === 0)
        throw new TorrentError('ERR_BT_NO_FILE', `no file ${JSON.stringify(which)} in this torrent`)
      return found.map(({ position }) => position)
    })
  )
}

interface PayloadFile {
  readonly file: MetainfoFile
  readonly position: number
}

function filesNamed(name: string, payload: readonly PayloadFile[]): readonly PayloadFile[] {
  const named = payload.filter(({ file }) => file.path === name)
  if (named.length > 0) return named
  const below = payload.filter(({ file }) => pathBelow(file) === name)
  if (below.length > 0 || !isGlob(name)) return below
  return payload.filter(({ file }) => matchesGlob(name, file.path) || matchesGlob(name, pathBelow(file)))
}

/** Its path without the torrent's own folder. */
function pathBelow({ path }: MetainfoFile): string {
  return path.slice(path.indexOf('/') + 1)
}

/** What a magnet link names by position in the torrent's list (BEP 53), as indexes among the files that hold content; undefined for none. */
export function selectionOf(metainfo: Metainfo, positions: readonly number[] | undefined): number[] | undefined {
  const wanted = new Set(positions)
  const indexes = payloadFiles(metainfo).flatMap(({ position }, index) => (wanted.has(position) ? [index] : []))
  return indexes.length > 0 ? indexes : undefined
}

/** The files that hold content, each with its position in `metainfo.files`. */
export function payloadFiles({ files }: Metainfo): PayloadFile[] {
  return files.map((file, position) => ({ file, position })).filter(({ file }) => !file.padding)
}
