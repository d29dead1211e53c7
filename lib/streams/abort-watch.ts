/** Who is to hear of an abort: one listener a signal, however many streams it ends. Node warns of a leak at the eleventh. */

interface Watch {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const watches = new WeakMap<AbortSignal, Watch>()

/** Calls `callback` once, when the signal aborts; never for one that has. The function it returns ends the watch: call it in any case. */
export function watchAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal || signal.aborted) return () => undefined
  const { callbacks, listener } = watches.get(signal) ?? begin(signal)
  const own = (): void => callback()
  callbacks.add(own)
  return () => {
    if (!callbacks.delete(own) || callbacks.size > 0) return
    signal.removeEventListener('abort', listener)
    watches.delete(signal)
  }
}

function begin(signal: AbortSignal): Watch {
  const callbacks = new Set<() => void>()
  const listener = (): void => {
    for (const callback of [...callbacks]) if (callbacks.delete(callback)) callback()
  }
  const watch = { callbacks, listener }
  watches.set(signal, watch)
  signal.addEventListener('abort', listener, { once: true })
  return watch
}
