/** What each URL means, both ways. Paths are numbers and info-hashes: none is ever a path on disk. */
import type { ServedTorrent } from './library.js'

export type Route =
  | { readonly type: 'page' | 'api' | 'events' | 'playlist' }
  | { readonly type: 'file' | 'subtitles' | 'filePlaylist'; readonly infoHash: string; readonly index: number }
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

export function tarPath({ tar }: ServedTorrent): string {
  return encodeName(tar.name)
}

/** A lone surrogate has no UTF-8. */
function encodeName(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\ufffd'))
}
