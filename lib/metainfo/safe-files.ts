/** The listed files with safe, distinct paths and their places in the byte stream. */
import type { FileList, ListedFile } from './file-list.js'
import { sanitizePath, type PathRules } from './file-path.js'
import { uniquePaths } from './unique-names.js'

/** A file of the torrent, in the order of the torrent. */
export interface MetainfoFile {
  /** Safe relative path with `/` between elements, the torrent's name first when it has many files. Ready to be joined to a folder. */
  readonly path: string
  /** Bytes. */
  readonly length: number
  /** First byte of the file in the torrent's byte stream. */
  readonly offset: number
  /**
   * BEP 47 padding: zeros that are hashed but never written, listed or delivered. True also of a symbolic link (BEP 47), which has no
   * bytes and is not made.
   */
  readonly padding: boolean
}

/** `name` is the safe name of the torrent. Warns of names that were changed and of links that will not be made. */
export function safeFiles(list: FileList, name: string, rules: PathRules, warnings: string[]): MetainfoFile[] {
  const paths = list.files.map(file => sanitizePath(file.elements, rules))
  const written = list.files.flatMap((file, i) => (file.kind === 'file' ? [i] : []))
  const unique = uniquePaths(written.map(i => paths[i] ?? ''))
  for (const [i, path] of unique.entries()) paths[written[i] ?? 0] = path

  let offset = 0
  const files: MetainfoFile[] = []
  for (const [i, file] of list.files.entries()) {
    const path = fullPath(file, name, paths[i] ?? '')
    files.push({ path, length: file.length, offset, padding: file.kind !== 'file' })
    offset += file.length
  }
  warn(list, files, name, warnings)
  return files
}

function fullPath(file: ListedFile, name: string, path: string): string {
  if (path !== '') return `${name}/${path}`
  return file.kind === 'padding' ? `.pad/${file.length}` : name
}

function warn(list: FileList, files: readonly MetainfoFile[], name: string, warnings: string[]): void {
  const changed = files.filter((file, i) => {
    const said = list.files[i]
    return said?.kind === 'file' && file.path !== fullPath(said, name, said.elements.join('/'))
  })
  const [first] = changed
  if (first) warnings.push(`file names made safe or distinct: ${changed.length}, the first: ${first.path}`)
  const links = list.files.filter(file => file.kind === 'symlink').length
  if (links > 0) warnings.push(`symbolic links left out: ${links}`)
}
