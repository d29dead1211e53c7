// Writes a file of a torrent to a program's input, without copying: node to-pipe.mjs file.torrent path command [ip:port ...]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openTorrent } from 'bt-stream'

const [source, path, command, ...peers] = process.argv.slice(2)
const child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'] })
const torrent = await openTorrent(source, { peers, discovery: peers.length === 0 })
try {
  await torrent.file(path).writeTo(child.stdin)
  child.stdin.end()
  await once(child, 'close')
} finally {
  await torrent.close()
}
