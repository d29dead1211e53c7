/**
 * A `get` of 1 GiB at 50 MiB/s that is killed 200 times, at random moments and while its record is written. Reports what was lost (nothing, it must be)
 * and what had to be fetched again. `node dist/test/bench/kills.js [kills] [MiB] [seed]`
 */
import { killedGets } from '../support/killed-gets.js'

const MIB = 2 ** 20
const [kills = 200, mebibytes = 1024, seed = 1] = process.argv.slice(2).map(Number)
const startedAt = performance.now()
const report = await killedGets({
  kills,
  length: mebibytes * MIB,
  pieceLength: MIB,
  bytesPerSecond: 50 * MIB,
  longestMs: 4000,
  random: randomFrom(seed),
  onKill: ({ isInRecord, onDisk, fetchedAgain, lost }) => {
    const where = isInRecord ? 'in the record' : 'at random'
    process.stdout.write(
      `${where.padEnd(14)} ${inMiB(onDisk)} on disk, ${inMiB(fetchedAgain)} to fetch again, ${lost} lost\n`
    )
  }
})
const again = report.kills.map(({ fetchedAgain }) => fetchedAgain).sort((a, b) => a - b)
const lines = [
  `${report.kills.length} kills, ${report.kills.filter(({ isInRecord }) => isInRecord).length} of them in the record's write`,
  `${report.completed} downloads completed, ${report.wrong} of them wrong`,
  `pieces lost: ${report.kills.reduce((sum, { lost }) => sum + lost, 0)}`,
  `fetched again a kill: median ${inMiB(again[again.length >> 1] ?? 0)}, at most ${inMiB(again.at(-1) ?? 0)}`,
  `fetched again though it was on disk: ${inMiB(report.unseen)}`,
  `in ${Math.round((performance.now() - startedAt) / 1000)} s`
]
process.stdout.write(`${lines.join('\n')}\n`)
if (report.wrong > 0 || report.kills.some(({ lost }) => lost > 0)) process.exitCode = 1

function inMiB(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}

/** The same seed gives the same moments. */
function randomFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
