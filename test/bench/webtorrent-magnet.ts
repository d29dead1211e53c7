/** WebTorrent follows a magnet link and writes its first file to standard output: LINK [DHT NODE]. Without a node it stays out of the DHT. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadWebTorrent } from './webtorrent.js'

const [link = '', node] = process.argv.slice(2)
const Client = await loadWebTorrent()
const dht = node === undefined ? false : { bootstrap: [node] }
const quiet = { lsd: false, utPex: false, natUpnp: false, natPmp: false, utp: false, secure: 0 }
const torrent = new Client({ ...quiet, dht }).add(link, { path: mkdtempSync(join(tmpdir(), 'wt-')) })
torrent.on('ready', () => torrent.files[0]?.createReadStream().pipe(process.stdout))
