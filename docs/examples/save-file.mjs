// Saves the first file of a torrent: node save-file.mjs file.torrent out.bin [ip:port ...]
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { openTorrent } from 'bt-stream'

const [source, path, ...peers] = process.argv.slice(2)
const torrent = await openTorrent(source, { peers, discovery: peers.length === 0 })
try {
  await pipeline(torrent.file(0).createReadStream(), createWriteStream(path))
} finally {
  await torrent.close()
}
