import { expect } from 'chai'
import { SimulatedSwarm, type PeerProfile, type SimulationOptions } from '../support/simulated-swarm.js'
import type { SimulationResult } from '../support/simulated-swarm.js'

const MiB = 2 ** 20
const PIECE = 256 * 1024
const SEEDS = [1, 2, 3]

/** Six peers of one megabyte a second: what a promise is measured beside. */
const GOOD: PeerProfile = { n: 6, latency: 60, jitter: 40, kbps: 1000 }
/** A bit of everything, more than twice the bitrate in all. */
const MIXED: readonly PeerProfile[] = [
  { n: 6, latency: 60, jitter: 40, kbps: 800 },
  { n: 10, latency: 150, jitter: 150, kbps: 150 },
  { n: 4, latency: 300, jitter: 700, kbps: 40 },
  { n: 4, latency: 80, kbps: 400, stallAfter: 300_000 },
  { n: 2, latency: 60, kbps: 500, corrupt: 0.02 },
  { n: 4, latency: 100, kbps: 300, die: 2_000_000 },
  { n: 4, latency: 100, kbps: 300, have: 0.4 }
]

const simulate = (options: Partial<SimulationOptions> & { peers: readonly PeerProfile[] }): SimulationResult =>
  new SimulatedSwarm({ length: 64 * MiB, pieceLength: PIECE, ...options }).run()

/** The same swarm once for each seed. */
const simulateAll = (
  options: Partial<SimulationOptions> & { peers: readonly PeerProfile[] },
  seeds = SEEDS
): SimulationResult[] => seeds.map(seed => simulate({ ...options, seed }))

const total = (results: readonly SimulationResult[], figure: (result: SimulationResult) => number): number =>
  results.reduce((sum, result) => sum + figure(result), 0)
const most = (results: readonly SimulationResult[], figure: (result: SimulationResult) => number): number =>
  Math.max(...results.map(figure))
