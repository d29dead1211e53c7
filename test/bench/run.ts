/** Runs the benchmarks and prints a line for each; `npm run bench -- WORD` runs those whose name holds the word. */
import { Bench } from 'tinybench'
import { addEncryptionTasks } from './encryption.bench.js'
import { addPickerTasks } from './picker.bench.js'
import { addPipelineTasks } from './pipeline.bench.js'

/** Bytes or operations in one run of a task, by its name. */
const UNITS: readonly [pattern: RegExp, count: number, unit: string][] = [
  [/^16 MiB/, 16, 'MiB'],
  [/^960 blocks/, 960, 'block'],
  [/^1000 HAVEs/, 1000, 'HAVE']
]

const word = process.argv[2] ?? ''
const all = new Bench({ time: 500, iterations: 8, warmupIterations: 4, warmupTime: 50 })
addPipelineTasks(all)
addPickerTasks(all)
addEncryptionTasks(all)
for (const { name } of [...all.tasks]) if (!name.includes(word)) all.remove(name)

for (const task of all.tasks) {
  await task.warmup()
  const { result } = await task.run()
  if (!('latency' in result)) throw new Error(`${task.name}: ${result.state}`)
  const ms = result.latency.p50
  const [, count, unit] = UNITS.find(([pattern]) => pattern.test(task.name)) ?? [/./, 1, 'run']
  const figure =
    unit === 'MiB' ? `${Math.round((count * 1000) / ms)} MiB/s` : `${((ms * 1000) / count).toFixed(2)} µs a ${unit}`
  process.stdout.write(`${task.name.padEnd(66)} ${figure}\n`)
}
