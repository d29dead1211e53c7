/** Which files of a torrent the user means by a path or an index. */
import { TorrentError, type Metainfo } from '../lib/index.js'
import { UsageError } from './exit-code.js'
import type { FileFacts } from './messages/events.js'

/** One of several files has to be named, and none was. */
export class UnchosenFileError extends UsageError {
  readonly files: readonly FileFacts[]

  constructor(files: readonly FileFacts[]) {
    super(
      `this torrent has ${files.length} files: choose one with --file, by its number or path, or have all with --tar`
    )
    this.files = files
  }
}

/** The torrent's files without padding, as `torrent.files` has them. */
export function filesOf({ files }: Metainfo): FileFacts[] {
  return files.filter(file => !file.padding).map(({ path, length }, index) => ({ index, path, length }))
}

/**
 * The one that `names` names, or the only one there is, or that the magnet link names (BEP 53, by `linked` indexes). Throws `UsageError`,
 * or `TorrentError` ERR_BT_NO_FILE.
 */
export function chooseOne(
  files: readonly FileFacts[],
  names: readonly string[] = [],
  linked?: readonly number[]
): FileFacts {
  const [name, more] = names
  if (more !== undefined) throw new UsageError('only one file fits into one stream: say --file once')
  if (name !== undefined) return findFile(files, name)
  const [only, other] = linkedOf(files, linked)
  if (!only || other) throw new UnchosenFileError(files)
  return only
}

/** Those that the magnet link names, or all. */
export function linkedOf(files: readonly FileFacts[], linked: readonly number[] | undefined): readonly FileFacts[] {
  return linked ? files.filter(({ index }) => linked.includes(index)) : files
}

/** `names` as the library takes them: indexes, paths, and patterns, which it understands itself. */
export function chooseMany(files: readonly FileFacts[], names: readonly string[]): (number | string)[] {
  return names.map(name => (/^\d{1,9}$/.test(name) && !files.some(({ path }) => path === name) ? Number(name) : name))
}

/** A path counts before a number: a file may be named `7`. Last of all a path is one below the torrent's own folder. */
function findFile(files: readonly FileFacts[], name: string): FileFacts {
  const numbered = /^\d{1,9}$/.test(name) ? files[Number(name)] : undefined
  const file =
    files.find(({ path }) => path === name) ??
    numbered ??
    files.find(({ path }) => path.slice(path.indexOf('/') + 1) === name)
  if (!file) throw new TorrentError('ERR_BT_NO_FILE', `no file ${JSON.stringify(name)} in this torrent`)
  return file
}
