/** A thread of ours: how it is started and ended so that it takes little and leaves nothing behind. Knows no work. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** A thread keeps buffers, which are not in its heap: MiB. */
const SMALL_HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 }

/** The message that ends a thread. */
export const END = 'end'

/** It does not keep the process alive. Its code ends when it gets `END`. */
export function startThread(url: URL): Worker {
  // Left to itself, Node opens `process.stdout` for a worker: a second socket on what the program may be writing to.
  const worker = new Worker(url, { stdout: true, stderr: true, resourceLimits: SMALL_HEAP })
  worker.unref()
  return worker
}

/** Asks the thread to end: one that is terminated while it starts leaves the descriptor of its own source open. */
export async function endThread(worker: Worker): Promise<void> {
  // It died before.
  if (worker.threadId === -1) return
  worker.ref()
  worker.postMessage(END)
  await once(worker, 'exit').catch(() => undefined)
}
