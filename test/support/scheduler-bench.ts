/** A scheduler with peers that do what a spec tells them to, and a check of its books. No time passes by itself. */
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Geometry, type PieceIndex } from '../../lib/pieces/geometry.js'
import { ReadWindow } from '../../lib/pieces/read-window.js'
import type { BlockOutcome } from '../../lib/policy/request-book.js'
import { Scheduler } from '../../lib/policy/scheduler.js'
import type { ActivePiece, Supplier, SupplierPort } from '../../lib/policy/supplier.js'
import type { BlockSpan } from '../../lib/wire/message.js'

export interface BenchOptions {
  readonly pieces: number
  /** Blocks of every piece but the last, which has one block of 100 bytes less. */
  readonly blocks?: number
  /** Credits. */
  readonly slots?: number
  readonly random?: () => number
}

export class SchedulerBench {
  now = 0
  readonly geometry: Geometry
  readonly have: Bitfield
  readonly scheduler: Scheduler
  /** Pieces with all blocks, not judged yet. */
  readonly complete: ActivePiece[] = []
  slots: number
  readonly peers: BenchPeer[] = []
  #readers = 0

  constructor({ pieces, blocks = 4, slots = 1000, random = () => 0 }: BenchOptions) {
    this.geometry = new Geometry(pieces * blocks * BLOCK_LENGTH - 100, blocks * BLOCK_LENGTH)
    this.have = new Bitfield(pieces)
    this.slots = slots
    const credits = {
      take: (isUrgent: boolean) => {
        // As the pool does: a piece that a reader waits for may go over the budget, by one a reader.
        if (this.slots <= (isUrgent ? -this.#readers : 0)) return undefined
        this.slots--
        return { bytes: Buffer.alloc(0), release: () => this.slots++ }
      }
    }
    const { geometry, have } = this
    const onComplete = (piece: ActivePiece): void => void this.complete.push(piece)
    this.scheduler = new Scheduler({ geometry, have, credits, random, onComplete }, new Bitfield(pieces))
  }

  /** A peer that has these pieces (all, if they are not named) and lets us ask. */
  peer(pieces?: Iterable<number>, { isChoking = false, connectMs = 50 } = {}): BenchPeer {
    const peer = new BenchPeer(this, pieces ?? Array.from({ length: this.geometry.pieceCount }, (_, i) => i), connectMs)
    this.peers.push(peer)
    if (!isChoking) this.scheduler.onUnchoke(peer.supplier)
    return peer
  }

  /** A reader from piece `first` to the end of piece `last`, with read-ahead over `ahead` pieces. */
  read(first: number, last = this.geometry.pieceCount - 1, ahead = last - first + 1): ReadWindow {
    const { pieceLength, length } = this.geometry
    const window = new ReadWindow(
      this.geometry,
      first * pieceLength,
      Math.min(length, (last + 1) * pieceLength),
      this.now
    )
    window.readAhead = ahead * pieceLength
    window.isWaiting = true
    this.scheduler.addWindow(window)
    this.#readers++
    this.updateInterest()
    return window
  }

  /** The reader goes. */
  leave(window: ReadWindow): void {
    this.scheduler.removeWindow(window, this.now)
    this.#readers--
    this.updateInterest()
  }

  want(...pieces: number[]): void {
    this.scheduler.want(pieces)
    this.updateInterest()
  }

  updateInterest(): void {
    for (const supplier of this.scheduler.suppliers) this.scheduler.updateInterest(supplier)
  }

  /** Lets time pass and the scheduler decide. */
  run(ms = 0): number | undefined {
    this.now += ms
    return this.scheduler.run(this.now)
  }

  /** The hash of the first complete piece was looked at. */
  judge(isGood: boolean): PieceIndex | undefined {
    const piece = this.complete.shift()
    if (!piece) return undefined
    if (isGood) {
      this.have.set(piece.index)
      this.scheduler.onStored(piece.index)
    } else this.scheduler.onFailed(piece)
    piece.credit.release()
    return piece.index
  }

  /** Peers answer one block each in turn, `everyMs` apart, and pieces pass, until nothing is in flight or `isDone`. */
  deliver(everyMs = 10, isDone: () => boolean = () => false): void {
    this.run()
    while (this.peers.some(peer => peer.inFlight.length > 0) && !isDone()) {
      for (const peer of this.peers) {
        const [span] = peer.inFlight
        if (span) peer.send(span)
        while (this.complete.length > 0) this.judge(true)
      }
      this.run(everyMs)
    }
  }
}

export class BenchPeer implements SupplierPort {
  readonly supplier: Supplier
  /** Every request and cancel that left for it, in order. */
  readonly requested: BlockSpan[] = []
  readonly cancelled: BlockSpan[] = []
  /** Requests as the peer sees them: neither cancelled nor answered. */
  inFlight: BlockSpan[] = []
  isInterested = false
  readonly #bench: SchedulerBench

  constructor(bench: SchedulerBench, pieces: Iterable<number>, connectMs: number) {
    this.#bench = bench
    const field = new Bitfield(bench.geometry.pieceCount)
    for (const index of pieces) field.set(index)
    const { scheduler, now } = bench
    this.supplier = scheduler.addSupplier(this, new Bitfield(field.length), now, connectMs)
    scheduler.onBitfield(this.supplier, field)
  }

  request(spans: readonly BlockSpan[]): void {
    this.requested.push(...spans)
    this.inFlight.push(...spans)
  }

  cancel(spans: readonly BlockSpan[]): void {
    this.cancelled.push(...spans)
    for (const { piece, begin } of spans) {
      this.inFlight = this.inFlight.filter(span => span.piece !== piece || span.begin !== begin)
    }
  }

  setInterested(amInterested: boolean): void {
    this.isInterested = amInterested
  }

  send({ piece, begin, length }: BlockSpan): BlockOutcome {
    this.inFlight = this.inFlight.filter(span => span.piece !== piece || span.begin !== begin)
    const data = { length, copy: () => undefined }
    return this.#bench.scheduler.onBlock(this.supplier, piece, begin, data, this.#bench.now)
  }

  choke(): void {
    this.inFlight = []
    this.#bench.scheduler.onChoke(this.supplier, this.#bench.now)
  }

  unchoke(): void {
    this.#bench.scheduler.onUnchoke(this.supplier)
  }

  leave(): void {
    this.inFlight = []
    const { peers, scheduler, now } = this.#bench
    if (peers.includes(this)) peers.splice(peers.indexOf(this), 1)
    scheduler.removeSupplier(this.supplier, now)
  }

  /** `piece:block` of what it was asked for. */
  get asked(): string[] {
    return this.requested.map(nameOf)
  }
}

/** `piece:block` */
export function nameOf({ piece, begin }: BlockSpan): string {
  return `${piece}:${begin / BLOCK_LENGTH}`
}

/** What does not agree between pieces, peers and credits; empty when all is well. `slots`: how many credits there are in all. */
export function disagreements(bench: SchedulerBench, slots: number): string[] {
  const { scheduler } = bench
  const found: string[] = []
  const say = (isRight: boolean, what: string): void => {
    if (!isRight) found.push(what)
  }
  const open = new Set(scheduler.pieces.open())
  for (const piece of scheduler.pieces.all()) {
    let [missing, unrequested] = [0, 0]
    for (let block = 0; block < piece.blockCount; block++) {
      const name = `${piece.index}:${block}`
      const holders = piece.holders(block)
      if (!piece.isReceived(block)) missing++
      if (!piece.isReceived(block) && holders.length === 0) unrequested++
      say(!piece.isReceived(block) || holders.length === 0, `${name} is here and still asked for`)
      say(new Set(holders).size === holders.length, `${name} is held twice by one peer`)
      for (const holder of holders) {
        say(scheduler.suppliers.has(holder), `${name} is held by a peer that left`)
        say(holder.pipeline.has(scheduler.pieces.key(piece.index, block)), `${name} is not in its holder's pipeline`)
      }
    }
    say(piece.missing === missing, `${piece.index}: missing ${piece.missing}, counted ${missing}`)
    say(piece.unrequested === unrequested, `${piece.index}: unrequested ${piece.unrequested}, counted ${unrequested}`)
    say(open.has(piece) === unrequested > 0, `${piece.index}: open is ${open.has(piece)}`)
    say(missing > 0, `${piece.index} is complete and still active`)
  }
  for (const supplier of scheduler.suppliers) {
    let bytes = 0
    for (const { piece, block, length } of supplier.pipeline.requests()) {
      bytes += length
      say(scheduler.pieces.get(piece.index) === piece, `${piece.index}:${block} is asked for and not active`)
      say(piece.holders(block).includes(supplier), `${piece.index}:${block} does not know who holds it`)
    }
    say(supplier.pipeline.bytes === bytes, `bytes in flight ${supplier.pipeline.bytes}, counted ${bytes}`)
    say(!supplier.isChoking || supplier.pipeline.size === 0, 'a peer that chokes us holds requests')
  }
  for (const peer of bench.peers) {
    const theirs = peer.inFlight.map(nameOf).sort().join(' ')
    const ours = [...peer.supplier.pipeline.requests()].map(({ piece, block }) => `${piece.index}:${block}`).sort()
    say(ours.join(' ') === theirs, `the peer was asked for ${theirs}, we wait for ${ours.join(' ')}`)
  }
  const inUse = scheduler.pieces.size + bench.complete.length
  say(bench.slots + inUse === slots, `${slots - bench.slots} credits for ${inUse} pieces`)
  return found
}

/** Bytes that are asked for twice, now. */
export function doubledBytes(bench: SchedulerBench): number {
  let bytes = 0
  for (const piece of bench.scheduler.pieces.all()) {
    for (let block = 0; block < piece.blockCount; block++) {
      bytes += Math.max(0, piece.holders(block).length - 1) * piece.lengthOf(block)
    }
  }
  return bytes
}
