/**
 * A program run by a test. Owns its life: it gets a process group of its own, which is killed when the test stops it and, whatever happens
 * to mocha, when this process ends. Its output is kept, bounded, for messages. Knows nothing of BitTorrent.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const OUTPUT_KEPT_CHARS = 16_384
const TERMINATE_AFTER_MS = 3_000

export interface ProgramOptions {
  /** For messages. The default is the command. */
  name?: string
  cwd?: string
  env?: NodeJS.ProcessEnv
  uid?: number
  gid?: number
  /** Name of the network namespace in which it runs, when that is not ours. */
  netns?: string | undefined
  /** Given to the program on stdin, which then ends. Without it stdin is /dev/null. */
  input?: Buffer
  /** `true`: stdout is data, all of it is kept in `stdout`. Otherwise it is text and goes to `output`, as stderr always does. */
  collectStdout?: boolean
}

/** How a program ended. Both are null when it could not be started. */
export interface ProgramExit {
  code: number | null
  signal: NodeJS.Signals | null
}

export class ChildProgram {
  static readonly #running = new Set<ChildProgram>()
  static #hooksInstalled = false

  readonly name: string
  /** Resolves when the program has ended and its output is complete; never rejects. */
  readonly exited: Promise<ProgramExit>
  readonly #child: ChildProcess
  readonly #data: Buffer[] = []
  readonly #watchers = new Set<() => void>()
  #output = ''
  #exit: ProgramExit | undefined

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    const { name = command, input, collectStdout = false, netns, ...spawnOptions } = options
    const [file = command, ...before] = netns === undefined ? [] : ['ip', 'netns', 'exec', netns, command]
    ChildProgram.#installHooks()
    this.name = name
    const stdin = input ? 'pipe' : 'ignore'
    this.#child = spawn(file, [...before, ...args], { ...spawnOptions, detached: true, stdio: [stdin, 'pipe', 'pipe'] })
    ChildProgram.#running.add(this)
    this.#child.stdout?.on('data', (chunk: Buffer) => (collectStdout ? this.#data.push(chunk) : this.#keep(chunk)))
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk))
    this.#child.stdin?.on('error', () => undefined).end(input) // a program need not read what it is given
    this.exited = this.#watchExit()
  }

  /** What every program that still runs has printed, for the report of a failed test. */
  static outputOfRunning(): string {
    return [...ChildProgram.#running].map(program => `--- ${program.name} ---\n${program.output}\n`).join('')
  }

  /** All of stdout, with `collectStdout`. */
  get stdout(): Buffer {
    return Buffer.concat(this.#data)
  }

  /** The last 16 KiB or so of its words. */
  get output(): string {
    return this.#output
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  get hasEnded(): boolean {
    return this.#exit !== undefined
  }

  /** An error that shows what the program said and how it ended. */
  error(message: string): Error {
    const exit = this.#exit ? ` (ended with ${this.#exit.code ?? this.#exit.signal ?? 'a failed start'})` : ''
    return new Error(`${this.name}: ${message}${exit}\n${this.#output.trimEnd() || '(it said nothing)'}`)
  }

  /** Resolves when the output matches; rejects when the program ends first or the time is over. */
  async waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#watchers.delete(check)
      }
      const fail = (message: string): void => {
        settle()
        reject(this.error(message))
      }
      const check = (): void => {
        const match = pattern.exec(this.#output)
        if (match) {
          settle()
          resolve(match)
        } else if (this.#exit) fail(`ended before it printed ${String(pattern)}`)
      }
      const timer = setTimeout(fail, timeoutMs, `did not print ${String(pattern)} in ${timeoutMs} ms`)
      this.#watchers.add(check)
      check()
    })
  }

  /** Resolves to how it ended; rejects, and kills it, when the time is over. */
  async waitForExit(timeoutMs: number): Promise<ProgramExit> {
    const timer = setTimeout(() => this.kill('SIGKILL'), timeoutMs)
    const startedAt = performance.now()
    const exit = await this.exited
    clearTimeout(timer)
    if (exit.signal === 'SIGKILL' && performance.now() - startedAt >= timeoutMs)
      throw this.error(`did not end in ${timeoutMs} ms`)
    return exit
  }

  /** As Ctrl-C or a service manager does it: to the program and all that it started. */
  kill(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // the group is gone
    }
  }

  /** Asks it to end, after three seconds insists. Resolves when it has ended. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.#exit) this.kill('SIGTERM')
    const insist = setTimeout(() => this.kill('SIGKILL'), TERMINATE_AFTER_MS)
    await this.exited
    clearTimeout(insist)
  }

  async #watchExit(): Promise<ProgramExit> {
    const closed = new Promise(resolve => this.#child.once('close', resolve))
    try {
      await once(this.#child, 'exit')
      this.kill('SIGKILL') // what it may have left behind, which would also hold its output open
      await closed
      this.#exit = { code: this.#child.exitCode, signal: this.#child.signalCode }
    } catch (error) {
      this.#keep(String(error))
      this.#exit = { code: null, signal: null }
    }
    ChildProgram.#running.delete(this)
    this.#tellWatchers()
    return this.#exit
  }

  #keep(chunk: Buffer | string): void {
    this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_KEPT_CHARS)
    this.#tellWatchers()
  }

  #tellWatchers(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** The signals, too: by default they end a process without its `exit` event. */
  static #installHooks(): void {
    if (ChildProgram.#hooksInstalled) return
    ChildProgram.#hooksInstalled = true
    process.prependListener('exit', () => {
      for (const program of ChildProgram.#running) program.kill('SIGKILL')
    })
    if (process.listenerCount('SIGINT') === 0) process.once('SIGINT', () => process.exit(130)) // mocha has one, its workers not
    process.once('SIGTERM', () => process.exit(143))
    process.once('SIGHUP', () => process.exit(129))
  }
}
