/** WebTorrent's own HTTP server of a torrent: FILE.torrent peer...; prints the URL of the first file. It fetches only what is asked for. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadWebTorrent } from '../webtorrent.js'

const [torrent = '', ...peers] = process.argv.slice(2)
const Client = await loadWebTorrent()
const quiet = {
  dht: false,
  lsd: false,
  utPex: false,
  natUpnp: false,
  natPmp: false,
  utp: false,
  secure: 0,
  tracker: false
}
const client = new Client(quiet)
const added = client.add(readFileSync(torrent), { path: mkdtempSync(join(tmpdir(), 'wt-')), deselect: true })
added.on('infoHash', () => {
  for (const peer of peers) added.addPeer(peer)
})
added.on('ready', () => {
  const instance = client.createServer({}, 'node')
  instance.listen(0, '127.0.0.1', () => {
    const { port } = instance.server.address()
    process.stdout.write(`http://127.0.0.1:${port}${added.files[0]?.streamURL ?? ''}\n`)
  })
})
