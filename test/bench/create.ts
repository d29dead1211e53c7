/**
 * Making and verifying a torrent of one large file that is in the page cache, beside `mktorrent -t 2`; runs take turns.
 * `node dist/test/bench/create.js [GiB] [rounds]`
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { PROGRAM } from '../support/program.js'

const MIB = 2 ** 20
const gibibytes = Number(process.argv[2] ?? 4)
const rounds = Number(process.argv[3] ?? 5)
const dir = mkdtempSync(join(tmpdir(), 'bt-bench-create-'))
const data = join(dir, 'data')
const [ours, theirs] = [join(dir, 'ours.torrent'), join(dir, 'theirs.torrent')]

const contestants: readonly [name: string, command: string, args: readonly string[]][] = [
  ['mktorrent -t 2', 'mktorrent', ['-t', '2', '-l', '21', '-o', theirs, data]],
  ['create', process.execPath, [PROGRAM, 'create', data, '-q', '-o', ours, '--piece-length', '2MiB']],
  ['verify', process.execPath, [PROGRAM, 'verify', ours, '--dir', dir, '-q']]
]

try {
  fill()
  const times = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    rmSync(ours, { force: true })
    for (const [name, command, args] of contestants) {
      rmSync(theirs, { force: true })
      const startedAt = performance.now()
      const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
      if (status !== 0) throw new Error(`${name}: ${stderr}`)
      times.set(name, [...(times.get(name) ?? []), performance.now() - startedAt])
    }
  }
  for (const [name, all] of times) process.stdout.write(`${lineOf(name, all)}\n`)
} finally {
  rmSync(dir, { recursive: true })
}

/** Content that does not compress, 64 MiB of it again and again: it is only hashed. */
function fill(): void {
  const part = randomBytesSeeded('create', 64 * MIB)
  const file = openSync(data, 'w')
  for (let i = 0; i < gibibytes * 16; i++) writeSync(file, part)
  closeSync(file)
}

function lineOf(name: string, all: number[]): string {
  const sorted = all.sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN
  const rate = Math.round((gibibytes * 1024 * 1000) / median)
  return `${name.padEnd(16)} median ${(median / 1000).toFixed(2)} s, ${rate} MiB/s; ${sorted.map(ms => (ms / 1000).toFixed(2)).join(' ')}`
}
