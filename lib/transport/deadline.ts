/** One signal for "the caller gave up" and "it took too long", with no listener and no timer left behind. */
import type { Clock } from '../clock.js'

export interface DeadlineOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Makes the reason when time is up. */
  readonly onTimeout: () => Error
}

/**
 * Runs `task` with a signal that fires with the caller's reason or with the time-out's error. Rejects as soon as it fires,
 * whether or not the task heeds it.
 */
export async function withDeadline<T>(
  { clock, timeoutMs, signal, onTimeout }: DeadlineOptions,
  task: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const timer = clock.setTimer(() => controller.abort(onTimeout()), timeoutMs)
  const onAbort = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await untilAborted(controller.signal, task(controller.signal))
  } finally {
    clock.clearTimer(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** What `work` settles with, or the signal's reason if that fires first; `work` itself is left to end on its own. */
export function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(reasonOf(signal))
    }
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** The reason of an aborted signal, as an Error. */
export function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason })
}
