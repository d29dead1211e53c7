/**
 * What a lookup costs among many nodes of ours in one process, in virtual time: `node dist/test/bench/dht-lookup.js [nodes] [lookups] [share]`.
 * Each looks for what another node has announced. `share`: of nodes whose ids do not follow their addresses (BEP 42); without it the rule is for none.
 */
import { SimulatedDht } from '../support/simulated-dht.js'

const [nodes = 1000, lookups = 200, wrongIds] = process.argv.slice(2).map(Number)
const net = new SimulatedDht({ seed: 42, wrongIds })
await net.grow(nodes)
const asked: number[] = []
const firstMs: number[] = []
const tookMs: number[] = []
let hits = 0
for (let i = 0; i < lookups; i++) {
  const [target, announcer, finder] = [net.randomId(), net.pick(), net.pick()]
  const walk = async (node: typeof finder, onPeers: (count: number) => void) => {
    let isDone = false
    const walking = node.dht.findPeers(target, ({ peers }) => onPeers(peers.length))
    void walking.then(() => (isDone = true))
    await net.clock.advance(60_000, () => isDone)
    return await walking
  }
  const { storers } = await walk(announcer, () => undefined)
  announcer.dht.announce(target, storers, 7000, false)
  await net.clock.advance(5000)
  const startedAt = net.clock.now()
  let first: number | undefined
  const result = await walk(finder, count => {
    if (count > 0) first ??= net.clock.now() - startedAt
  })
  if (first !== undefined) hits++
  asked.push(result.asked)
  firstMs.push(first ?? Infinity)
  tookMs.push(net.clock.now() - startedAt)
  await net.clock.advance(5000)
}
net.close()

const at = (values: number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const line = (values: number[]): string =>
  `median ${at(values, 0.5).toFixed(0)}, 95th percentile ${at(values, 0.95).toFixed(0)}, most ${at(values, 1).toFixed(0)}`
say(`${nodes} nodes, 25 to 50 ms one way, ${lookups} lookups`)
say(`hit rate ${((100 * hits) / lookups).toFixed(1)} %`)
say(`questions a lookup: ${line(asked)}`)
say(`first peer after (ms): ${line(firstMs)}; steps at 75 ms each: ${(at(firstMs, 0.5) / 75).toFixed(1)}`)
say(`whole lookup (ms): ${line(tookMs)}`)
