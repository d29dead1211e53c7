/** Many peers in one process that ask one seeder for blocks at random, 16 at a time, and look at nothing they get: `light-leechers.js PORT COUNT BYTES PIECES INFO_HASH` */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const BLOCK = 16_384
const IN_FLIGHT = 16
const UNCHOKE = 1
const PIECE = 7
const HANDSHAKE = 68
const [port = 0, count = 0, bytes = 0, pieces = 0] = process.argv.slice(2, 6).map(Number)
const infoHash = Buffer.from(process.argv[6] ?? '', 'hex')

await Promise.all(Array.from({ length: count }, (_, at) => leech(at)))

/** Resolves when it has got as many bytes as it wants. */
async function leech(at: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const peerId = Buffer.from(`-LL0001-${String(at).padStart(12, '0')}`)
  socket.write(Buffer.concat([Buffer.from('\x13BitTorrent protocol\0\0\0\0\0\0\0\0', 'latin1'), infoHash, peerId]))
  socket.write(Buffer.of(0, 0, 0, 1, 2))
  let got = 0
  let toSkip = HANDSHAKE
  const head = Buffer.alloc(5)
  let headLength = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    for (let pos = 0; pos < chunk.length;) {
      const skipped = Math.min(toSkip, chunk.length - pos)
      toSkip -= skipped
      pos += skipped
      if (pos === chunk.length) break
      head[headLength++] = chunk[pos++] ?? 0
      if (headLength === 4 && head.readUInt32BE(0) === 0) headLength = 0
      if (headLength < 5) continue
      headLength = 0
      toSkip = head.readUInt32BE(0) - 1
      if (head[4] === UNCHOKE) for (let i = 0; i < IN_FLIGHT; i++) ask(socket)
      if (head[4] !== PIECE) continue
      got += BLOCK
      ask(socket)
    }
    if (got >= bytes) return
  }
  throw new Error(`the seeder hung up after ${got} bytes`)
}

function ask(socket: Socket): void {
  const request = Buffer.alloc(17)
  request.writeUInt32BE(13, 0)
  request[4] = 6
  request.writeUInt32BE(Math.floor(Math.random() * pieces), 5)
  request.writeUInt32BE(Math.floor(Math.random() * 16) * BLOCK, 9)
  request.writeUInt32BE(BLOCK, 13)
  socket.write(request)
}
