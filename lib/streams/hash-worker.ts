/** The other side of `HashPool`: hashes runs of shared memory that it is told of by number. */
import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { END } from './thread.js'

/** A slab of memory, sent once; or a run of one to hash; or the last message. */
export type HashOrder =
  | typeof END
  | { readonly slab: number; readonly memory: SharedArrayBuffer }
  | { readonly id: number; readonly slab: number; readonly offset: number; readonly length: number }

export interface HashAnswer {
  readonly id: number
  readonly digest: Uint8Array
}

const slabs = new Map<number, SharedArrayBuffer>()

parentPort?.on('message', (order: HashOrder) => {
  if (order === END) {
    parentPort?.close()
    return
  }
  if ('memory' in order) {
    slabs.set(order.slab, order.memory)
    return
  }
  const memory = slabs.get(order.slab)
  if (!memory) throw new Error(`slab ${order.slab} is not known`)
  const bytes = new Uint8Array(memory, order.offset, order.length)
  const answer: HashAnswer = { id: order.id, digest: createHash('sha1').update(bytes).digest() }
  parentPort?.postMessage(answer)
})
