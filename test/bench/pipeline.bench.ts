/** What a byte costs between socket and piece: framing, and the one copy. */
import type { Bench } from 'tinybench'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { PieceBuffer } from '../../lib/pieces/piece-buffer.js'
import type { BlockData } from '../../lib/wire/message.js'
import { BLOCK_HEADER_LENGTH, writeBlockHeader } from '../../lib/wire/codec.js'
import { WireReader } from '../../lib/wire/wire-reader.js'
import { handshakeOf } from '../support/wire-handshake.js'
import { indexOf, silentSupplier } from '../support/piece-fixtures.js'

/** Blocks that one run of each task handles: 16 MiB. */
const BLOCKS = 1024
/** What a socket on loopback hands over, and one TCP segment on Ethernet. */
const CHUNKS = [65_536, 1448]
const PIECE_LENGTH = 2 ** 20

/** A stream of blocks, cut into chunks of this many bytes. */
function chunksOf(length: number): Buffer[] {
  const blocks = Array.from({ length: BLOCKS }, (_, i) => {
    const message = Buffer.alloc(BLOCK_HEADER_LENGTH + BLOCK_LENGTH, i)
    writeBlockHeader(message, 0, { piece: i >> 6, begin: (i & 63) * BLOCK_LENGTH, length: BLOCK_LENGTH })
    return message
  })
  const bytes = Buffer.concat(blocks)
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length)
  )
}

/** Reads all chunks; each block goes to `take`. */
function readAll(chunks: readonly Buffer[], take: (block: number, data: BlockData) => void): void {
  const reader = new WireReader()
  reader.push(handshakeOf())
  let blocks = 0
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let message = reader.next(); message; message = reader.next()) {
      if (message.type === 'block') take(blocks++, message.data)
    }
  }
  if (blocks !== BLOCKS) throw new Error(`read ${blocks} blocks of ${BLOCKS}`)
}

export function addPipelineTasks(bench: Bench): void {
  const supplier = silentSupplier()
  const memory = Buffer.from(new SharedArrayBuffer(16 * PIECE_LENGTH))
  for (const length of CHUNKS) {
    const chunks = chunksOf(length)
    bench.add(`16 MiB framed from chunks of ${length} bytes`, () => readAll(chunks, () => undefined))
    bench.add(`16 MiB framed from chunks of ${length} bytes and copied into pieces`, () => {
      const pieces = Array.from({ length: 16 }, (_, i) => {
        const bytes = memory.subarray(i * PIECE_LENGTH, (i + 1) * PIECE_LENGTH)
        return new PieceBuffer(indexOf(i), PIECE_LENGTH, { bytes, release: () => undefined })
      })
      readAll(chunks, (block, data) => pieces[block >> 6]?.receive(block & 63, supplier, data))
    })
  }
}
