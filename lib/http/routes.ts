/** What each URL means, both ways. Paths are numbers and info-hashes: none is ever a path on disk. */
import type { ServedTorrent } from './library.js'

export type Route =
  | { readonly type: 'page' | 'api' | 'events' | 'playlist' }
  | { readonly type: 'file' | 'subtitles' | 'filePlaylist'; readonly infoHash: string; readonly index: number }
  | { readonly type: 'archive'; readonly infoHash: string }
  | { readonly type: 'other'; readonly path: string }

/** `target`: a request's, without the secret. What it says after `?` has no meaning. */
export function routeOf(target: string): Route {
  const path = target.replace(/[?#].*$/s, '')
  switch (path) {
    case '/':
      return { type: 'page' }
    case '/api':
      return { type: 'api' }
    case '/events':
      return { type: 'events' }
    case '/playlist.m3u':
      return { type: 'playlist' }
  }
  const [, archived] = /^\/([0-9a-f]{40})\/[^/]*\.tar$/.exec(path) ?? []
  if (archived !== undefined) return { type: 'archive', infoHash: archived }
  const [, infoHash, digits, ending] = /^\/([0-9a-f]{40})\/(\d{1,7})(\.vtt|\.m3u|\/[^/]*)?$/.exec(path) ?? []
  if (infoHash === undefined || digits === undefined) return { type: 'other', path }
  const type = ending === '.vtt' ? 'subtitles' : ending === '.m3u' ? 'filePlaylist' : 'file'
  return { type, infoHash, index: Number(digits) }
}

/** The path within an absolute URL, which a proxy sends; other targets as they are (RFC 9112, section 3.2). */
export function originForm(target: string): { readonly path: string; readonly host: string | undefined } {
  const [, host, path] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(target) ?? []
  if (host === undefined || path === undefined) return { path: target, host: undefined }
  return { path: path.startsWith('/') ? path : `/${path}`, host }
}

// Relative to the page.

/** The name is for people and players: it is not looked at. */
export function filePath({ infoHash, files }: ServedTorrent, index: number): string {
  return `${infoHash}/${index}/${encodeName(files[index]?.name ?? '')}`
}

export function subtitlesPath({ infoHash }: ServedTorrent, index: number): string {
  return `${infoHash}/${index}.vtt`
}

export function filePlaylistPath({ infoHash }: ServedTorrent, index: number): string {
  return `${infoHash}/${index}.m3u`
}

/** Several torrents may have one name. */
export function tarPath({ infoHash, tar }: ServedTorrent): string {
  return `${infoHash}/${encodeName(tar.name)}`
}

/** Whether a path, in whatever way it is encoded, is the archive's name alone: what people write. */
export function isTarName({ tar }: ServedTorrent, path: string): boolean {
  try {
    return decodeURIComponent(path) === `/${wellFormed(tar.name)}`
  } catch {
    return false
  }
}

function encodeName(name: string): string {
  return encodeURIComponent(wellFormed(name))
}

/** A lone surrogate has no UTF-8. */
function wellFormed(name: string): string {
  return name.replace(/\p{Surrogate}/gu, '\ufffd')
}
