/** Runs the compiled program as a user would, and collects what it says. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { projectRoot } from './project.js'

export const PROGRAM = currentProgram()

export interface ProgramEnd {
  /** `null`: killed by a signal. */
  readonly exitCode: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  /** Written to standard input and closed; by default there is none. */
  readonly input?: Uint8Array
  /** A descriptor for standard output instead of a pipe. */
  readonly stdout?: number
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** A program under way. */
export class RunningProgram {
  readonly child: ChildProcess
  readonly lines: string[] = []
  readonly #closed: Promise<number | null>
  readonly #watchers = new Set<() => void>()

  constructor(args: readonly string[], { input, stdout, env, cwd }: RunOptions = {}) {
    const stdio: StdioOptions = [input ? 'pipe' : 'ignore', stdout ?? 'pipe', 'pipe']
    this.child = spawn(process.execPath, [PROGRAM, ...args], { stdio, cwd, env: { ...process.env, ...env } })
    this.child.stdin?.on('error', () => undefined).end(input)
    if (this.child.stderr) {
      createInterface({ input: this.child.stderr }).on('line', line => {
        this.lines.push(line)
        for (const watcher of this.#watchers) watcher()
      })
    }
    this.#closed = new Promise((resolve, reject) => {
      this.child.once('error', reject).once('exit', resolve)
    })
  }

  get stdout(): Readable {
    if (!this.child.stdout) throw new Error('standard output is not a pipe')
    return this.child.stdout
  }

  /** Resolves to the `nth` line on standard error that matches. Rejects when the program ends without. */
  async line(pattern: RegExp, nth = 1): Promise<string> {
    const find = (): string | undefined => this.lines.filter(line => pattern.test(line))[nth - 1]
    return (
      find() ??
      (await new Promise((resolve, reject) => {
        const watcher = (): void => {
          const found = find()
          if (found === undefined) return
          this.#watchers.delete(watcher)
          resolve(found)
        }
        this.#watchers.add(watcher)
        this.child.once('close', () => {
          reject(new Error(`ended without ${String(pattern)}:\n${this.lines.join('\n')}`))
        })
      }))
    )
  }

  /** Resolves when the program has ended, whatever of its output is unread. */
  exit(): Promise<number | null> {
    return this.#closed
  }
}

/** Runs to the end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<ProgramEnd> {
  const program = new RunningProgram(args, options)
  const chunks: Buffer[] = []
  program.child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = new Promise(resolve => program.child.once('close', resolve))
  const exitCode = await program.exit()
  await closed
  return { exitCode, stdout: Buffer.concat(chunks), stderr: program.lines.join('\n') }
}

/** Events of `--json`. Throws on a line that is not one JSON object. */
export function eventsIn(stderr: string): Record<string, unknown>[] {
  return stderr.split('\n').map(line => {
    const event: unknown = JSON.parse(line)
    if (typeof event !== 'object' || event === null || Array.isArray(event)) throw new Error(`not an object: ${line}`)
    return event as Record<string, unknown>
  })
}

/** Throws when the joined program is older than what the compiler wrote: a spec would try what is no longer there. */
function currentProgram(): string {
  const changedAt = (path: string): number =>
    statSync(`${projectRoot}dist/${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const joinedAt = changedAt('program/program.js')
  if (joinedAt > 0 && joinedAt < changedAt('.tsbuildinfo')) throw new Error('dist/program is old: npm run build')
  return `${projectRoot}dist/bin/bt-stream.js`
}
