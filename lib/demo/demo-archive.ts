/** The payload of the demo: a tar archive that is the same on every machine, made chunk by chunk. */
import { createCipheriv, createHash } from 'node:crypto'
import { TAR_END, tarHeader, tarPadding } from '../metainfo/tar-header.js'

const FOLDER = 'bt-stream-demo'
/** 2026-01-01, so that the archive does not depend on the day. */
const MODIFIED = 1_767_225_600
const CHUNK_BYTES = 2 ** 20
const TEXT = 'These files came through bt-stream: from three peers, in order, every piece verified before tar saw it.\n'
/** The larger files, and the part of the whole that each takes. */
const FILES = [
  ['film.bin', 0.55],
  ['music.bin', 0.3],
  ['pictures.bin', 0.15]
] as const

/** The archive's bytes: `size` of content and a little more. */
export function* demoArchive(size: number): Generator<Buffer> {
  yield* entry('README.txt', TEXT.length, [Buffer.from(TEXT)])
  for (const [name, part] of FILES) {
    const length = Math.round(size * part)
    yield* entry(name, length, noise(name, length))
  }
  yield TAR_END
}

function* entry(name: string, length: number, content: Iterable<Buffer>): Generator<Buffer> {
  yield tarHeader({ path: `${FOLDER}/${name}`, length, modified: MODIFIED })
  yield* content
  yield Buffer.alloc(tarPadding(length))
}

/** Bytes that look random and depend on the seed only. */
function* noise(seed: string, length: number): Generator<Buffer> {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16))
  const zeros = Buffer.alloc(CHUNK_BYTES)
  for (let left = length; left > 0; left -= CHUNK_BYTES)
    yield cipher.update(zeros.subarray(0, Math.min(left, CHUNK_BYTES)))
}
