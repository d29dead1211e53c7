/** A program of a few lines that uses ours as a library: `api-peer.js FILE.torrent DIR` keeps what is in DIR, gets the rest, and serves all of it until it is stopped. */
import { openTorrent } from '../../lib/index.js'

const [, , torrentFile = '', dir = ''] = process.argv
const torrent = await openTorrent(torrentFile, { dir, overwrite: true, port: 0, dht: false, lsd: false })
process.once('SIGTERM', () => void torrent.close())
await torrent.download()