const quantile = (sorted: readonly number[], share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN

/** Whole, stalled no more than this over all seeds, and wasted under `waste` of the payload in each. */
function expectPlayed(results: readonly SimulationResult[], stalls: number, stalledMs: number, waste = 0.03): void {
  for (const { isComplete } of results) expect(isComplete).to.equal(true)
  expect(
    total(results, ({ stalls }) => stalls),
    'stalls'
  ).to.be.at.most(stalls)
  expect(
    total(results, ({ stalledMs }) => stalledMs),
    'ms stalled'
  ).to.be.at.most(stalledMs)
  expect(
    most(results, ({ wastedShare }) => wastedShare),
    'waste'
  ).to.be.below(waste)
}

describe('a simulated swarm', () => {
  it('gives the same figures for the same seed, others for another', () => {
    const options = { peers: MIXED, playKbps: 4000, length: 16 * MiB }
    expect(simulate({ ...options, seed: 7 })).to.deep.equal(simulate({ ...options, seed: 7 }))
    expect(simulate({ ...options, seed: 7 })).to.not.deep.equal(simulate({ ...options, seed: 8 }))
  })

  it('of good peers plays at once and hardly stalls', () => {
    const results = simulateAll({ peers: [GOOD], playKbps: 4000 })
    expectPlayed(results, 3, 100)
    expect(most(results, ({ firstByteMs }) => firstByteMs)).to.be.below(300)
  })

  it('of mixed peers hardly stalls', () => {
    const results = simulateAll({ peers: MIXED, playKbps: 4000, length: 128 * MiB }, [1, 2, 3, 4, 5])
    expectPlayed(results, 6, 1000, 0.03)
    expect(most(results, ({ firstByteMs }) => firstByteMs)).to.be.below(600)
    expect(total(results, ({ bannedHonest }) => bannedHonest)).to.equal(0)
  })

  it('with one far peer plays near its rate', () => {
    const results = simulateAll({ peers: [{ latency: 200, kbps: 8000 }], playKbps: 6000 })
    expectPlayed(results, 0, 0)
    expect(most(results, ({ firstByteMs }) => firstByteMs)).to.be.below(400)
    expect(most(results, ({ deliveredMs }) => deliveredMs)).to.be.below(64 * 128 * 1.15)
  })

  it('of 150 slow peers plays at their common rate', () => {
    const results = simulateAll({ peers: [{ n: 150, latency: 100, jitter: 100, kbps: 60 }], playKbps: 4000 }, [1, 2])
    expectPlayed(results, 0, 0)
    expect(most(results, ({ firstByteMs }) => firstByteMs)).to.be.below(700)
    expect(most(results, ({ longestGapMs }) => longestGapMs)).to.be.below(1000)
  })

  it('with 16 MiB pieces shares each of them among all peers', () => {
    const peers = [{ n: 8, latency: 60, jitter: 40, kbps: 2000 }]
    const results = simulateAll({ peers, playKbps: 6000, length: 128 * MiB, pieceLength: 16 * MiB }, [1, 2])
    expectPlayed(results, 0, 0, 0.06)
    expect(most(results, ({ firstByteMs }) => firstByteMs)).to.be.below(1024 * 1.6)
  })

  it('that is thin plays with what there is', () => {
    const peers = [
      { n: 3, latency: 80, kbps: 1500 },
      { n: 2, latency: 300, jitter: 500, kbps: 60 }
    ]
    expectPlayed(simulateAll({ peers, playKbps: 3000 }), 4, 400)
  })

  it('in which peers own half of the pieces plays near the sum of their rates', () => {
    const peers = [
      { latency: 80, kbps: 1500 },
      { n: 4, latency: 80, kbps: 1500, have: 0.5 }
    ]
    expectPlayed(simulateAll({ peers, playKbps: 3000 }), 4, 400)
  })
})

describe('a bad peer', () => {
  it('that goes silent in a piece costs a second once, with a second peer like it', () => {
    const peers = [
      { latency: 50, kbps: 2000, stallAfter: 5_000_000 },
      { latency: 60, kbps: 2000 }
    ]
    const results = simulateAll({ peers, length: 32 * MiB })
    expect(most(results, ({ longestGapMs }) => longestGapMs)).to.be.at.most(1000)
    expect(most(results, ({ wastedShare }) => wastedShare)).to.be.below(0.03)
  })

  it('that goes silent costs no more beside a much slower one', () => {
    const fast = { latency: 30, kbps: 4000, stallAfter: 6 * MiB }
    for (const n of [1, 2]) {
      const results = simulateAll({ peers: [fast, { n, latency: 80, kbps: 400 }], playKbps: 350, length: 32 * MiB })
      expectPlayed(results, 0, 0, 0.06)
      expect(most(results, ({ longestGapMs }) => longestGapMs)).to.be.at.most(1000)
    }
  })

  it('that lies in a third of its blocks disturbs little, and soon lies no more', () => {
    const peers = [
      { n: 6, latency: 60, kbps: 700 },
      { n: 3, latency: 60, kbps: 700, corrupt: 0.3 }
    ]
    const results = simulateAll({ peers, playKbps: 2500, length: 128 * MiB })
    expectPlayed(results, 8, 2500, 0.06)
    for (const { banned, bannedHonest } of results) expect([banned, bannedHonest]).to.deep.equal([3, 0])
  })

  it('that trickles costs nothing', () => {
    const results = simulateAll({ peers: [GOOD, { n: 4, latency: 100, kbps: 2 }], playKbps: 3000 })
    expectPlayed(results, 0, 0)
    expect(most(results, ({ longestGapMs }) => longestGapMs)).to.be.at.most(1000)
    expect(most(results, ({ deliveredMs }) => deliveredMs)).to.be.below((64 * 1024 * 1.1 * 1000) / 6000 + 500)
  })

  it('that hangs up again and again costs no stall', () => {
    expectPlayed(
      simulateAll({ peers: [{ n: 12, latency: 80, jitter: 20, kbps: 600, die: 2_000_000 }], playKbps: 3000 }),
      0,
      0
    )
  })

  it('that chokes and unchokes every two seconds costs no stall', () => {
    const peers = [
      { n: 10, latency: 60, kbps: 800, choke: 2 },
      { n: 4, latency: 80, kbps: 600 }
    ]
    expectPlayed(simulateAll({ peers, playKbps: 3500 }), 0, 0)
  })

  it('that never answers one request in a hundred costs less than a second in a whole film', () => {
    const peers = [{ n: 12, latency: 60, jitter: 40, kbps: 600, drop: 0.01 }]
    const results = simulateAll({ peers, playKbps: 3500 })
    expectPlayed(results, 6, 2000)
    expect(most(results, ({ longestGapMs }) => longestGapMs)).to.be.at.most(1000)
  })

  it('that lies is banned, another in the same pieces too, and nobody else', () => {
    const peers = [
      { n: 6, latency: 60, jitter: 40, kbps: 800 },
      { n: 2, latency: 60, kbps: 800, corrupt: 0.02 }
    ]
    for (const result of simulateAll({ peers, playKbps: 3000, pieceLength: MiB })) {
      expect([result.banned, result.bannedHonest]).to.deep.equal([2, 0])
      expect(result.wastedShare).to.be.below(0.15)
      expect(result.isComplete).to.equal(true)
    }
  })
})

describe('a reader', () => {
  it('that pauses stops the swarm after the read-ahead, and finds it there when it goes on', () => {
    const readAhead = 8 * MiB
    const results = simulateAll({ peers: [GOOD], pause: { from: 3000, for: 15_000 }, readAhead, length: 32 * MiB })
    for (const { duringPause, quietAfterMs, isComplete, wastedShare } of results) {
      expect(duringPause).to.be.at.most(readAhead + 2 * MiB)
      expect(quietAfterMs).to.be.at.most(((readAhead + 2 * MiB) * 1000) / 6_000_000 + 500)
      expect(wastedShare).to.be.below(0.03)
      expect(isComplete).to.equal(true)
    }
  })

  it('that goes to a hundred random places has its first byte nearly as soon as in an idle swarm', () => {
    const peers = [{ n: 20, latency: 60, jitter: 40, kbps: 400 }]
    const { seekMs, idleSeekMs } = simulate({
      peers,
      seeks: 100,
      length: 128 * MiB,
      readAhead: 8 * MiB,
      limitMs: 1_000_000
    })
    expect(seekMs).to.have.lengthOf(100)
    expect(idleSeekMs).to.have.lengthOf(100)
    expect(quantile(seekMs, 0.95)).to.be.at.most(1.5 * quantile(idleSeekMs, 0.5))
    expect(quantile(seekMs, 0.99)).to.be.at.most(1000)
  }).timeout(30_000)
})

describe('a whole download', () => {
  const peers = (kbps: number): PeerProfile[] => [
    { n: 4, latency: 60, kbps },
    { n: 6, latency: 200, jitter: 100, kbps: 20 }
  ]

  it('does not wait for slow peers at its end', () => {
    for (const { deliveredMs, wastedShare } of simulateAll({ peers: peers(1000), download: true, pieceLength: MiB })) {
      expect(deliveredMs).to.be.below((64 * 1024 * 1000) / 4000 + 2000)
      expect(wastedShare).to.be.below(0.03)
    }
  })

  it('does so with pieces of 16 MiB, too', () => {
    const options = { peers: peers(2000), download: true, length: 128 * MiB, pieceLength: 16 * MiB }
    for (const { deliveredMs, wastedShare } of simulateAll(options)) {
      expect(deliveredMs).to.be.below((128 * 1024 * 1000) / 8000 + 4000)
      expect(wastedShare).to.be.below(0.03)
    }
  })

  it('of peers that hang up, choke, drop and lie is whole all the same', () => {
    const bad = [
      { n: 3, latency: 60, kbps: 500, corrupt: 0.02 },
      { n: 4, latency: 60, kbps: 800, die: 3_000_000 },
      { n: 4, latency: 60, kbps: 800, drop: 0.02, choke: 3 },
      { n: 4, latency: 100, kbps: 300, have: 0.4 },
      { n: 2, latency: 100, kbps: 400 }
    ]
    for (const result of simulateAll({ peers: bad, download: true, length: 32 * MiB })) {
      expect(result.isComplete).to.equal(true)
      expect(result.bannedHonest).to.equal(0)
    }
  })
})
