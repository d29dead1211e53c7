// Writes a torrent's files as a tar archive to standard output: node to-tar.mjs file.torrent [ip:port ...] | tar x
import { openTorrent } from 'bt-stream'

const [source, ...peers] = process.argv.slice(2)
const torrent = await openTorrent(source, { peers, discovery: peers.length === 0 })
try {
  console.error(`${torrent.tar.name}: ${torrent.tar.length} bytes`)
  await torrent.tar.writeTo(process.stdout)
} finally {
  await torrent.close()
}
