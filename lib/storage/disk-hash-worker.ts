/**
 * The other side of `DiskHasher`: reads runs of files and hashes them, piece by piece, through one small buffer that stays in the processor's
 * cache. It opens for reading, regular files only, and follows no link.
 */
import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { END } from '../streams/thread.js'

/** Some pieces in a row. Flat arrays, as torrents may have a million pieces. */
export interface DiskHashOrder {
  readonly id: number
  /** Paths of the files that `spans` names by position. */
  readonly paths: readonly Uint8Array[]
  /** Of each span: position in `paths` or ZEROS, first byte in that file, length. */
  readonly spans: Float64Array
  /** How many spans each piece has. */
  readonly counts: Uint32Array
}

export interface DiskHashAnswer {
  readonly id: number
  /** 20 bytes a piece. */
  readonly digests: Uint8Array
  /** 1: a file was missing or too short for the piece, whose digest is then no digest. */
  readonly isShort: Uint8Array
  /** What kept a file from being read, with the position of its path: the order ends there. */
  readonly failure?: { readonly path: number; readonly code: string; readonly message: string }
}

/** Bytes that are in no file: padding. */
export const ZEROS = -1

/** Less costs more calls; more falls out of the nearest cache of the processor between reading and hashing. */
const BUFFER_BYTES = 2 ** 16
const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
/** What opening gives when nothing, or nothing that could be a file of a torrent, stands there. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR'])

/** The file that is read now: neighbours in an order are mostly in the same one. */
class OpenedFile {
  #path = ZEROS
  #descriptor: number | undefined

  /** `undefined` when there is no such file. */
  at(path: number, paths: readonly Uint8Array[]): number | undefined {
    if (path === this.#path) return this.#descriptor
    this.close()
    this.#descriptor = openFile(Buffer.from(paths[path] ?? []))
    this.#path = path
    return this.#descriptor
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
    this.#path = ZEROS
  }
}

function openFile(path: Buffer): number | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, FLAGS)
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
  if (fstatSync(descriptor).isFile()) return descriptor
  closeSync(descriptor)
  return undefined
}

/** False when the file ends before the span does. */
function addFile(hash: Hash, descriptor: number, position: number, length: number): boolean {
  for (let done = 0; done < length;) {
    const count = readSync(descriptor, buffer, 0, Math.min(BUFFER_BYTES, length - done), position + done)
    if (count === 0) return false
    hash.update(buffer.subarray(0, count))
    done += count
  }
  return true
}

function addZeros(hash: Hash, length: number): boolean {
  buffer.fill(0, 0, Math.min(BUFFER_BYTES, length))
  for (let done = 0; done < length; done += BUFFER_BYTES)
    hash.update(buffer.subarray(0, Math.min(BUFFER_BYTES, length - done)))
  return true
}

function answer(order: DiskHashOrder): DiskHashAnswer {
  const { id, paths, spans, counts } = order
  const digests = new Uint8Array(counts.length * 20)
  const isShort = new Uint8Array(counts.length)
  const file = new OpenedFile()
  let at = 0
  try {
    for (const [piece, count] of counts.entries()) {
      const hash = createHash('sha1')
      let isWhole = true
      for (const end = at + count * 3; at < end; at += 3) {
        const [path = ZEROS, position = 0, length = 0] = spans.subarray(at, at + 3)
        const descriptor: number | undefined = isWhole && path !== ZEROS ? file.at(path, paths) : undefined
        if (path === ZEROS) addZeros(hash, length)
        else isWhole = descriptor !== undefined && addFile(hash, descriptor, position, length)
      }
      if (isWhole) digests.set(hash.digest(), piece * 20)
      else isShort[piece] = 1
    }
    return { id, digests, isShort }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    return { id, digests, isShort, failure: { path: spans[at] ?? ZEROS, code, message } }
  } finally {
    file.close()
  }
}

parentPort?.on('message', (order: DiskHashOrder | typeof END) => {
  if (order === END) parentPort?.close()
  else parentPort?.postMessage(answer(order))
})
