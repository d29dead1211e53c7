/** Which of a torrent's files are payload, and which of those the user wants to keep. */
import { TorrentError } from './errors.js'
import type { Metainfo, MetainfoFile } from './metainfo/metainfo.js'

/** Files by index or path, or what chooses them. */
type Selection = readonly (number | string)[]
type Selector = Selection | ((metainfo: Metainfo) => Selection | undefined) | undefined

/** Positions in `metainfo.files` of the files to keep. Throws `ERR_BT_NO_FILE`. */
export function selectFiles(metainfo: Metainfo, wanted: Selector): Set<number> {
  const payload = payloadFiles(metainfo)
  const only = typeof wanted === 'function' ? wanted(metainfo) : wanted
  if (only === undefined) return new Set(payload.map(({ position }) => position))
  return new Set(
    only.map(which => {
      const found = typeof which === 'number' ? payload[which] : payload.find(({ file }) => file.path === which)
      if (!found) throw new TorrentError('ERR_BT_NO_FILE', `no file ${JSON.stringify(which)} in this torrent`)
      return found.position
    })
  )
}

/** What a magnet link names by position in the torrent's list (BEP 53), as indexes among the files that hold content; undefined for none. */
export function selectionOf(metainfo: Metainfo, positions: readonly number[] | undefined): number[] | undefined {
  const wanted = new Set(positions)
  const indexes = payloadFiles(metainfo).flatMap(({ position }, index) => (wanted.has(position) ? [index] : []))
  return indexes.length > 0 ? indexes : undefined
}

/** The files that hold content, each with its position in `metainfo.files`. */
export function payloadFiles({ files }: Metainfo): { file: MetainfoFile; position: number }[] {
  return files.map((file, position) => ({ file, position })).filter(({ file }) => !file.padding)
}
