/**
 * The page of what is served: one file with a player, live figures and the files. All of its words are here already, so that it is of use
 * without its script, which brings it to life. Everything a torrent says is escaped.
 */
import { MAX_PAGE_FILES } from '../limits.js'
import { contentTypeOf, isMedia } from './content-type.js'
import { markup, type Markup } from './markup.js'
import type { ServedFile, ServedTorrent } from './library.js'
import { pageAssets } from './page-assets.js'
import { filePath, filePlaylistPath, subtitlesPath, tarPath } from './routes.js'
import { findSubtitles, type Subtitles } from './subtitles.js'

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b6e99'/%3E%3Cpath d='M6 4.5v7L11.5 8z' fill='%23fff'/%3E%3C/svg%3E"

export function indexPage(torrents: readonly ServedTorrent[]): string {
  const { style, script } = pageAssets()
  const title = torrents.length === 1 ? (torrents[0]?.name ?? '') : `${torrents.length} torrents`
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#f5f6f8">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#101418">
<title>${title} – bt-stream</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
</head>
<body>
<header>
<p class="brand"><span aria-hidden="true">▶</span> bt-stream</p>
<p class="link" data-link role="status"></p>
</header>
<main>
${torrents.map((torrent, i) => torrentSection(torrent, i))}
</main>
<footer><a href="playlist.m3u">Playlist of all media</a> <span aria-hidden="true">·</span> <a href="api">What is here, as JSON</a></footer>
<script>${script}</script>
</body>
</html>
`
  return page.text
}

function torrentSection(torrent: ServedTorrent, at: number): Markup {
  const subtitles = findSubtitles(torrent.files.map(({ path }) => path))
  const shown = torrent.files.slice(0, MAX_PAGE_FILES)
  const hidden = torrent.files.length - shown.length
  const count = torrent.files.length === 1 ? '1 file' : `${torrent.files.length} files`
  return markup`<section class="torrent" data-torrent="${torrent.infoHash}" data-length="${torrent.length}" aria-labelledby="t${at}">
<h1 id="t${at}">${torrent.name}</h1>
<p class="facts">${size(torrent.length)} in ${count}</p>
${player(torrent, subtitles)}
<div class="live" data-live hidden>
<canvas data-map height="28" role="img" aria-label="Map of the pieces"></canvas>
<ul class="legend" aria-hidden="true"><li class="here">here</li><li class="asked">on its way</li><li class="window">wanted next</li><li class="head">waited for</li></ul>
<dl class="figures">
<div><dt>Verified so far</dt><dd data-figure="verified">–</dd></div>
<div><dt>Arriving</dt><dd data-figure="downloadRate">–</dd></div>
<div><dt>Peers</dt><dd data-figure="peers">–</dd></div>
<div><dt>Memory</dt><dd data-figure="memory">–</dd></div>
</dl>
<p class="waiting" data-waiting role="status"></p>
</div>
<h2 id="f${at}">Files</h2>
<ul class="files" aria-labelledby="f${at}">
${shown.map((file, index) => fileItem(torrent, file, index, subtitles.get(index)))}
</ul>
${hidden > 0 ? markup`<p class="facts">and ${hidden} more, which are in the <a href="api">list as JSON</a>.</p>` : ''}
<p class="all"><a href="${tarPath(torrent)}" download>All files as one archive</a> <span class="size">${size(torrent.tar.length)}</span></p>
</section>`
}

/** For the largest film or piece of music; the script plays others in its place. */
function player(torrent: ServedTorrent, subtitles: ReadonlyMap<number, readonly Subtitles[]>): Markup {
  const media = [...torrent.files.entries()].filter(([, { name }]) => isMedia(name))
  const largest = media.reduce<(typeof media)[number] | undefined>(
    (best, entry) => (best && best[1].length >= entry[1].length ? best : entry),
    undefined
  )
  if (!largest) return markup``
  const [index, file] = largest
  return markup`<div class="player" data-player>
${mediaElement(torrent, index, file, subtitles.get(index))}
<p class="now"><span data-now>${file.name}</span> <a data-external href="${filePlaylistPath(torrent, index)}">Open in a player</a></p>
<p class="problem" data-problem role="alert" hidden>This browser cannot play this kind of file. Open it in a player such as mpv or VLC.</p>
</div>`
}

function mediaElement(
  torrent: ServedTorrent,
  index: number,
  file: ServedFile,
  subtitles: readonly Subtitles[] = []
): Markup {
  const tracks = subtitles.map(
    ({ label, language, index: at }) =>
      markup`<track kind="subtitles" src="${subtitlesPath(torrent, at)}" srclang="${language}" label="${label}">`
  )
  const src = filePath(torrent, index)
  return contentTypeOf(file.name).startsWith('audio/')
    ? markup`<audio controls preload="none" src="${src}" aria-label="${file.name}"></audio>`
    : markup`<video controls playsinline preload="none" src="${src}" aria-label="${file.name}">${tracks}</video>`
}

function fileItem(
  torrent: ServedTorrent,
  file: ServedFile,
  index: number,
  subtitles: readonly Subtitles[] = []
): Markup {
  const { name, path, length, offset } = file
  // All of a torrent's paths begin with its name, which stands above.
  const within = path.startsWith(`${torrent.name}/`) ? path.slice(torrent.name.length + 1) : path
  const folder = within.slice(0, within.length - name.length)
  const href = filePath(torrent, index)
  const tracks = subtitles.map(({ label, language, index: at }) => [subtitlesPath(torrent, at), language, label])
  const kind = contentTypeOf(name).startsWith('audio/') ? 'audio' : 'video'
  const play = isMedia(name)
    ? markup`<button type="button" data-play="${kind}" data-tracks="${JSON.stringify(tracks)}" data-playlist="${filePlaylistPath(torrent, index)}" hidden>Play<span class="unseen"> ${name}</span></button>`
    : ''
  return markup`<li data-file="${index}" data-offset="${offset}" data-length="${length}"><a class="name" href="${href}"><span class="folder">${folder}</span>${name}</a><span class="size">${size(length)}</span>${play}<a class="save" href="${href}" download>Save<span class="unseen"> ${name}</span></a></li>
`
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const amount = bytes / 1000 ** power
  return `${amount >= 10 || power === 0 ? Math.round(amount) : amount.toFixed(1)} ${units[power] ?? ''}`
}
