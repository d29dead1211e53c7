/** A slip that is easily made: the folder of the torrent is named where the one that holds it is to be. Looks at names, not at the disk. */
import { basename, join, resolve } from 'node:path'
import type { Metainfo } from '../lib/index.js'

/** What to say when nothing of the torrent was found in `dir`; empty when that folder has another name. */
export function ownFolderHint(dir: string, { name, singleFile }: Metainfo): string {
  if (singleFile || basename(resolve(dir)) !== name) return ''
  return `; name the folder that holds ${name}: --dir ${join(dir, '..')}`
}
