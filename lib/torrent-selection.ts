/** Which of a torrent's files are payload, and which of those the user wants to keep. */
import { TorrentError } from './errors.js'
import type { Metainfo, MetainfoFile } from './metainfo/metainfo.js'

/** Positions in `metainfo.files` of the files to keep. */
export function selectFiles(metainfo: Metainfo, only: readonly (number | string)[] | undefined): Set<number> {
  const payload = payloadFiles(metainfo)
  if (only === undefined) return new Set(payload.map(({ position }) => position))
  return new Set(
    only.map(which => {
      const found = typeof which === 'number' ? payload[which] : payload.find(({ file }) => file.path === which)
      if (!found) throw new TorrentError('ERR_BT_NO_FILE', `no file ${JSON.stringify(which)} in this torrent`)
      return found.position
    })
  )
}

/** The files that hold content, each with its position in `metainfo.files`. */
export function payloadFiles({ files }: Metainfo): { file: MetainfoFile; position: number }[] {
  return files.map((file, position) => ({ file, position })).filter(({ file }) => !file.padding)
}
