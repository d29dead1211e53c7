/** The page of what is served: a list of files, with players for those that browsers play. No script, nothing from outside. */
import { contentTypeOf } from './content-type.js'
import type { ServedTorrent } from './library.js'

const STYLE = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.25rem;overflow-wrap:anywhere}
ul{list-style:none;padding:0}
li{padding:.75rem 0;border-top:1px solid #8886;overflow-wrap:anywhere}
video,audio{display:block;width:100%;margin-top:.5rem}
small{opacity:.75}`

export function indexPage(
  torrents: readonly ServedTorrent[],
  filePath: (infoHash: string, index: number, name: string) => string,
  tarPath: (torrent: ServedTorrent) => string
): string {
  const sections = torrents.map(torrent => {
    const files = torrent.files.map(({ path, name, length }, index) =>
      fileItem(filePath(torrent.infoHash, index, name), path, name, length)
    )
    return `<section><h1>${escape(torrent.name)}</h1><ul>${files.join('')}</ul>
<p><a href="${escape(tarPath(torrent))}" download>All files as one archive</a> <small>${size(torrent.tar.length)}</small></p></section>`
  })
  const title = escape(torrents[0]?.name ?? 'bt-stream')
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${STYLE}</style>
<main>${sections.join('')}<p><a href="playlist.m3u">Playlist</a></p></main></html>
`
}

function fileItem(url: string, path: string, name: string, length: number): string {
  const [kind] = contentTypeOf(name).split('/')
  const player =
    kind === 'video' || kind === 'audio'
      ? `<${kind} controls preload="none" src="${escape(url)}" aria-label="${escape(name)}"></${kind}>`
      : ''
  return `<li><a href="${escape(url)}">${escape(path)}</a> <small>${size(length)}</small>${player}</li>`
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const amount = bytes / 1000 ** power
  return `${amount >= 10 || power === 0 ? Math.round(amount) : amount.toFixed(1)} ${units[power] ?? ''}`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`)
}
