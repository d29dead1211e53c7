/**
 * Finds what a piece of code left behind in this process: sockets, servers, timers (unref'd ones too), children, workers, watchers,
 * and on Linux file descriptors. Each is reported with the line that opened it, unless
 * Node did so on its own after a name was looked up.
 */
import { createHook } from 'node:async_hooks'
import { readdirSync, readlinkSync } from 'node:fs'

/** Resource types of `node:async_hooks` that end when they are closed, rather than when they are collected. */
const WATCHED: ReadonlySet<string> = new Set([
  'Timeout',
  'TCPWRAP',
  'TCPSERVERWRAP',
  'PIPEWRAP',
  'PIPESERVERWRAP',
  'UDPWRAP',
  'PROCESSWRAP',
  'WORKER',
  'MESSAGEPORT',
  'SIGNALWRAP',
  'FSEVENTWRAP',
  'STATWATCHER'
])

export interface NoLeaksOptions {
  /** How long closing may take after the code has returned. Default 2000. */
  readonly withinMs?: number
}

/**
 * Runs `work` and rejects when something it opened is still open `withinMs` after it ended. An error of `work` itself comes first.
 */
export async function expectNoLeaks(work: () => unknown, options?: NoLeaksOptions): Promise<void> {
  const watch = new LeakWatch()
  try {
    await work()
    await watch.settle(options?.withinMs ?? 2000)
  } finally {
    watch.stop()
  }
}

/**
 * Checks every test of a suite: `noLeaks(this)`, as the last line of its `describe`, so that the check comes after the suite's
 * own `afterEach` hooks. A test that failed is not checked.
 */
export function noLeaks(suite: Mocha.Suite, options?: NoLeaksOptions): void {
  let watch: LeakWatch | undefined
  suite.beforeEach('starts to watch for leaks', () => {
    watch = new LeakWatch()
  })
  suite.afterEach('left nothing open', async function (this: Mocha.Context) {
    try {
      if (this.currentTest?.state !== 'failed') await watch?.settle(options?.withinMs ?? 2000)
    } finally {
      watch?.stop()
    }
  })
}

/** Records what is opened and closed from its construction until `stop`. */
class LeakWatch {
  readonly #open = new Map<number, { type: string; opened: Error }>()
  readonly #descriptorsBefore = descriptors()
  readonly #hook = createHook({
    init: (id, type) => {
      if (WATCHED.has(type)) this.#open.set(id, { type, opened: here() })
    },
    destroy: id => {
      this.#open.delete(id)
      this.#onClosed()
    }
  })
  #onClosed: () => void = () => undefined

  constructor() {
    // Made on first use and kept for good: not a leak of the code that happens to be the first to print.
    process.stdout
    process.stderr
    this.#hook.enable()
  }

  stop(): void {
    this.#hook.disable()
  }

  /** Resolves when everything is closed; rejects with a list when `withinMs` have passed. */
  async settle(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const left = this.#left()
      if (left.length === 0) return
      if (performance.now() >= deadline) throw new Error(`left open:\n  ${left.join('\n  ')}`)
      await this.#somethingCloses()
    }
  }

  /** A descriptor's end is not announced, hence the short timer beside the event. */
  #somethingCloses(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, 20)
      this.#onClosed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #left(): string[] {
    const left = []
    for (const { type, opened } of this.#open.values()) {
      const frame = firstFrameOutsideNode(opened)
      if (!isOfTheRunner(frame)) left.push(`${type} ${frame}`)
    }
    for (const [target, count] of descriptors()) {
      const more = count - (this.#descriptorsBefore.get(target) ?? 0)
      if (more > 0) left.push(`${more} descriptor(s) of ${target}`)
    }
    return left
  }
}

/** Deeper than by default: a socket is opened many frames below the line that asked for it. */
function here(): Error {
  const usual = Error.stackTraceLimit
  Error.stackTraceLimit = 40
  const error = new Error('opened')
  Error.stackTraceLimit = usual
  return error
}

function firstFrameOutsideNode(opened: Error): string {
  const frames = (opened.stack ?? '').split('\n').slice(1)
  return frames.find(frame => !/node:|no-leaks\.[jt]s/.test(frame))?.trim() ?? 'opened inside Node'
}

/** The timer of a test's own time limit. */
function isOfTheRunner(frame: string): boolean {
  return /[\\/]node_modules[\\/]mocha[\\/]/.test(frame)
}

/**
 * Open files and sockets of this process with how often each is open; empty where there is no /proc. Pipes and nameless descriptors
 * are left out: Node opens those for itself when it needs them first, and keeps them.
 */
function descriptors(): Map<string, number> {
  const open = new Map<string, number>()
  if (process.platform !== 'linux') return open
  for (const descriptor of readdirSync('/proc/self/fd')) {
    const target = targetOf(descriptor)
    if (target === undefined || /^(?:pipe|anon_inode):|^\/proc\/|^\/dev\//.test(target)) continue
    open.set(target, (open.get(target) ?? 0) + 1)
  }
  return open
}

/** Undefined for the descriptor that read the folder: it is closed by now. */
function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return undefined
  }
}
