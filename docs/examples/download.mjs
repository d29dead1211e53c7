// Downloads all files of a torrent and tells how it goes: node download.mjs file.torrent folder [ip:port ...]
import { openTorrent } from 'bt-stream'

const [source, dir, ...peers] = process.argv.slice(2)
const torrent = await openTorrent(source, { dir, peers, discovery: peers.length === 0 })
torrent.on('peer', ({ address }) => console.log(`connected to ${address}`))
torrent.on('waiting', reason => console.log(reason))
const timer = setInterval(() => {
  const { verified, wanted, downloadRate } = torrent.stats()
  console.log(`${verified} of ${wanted} bytes, ${Math.round(downloadRate / 1024)} KiB/s`)
}, 1000)
try {
  await torrent.download()
  for (const { path, length } of torrent.files) console.log(`${path}: ${length} bytes`)
} catch (error) {
  console.error(error.code === 'ERR_BT_NO_PEERS' ? 'Nobody has it just now.' : error.message)
  process.exitCode = 1
} finally {
  clearInterval(timer)
  await torrent.close()
}
