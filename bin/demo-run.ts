/** The demo's download: the real program in a process of its own, its output hashed in passing and piped into the real `tar`. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

export interface DemoRunOptions {
  readonly torrentPath: string
  readonly signal: AbortSignal
  /** Bytes that have passed so far. */
  readonly onBytes: (count: number) => void
}

export interface DemoResult {
  /** Of all that came out of the program, hexadecimal. */
  readonly sha256: string
  /** What `tar` printed; `undefined` where there is no `tar`. */
  readonly listing: readonly string[] | undefined
  /** The program's last event. */
  readonly end: Record<string, unknown>
}

/** Rejects with a `DemoError` when the program or `tar` fails. */
export async function runDemo({ torrentPath, signal, onBytes }: DemoRunOptions): Promise<DemoResult> {
  const args = [process.argv[1] ?? '', torrentPath, '--json', '--host', '127.0.0.1', '--port', '0']
  const program = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], signal })
  const tar = await startTar(signal)
  const hash = createHash('sha256')
  const piping = async (): Promise<void> => {
    let count = 0
    for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
      hash.update(chunk)
      onBytes((count += chunk.length))
      // `tar` may stop reading at the archive's end mark: no failure of ours, and its exit code is looked at.
      if (tar) await new Promise<void>(resolve => tar.stdin.write(chunk, () => resolve()))
    }
    tar?.stdin.end()
  }
  const [events, [exitCode]] = await Promise.all([
    linesOf(program.stderr),
    once(program, 'close') as Promise<[number | null]>,
    piping()
  ])
  if (exitCode !== 0) throw new DemoError(failureIn(events) ?? `the download ended with exit code ${String(exitCode)}`)
  return { sha256: hash.digest('hex'), listing: await tar?.listing, end: parse(events.at(-1)) }
}

/** The demo went wrong, which it must not. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
  readonly code = 'ERR_BT_INTERNAL'
}

/** `tar t`, or `undefined` on a machine without it. */
async function startTar(signal: AbortSignal): Promise<{ stdin: Writable; listing: Promise<string[]> } | undefined> {
  const child = spawn('tar', ['-tvf', '-'], { stdio: ['pipe', 'pipe', 'inherit'], signal })
  try {
    await once(child, 'spawn')
  } catch {
    return undefined
  }
  const closed = once(child, 'close') as Promise<[number | null]>
  const listing = Promise.all([linesOf(child.stdout), closed]).then(([lines, [exitCode]]) => {
    if (exitCode !== 0) throw new DemoError(`tar ended with exit code ${String(exitCode)}`)
    return lines
  })
  child.stdin.on('error', () => undefined)
  listing.catch(() => undefined)
  return { stdin: child.stdin, listing }
}

async function linesOf(stream: Readable): Promise<string[]> {
  const lines = []
  for await (const line of createInterface({ input: stream })) lines.push(line)
  return lines
}

function failureIn(events: readonly string[]): string | undefined {
  const message = events.map(parse).find(({ event }) => event === 'error')?.['message']
  return typeof message === 'string' ? message : undefined
}

function parse(line: string | undefined): Record<string, unknown> {
  try {
    return JSON.parse(line ?? '{}') as Record<string, unknown>
  } catch {
    return {}
  }
}
