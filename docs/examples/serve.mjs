// Serves a torrent over HTTP until it is stopped: node serve.mjs file.torrent [ip:port ...]
import { openTorrent } from 'bt-stream'

const [source, ...peers] = process.argv.slice(2)
const torrent = await openTorrent(source, { peers, discovery: peers.length === 0, peerTimeoutMs: 0, stallTimeoutMs: 0 })
const server = await torrent.serve()
console.log(`watch at ${server.url}`)
for (const { index, path } of torrent.files) console.log(`${path}: ${server.urlOf(torrent, index)}`)
process.once('SIGINT', () => torrent.close())
