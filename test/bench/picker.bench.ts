/** What the choice of blocks costs, from a thousand pieces to a million, with 200 peers. */
import type { Bench } from 'tinybench'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Geometry } from '../../lib/pieces/geometry.js'
import { Rarity } from '../../lib/pieces/rarity.js'
import { ReadWindow } from '../../lib/pieces/read-window.js'
import { Scheduler } from '../../lib/policy/scheduler.js'
import type { Supplier } from '../../lib/policy/supplier.js'
import type { BlockSpan } from '../../lib/wire/message.js'

const PEERS = 200
const BLOCKS_PER_PIECE = 16
/** Pieces of 256 KiB in 64 MiB. */
const SLOTS = 256
const BLOCKS_A_RUN = 960
/** Blocks that come between two decisions. */
const BLOCKS_A_TURN = 64
/** Answered requests that are kept before the list of them is cut. */
const MOST_KEPT = 4096
const NO_COPY = (): void => undefined

/** What peers own: everything, half of it, or a hundredth. */
const SHARES = { seeds: 1, halves: 0.5, beginners: 0.01 } as const

function randomFrom(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

function fieldWith(pieces: number, share: number, random: () => number): Bitfield {
  const field = new Bitfield(pieces)
  if (share === 1) field.fill()
  else for (let i = Math.ceil(pieces * share); i > 0; i--) field.set(Math.floor(random() * pieces))
  return field
}

/** A scheduler whose peers answer at once: each block asked for is handed over, each piece stored. */
class Picking {
  readonly #scheduler: Scheduler
  readonly #have: Bitfield
  readonly #geometry: Geometry
  #asked: [Supplier, BlockSpan][] = []
  #answered = 0
  #window: ReadWindow | undefined
  readonly #isReading: boolean
  #now = 0

  constructor(pieces: number, share: number, isReading: boolean) {
    const random = randomFrom(1)
    const geometry = new Geometry(pieces * BLOCKS_PER_PIECE * BLOCK_LENGTH, BLOCKS_PER_PIECE * BLOCK_LENGTH)
    const have = new Bitfield(pieces)
    let slots = SLOTS
    const credit = { bytes: Buffer.alloc(0), release: () => slots++ }
    const scheduler: Scheduler = new Scheduler(
      {
        geometry,
        have,
        credits: {
          take: () => {
            if (slots === 0) return undefined
            slots--
            return credit
          }
        },
        random,
        onComplete: ({ index, credit }) => {
          credit.release()
          have.set(index)
          scheduler.onStored(index)
        }
      },
      new Bitfield(pieces)
    )
    this.#scheduler = scheduler
    this.#have = have
    this.#geometry = geometry
    this.#isReading = isReading
    for (let i = 0; i < PEERS; i++) this.#join(fieldWith(pieces, share, random))
    if (isReading) this.#open()
    else scheduler.want(Array.from({ length: pieces }, (_, index) => index))
    for (const supplier of scheduler.suppliers) scheduler.updateInterest(supplier)
  }

  /** Asks for blocks and takes them. */
  run(): void {
    for (let taken = 0; taken < BLOCKS_A_RUN;) {
      this.#now += 0.5
      this.#scheduler.run(this.#now)
      if (this.#asked.length === this.#answered) this.#restart()
      taken += this.#answer(Math.min(BLOCKS_A_TURN, this.#asked.length - this.#answered))
      if (this.#window) while (this.#have.has(this.#window.first) && !this.#window.isDone) this.#take(this.#window)
    }
  }

  /** The oldest requests have their blocks. */
  #answer(count: number): number {
    for (const end = this.#answered + count; this.#answered < end; this.#answered++) {
      const next = this.#asked[this.#answered]
      if (!next) break
      const [supplier, { piece, begin, length }] = next
      this.#scheduler.onBlock(supplier, piece, begin, { length, copy: NO_COPY }, this.#now)
    }
    if (this.#answered < MOST_KEPT) return count
    this.#asked = this.#asked.slice(this.#answered)
    this.#answered = 0
    return count
  }

  #join(pieces: Bitfield): void {
    const port = {
      request: (spans: readonly BlockSpan[]) => {
        for (const span of spans) this.#asked.push([supplier, span])
      },
      cancel: () => undefined,
      setInterested: () => undefined
    }
    const supplier: Supplier = this.#scheduler.addSupplier(port, new Bitfield(pieces.length), 0, 1)
    this.#scheduler.onBitfield(supplier, pieces)
    this.#scheduler.onUnchoke(supplier)
  }

  #open(): void {
    this.#window = new ReadWindow(this.#geometry, 0, this.#geometry.length, this.#now)
    this.#window.readAhead = 32 * 2 ** 20
    this.#window.isWaiting = true
    this.#scheduler.addWindow(this.#window)
  }

  #take(window: ReadWindow): void {
    const { first } = window
    window.take(this.#geometry.lengthOf(first), this.#now)
    window.isWaiting = true
  }

  /** All that can be had is here: begins anew. */
  #restart(): void {
    for (let index = 0; index < this.#have.length; index++) {
      if (this.#have.clear(index)) this.#scheduler.onLost(index)
    }
    if (!this.#isReading) return
    if (this.#window) this.#scheduler.removeWindow(this.#window, this.#now)
    this.#open()
  }
}

export function addPickerTasks(bench: Bench): void {
  for (const pieces of [1000, 100_000, 1_000_000]) {
    for (const [name, share] of Object.entries(SHARES)) {
      for (const way of ['reader', 'get']) {
        let picking: Picking | undefined
        bench.add(`${BLOCKS_A_RUN} blocks, ${way}, ${pieces} pieces, ${PEERS} ${name}`, () => picking?.run(), {
          beforeAll: () => {
            picking ??= new Picking(pieces, share, way === 'reader')
          },
          afterAll: (mode: string | undefined) => {
            if (mode === 'run') picking = undefined
          }
        })
      }
    }
    addRarityTasks(bench, pieces)
  }
}

function addRarityTasks(bench: Bench, pieces: number): void {
  const random = randomFrom(2)
  let rarity = new Rarity(0)
  let half = new Bitfield(0)
  const beforeAll = (): void => {
    rarity = new Rarity(pieces)
    half = fieldWith(pieces, 0.5, random)
    for (let index = 0; index < pieces; index++) rarity.include(index)
  }
  bench.add(
    `1000 HAVEs, ${pieces} pieces`,
    () => {
      for (let i = 0; i < 1000; i++) rarity.onHave(Math.floor(random() * pieces))
    },
    // The counts of one round are undone, so that they stay what 200 peers can bring.
    { beforeEach: beforeAll }
  )
  bench.add(
    `a peer with half of ${pieces} pieces comes and goes`,
    () => {
      rarity.addPeer(half)
      rarity.removePeer(half)
    },
    { beforeAll }
  )
}
