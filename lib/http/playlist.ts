/** A playlist of media (extended M3U, UTF-8): a title and a URL a line. */
import { isMedia } from './content-type.js'
import type { ServedTorrent } from './library.js'
import { filePath } from './routes.js'

/** Of all media, or of one file whatever it is. `base`: the URL that every other begins with. */
export function* playlist(torrents: readonly ServedTorrent[], base: string, only?: number): Generator<string> {
  yield '#EXTM3U\n'
  for (const torrent of torrents) {
    for (const [index, { name }] of torrent.files.entries()) {
      if (only === undefined ? !isMedia(name) : only !== index) continue
      // A name with a line break would be a line of its own.
      const title = name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
      yield `#EXTINF:-1,${title}\n${base}${filePath(torrent, index)}\n`
    }
  }
}
