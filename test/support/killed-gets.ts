/**
 * `bt-stream get` killed again and again (SIGKILL: no last words) and started again, until it is complete: what that cost, and whether anything was lost.
 * Looks at the files itself and believes neither the record nor the program.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { randomBytesSeeded } from './make-torrent.js'
import { PROGRAM } from './program.js'
import { Seeder } from './seeder.js'
import { ThrottledLine } from './throttled-line.js'

export interface KilledGetsOptions {
  readonly kills: number
  /** Bytes of the torrent, and of a piece. */
  readonly length: number
  readonly pieceLength: number
  readonly bytesPerSecond: number
  /** The longest that a run lives, ms. */
  readonly longestMs: number
  readonly random: () => number
  readonly onKill?: (kill: Kill) => void
}

export interface Kill {
  /** While the record was written, rather than at a random moment. */
  readonly isInRecord: boolean
  /** Bytes in right pieces on disk afterwards. */
  readonly onDisk: number
  /** Bytes that came and are not on disk. */
  readonly fetchedAgain: number
  /** Pieces that were right on disk at the kill before, or that the record names, and are not right now. */
  readonly lost: number
}

export interface KilledGetsReport {
  readonly kills: readonly Kill[]
  /** Downloads that were completed, and of them those that are not byte for byte what they must be. */
  readonly completed: number
  readonly wrong: number
  /** Bytes that came in all, beyond what was completed and what kills cost: the program did not see that it had them. */
  readonly unseen: number
}

const NAME = 'content'

export async function killedGets(options: KilledGetsOptions): Promise<KilledGetsReport> {
  const data = randomBytesSeeded('killed', options.length)
  const seeder = await Seeder.start({ name: NAME, pieceLength: options.pieceLength, data })
  const line = await ThrottledLine.open(seeder.address, options.bytesPerSecond)
  try {
    return await new KilledGets(options, data, seeder, line).run()
  } finally {
    await line.close()
    await seeder.close()
  }
}

class KilledGets {
  readonly #options: KilledGetsOptions
  readonly #data: Buffer
  readonly #seeder: Seeder
  readonly #line: ThrottledLine
  readonly #dir: string
  readonly #kills: Kill[] = []
  #right = new Set<number>()

  constructor(options: KilledGetsOptions, data: Buffer, seeder: Seeder, line: ThrottledLine) {
    this.#options = options
    this.#data = data
    this.#seeder = seeder
    this.#line = line
    this.#dir = join(seeder.folder, 'target')
  }

  async run(): Promise<KilledGetsReport> {
    let [completed, wrong, spent] = [0, 0, 0]
    while (this.#kills.length < this.#options.kills || completed === 0) {
      this.#begin()
      while (this.#kills.length < this.#options.kills && !(await this.#killOnce()));
      if ((await this.#get()) !== 0) wrong++
      else if (!readFileSync(join(this.#dir, NAME)).equals(this.#data)) wrong++
      completed++
      spent = this.#line.passed
    }
    const again = this.#kills.reduce((sum, { fetchedAgain }) => sum + fetchedAgain, 0)
    return { kills: this.#kills, completed, wrong, unseen: spent - completed * this.#data.length - again }
  }

  #begin(): void {
    rmSync(this.#dir, { recursive: true, force: true })
    mkdirSync(this.#dir)
    this.#right = new Set()
  }

  /** To the end; resolves to the exit code. */
  async #get(): Promise<number | null> {
    const [exitCode] = (await once(this.#start(), 'exit')) as [number | null]
    return exitCode
  }

  /** True when it was complete before it could be killed. */
  async #killOnce(): Promise<boolean> {
    const { random, longestMs } = this.#options
    const before = this.#line.passed
    const isInRecord = random() < 0.3
    const child = this.#start()
    const ended = once(child, 'exit')
    const abort = new AbortController()
    const moment = isInRecord ? this.#recordWritten(abort.signal) : delay(random() * longestMs, undefined, abort)
    await Promise.race([ended, moment.catch(() => undefined)])
    child.kill('SIGKILL')
    await ended
    abort.abort()
    if (child.exitCode === 0) return true
    await this.#line.whenIdle()
    await this.#judge(isInRecord, this.#line.passed - before)
    return false
  }

  #start() {
    const args = ['get', this.#seeder.path, '-o', this.#dir, '--no-discovery', '--peer', this.#line.address, '-q']
    return spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  }

  /** Resolves while a record is being written: its temporary file is there, or was a moment ago. */
  async #recordWritten(signal: AbortSignal): Promise<void> {
    const { random, longestMs } = this.#options
    const watcher = watch(this.#dir, { signal })
    const patience = AbortSignal.timeout(4 * longestMs)
    let toSkip = Math.floor(random() * 3)
    try {
      for (;;) {
        const [, name] = (await once(watcher, 'change', { signal: patience })) as [string, string]
        if (name.endsWith('.tmp') && toSkip-- <= 0) break
      }
    } finally {
      watcher.close()
    }
    const until = performance.now() + random() * 2
    while (performance.now() < until);
  }

  async #judge(isInRecord: boolean, passed: number): Promise<void> {
    const right = await this.#rightPieces()
    const gone = [...this.#right, ...this.#recorded()].filter(index => !right.has(index))
    const onDisk = this.#bytesOf(right)
    const kill = { isInRecord, onDisk, fetchedAgain: passed - (onDisk - this.#bytesOf(this.#right)), lost: gone.length }
    this.#right = right
    this.#kills.push(kill)
    this.#options.onKill?.(kill)
  }

  async #rightPieces(): Promise<Set<number>> {
    const right = new Set<number>()
    const path = join(this.#dir, NAME)
    if (!existsSync(path)) return right
    const { pieceLength } = this.#options
    const file = await open(path)
    const piece = Buffer.alloc(pieceLength)
    for (let index = 0; index * pieceLength < this.#data.length; index++) {
      const expected = this.#data.subarray(index * pieceLength, (index + 1) * pieceLength)
      const { bytesRead } = await file.read(piece, 0, expected.length, index * pieceLength)
      if (bytesRead === expected.length && piece.subarray(0, bytesRead).equals(expected)) right.add(index)
    }
    await file.close()
    return right
  }

  /** What the record says is safe. */
  #recorded(): number[] {
    const path = join(this.#dir, `.${this.#seeder.made.infoHash}.bt-stream`)
    if (!existsSync(path)) return []
    const [, head = '{}'] = readFileSync(path, 'utf8').split('\n')
    const { pieces = '' } = JSON.parse(head) as { pieces?: string }
    const bits = Buffer.from(pieces, 'base64')
    return [...bits.keys()].flatMap(byte => bitsOf(bits[byte] ?? 0).map(bit => byte * 8 + bit))
  }

  #bytesOf(pieces: ReadonlySet<number>): number {
    const { pieceLength } = this.#options
    let bytes = 0
    for (const index of pieces) bytes += Math.min(pieceLength, this.#data.length - index * pieceLength)
    return bytes
  }
}

/** Numbers of the bits that are set, the high one first. */
function bitsOf(byte: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter(bit => (byte & (0x80 >>> bit)) !== 0)
}
