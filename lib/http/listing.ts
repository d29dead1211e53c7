/** What is served, for programs (`/api`): JSON, a torrent or file at a time, as there may be many. docs/http.md describes it. */
import { contentTypeOf, isMedia } from './content-type.js'
import type { ServedTorrent } from './library.js'
import { filePath, filePlaylistPath, subtitlesPath, tarPath } from './routes.js'
import { findSubtitles, type Subtitles } from './subtitles.js'

/** `base`: the URL that every other begins with. */
export function* listing(torrents: readonly ServedTorrent[], base: string): Generator<string> {
  const urls = { page: base, playlist: `${base}playlist.m3u`, events: `${base}events` }
  yield `${JSON.stringify(urls).slice(0, -1)},"torrents":[`
  for (const [i, torrent] of torrents.entries()) {
    yield i === 0 ? '' : ','
    yield* torrentListing(torrent, base)
  }
  yield ']}\n'
}

function* torrentListing(torrent: ServedTorrent, base: string): Generator<string> {
  const { infoHash, name, length, tar, files } = torrent
  const head = { infoHash, name, length, tar: { name: tar.name, length: tar.length, url: base + tarPath(torrent) } }
  yield `${JSON.stringify(head).slice(0, -1)},"files":[`
  const subtitles = findSubtitles(files.map(({ path }) => path))
  for (let index = 0; index < files.length; index++) {
    yield (index === 0 ? '\n' : ',\n') + JSON.stringify(fileListing(torrent, index, base, subtitles.get(index)))
  }
  yield ']}'
}

function fileListing(torrent: ServedTorrent, index: number, base: string, subtitles: readonly Subtitles[] = []) {
  const { path = '', name = '', length = 0, offset = 0, bytesHere = 0 } = torrent.files[index] ?? {}
  const url = base + filePath(torrent, index)
  const facts = { index, path, length, offset, bytesHere, type: contentTypeOf(name), url }
  if (!isMedia(name)) return facts
  return {
    ...facts,
    playlist: base + filePlaylistPath(torrent, index),
    subtitles: subtitles.map(({ label, language, index: at }) => ({
      label,
      language,
      url: base + subtitlesPath(torrent, at)
    }))
  }
}
