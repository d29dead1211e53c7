/** A torrent for the HTTP server that is all here: its files are buffers, its figures and its map are what a test says. */
import type { Writable } from 'node:stream'
import type { ServedBytes, ServedCell, ServedFigures, ServedFile, ServedTorrent } from '../../lib/http/library.js'

export const IDLE_FIGURES: ServedFigures = {
  verified: 0,
  delivered: 0,
  downloadRate: 0,
  uploadRate: 0,
  peers: 0,
  readers: 0,
  memory: 0,
  maxMemory: 2 ** 26,
  waiting: undefined
}

export const EMPTY_CELL: ServedCell = { here: 0, isAsked: false, isInWindow: false, isHead: false }

export interface ServedFacts {
  readonly name?: string
  readonly infoHash?: string
  readonly figures?: Partial<ServedFigures>
  readonly map?: readonly ServedCell[]
}

/** `files`: path and content, in order. */
export function servedTorrent(
  files: readonly (readonly [path: string, content: string | Buffer])[],
  facts: ServedFacts = {}
): ServedTorrent {
  const { name = 'torrent', infoHash = 'a'.repeat(40), figures, map = [EMPTY_CELL] } = facts
  let offset = 0
  const served = files.map(([path, content]) => {
    const data = Buffer.from(content)
    const file: ServedFile = {
      path,
      ...bytesOf(path.slice(path.lastIndexOf('/') + 1), data),
      offset,
      bytesHere: data.length,
      keepEdges: () => undefined
    }
    offset += data.length
    return file
  })
  return {
    infoHash,
    name,
    length: offset,
    files: served,
    tar: bytesOf(`${name}.tar`, Buffer.alloc(1024)),
    stats: () => ({ ...IDLE_FIGURES, ...figures }),
    pieceMap: () => map
  }
}

function bytesOf(name: string, data: Buffer): ServedBytes {
  return {
    name,
    length: data.length,
    writeTo: (sink: Writable, { start, end } = { start: 0, end: data.length - 1 }) => {
      const part = data.subarray(start, end + 1)
      return new Promise((resolve, reject) => {
        sink.write(part, error => (error ? reject(error) : resolve(part.length)))
      })
    }
  }
}
