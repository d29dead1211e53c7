// Prints the bytes from start to end of a file, as HTTP counts them: node read-range.mjs file.torrent path start end [ip:port ...]
import { openTorrent } from 'bt-stream'

const [source, path, start, end, ...peers] = process.argv.slice(2)
const signal = AbortSignal.timeout(60_000)
const torrent = await openTorrent(source, { peers, discovery: peers.length === 0, signal })
try {
  for await (const chunk of torrent.file(path).createReadStream({ start: Number(start), end: Number(end) })) {
    console.log(chunk.toString('hex'))
  }
} catch (error) {
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
} finally {
  await torrent.close()
}
