/**
 * A swarm in virtual time around the real scheduler: peers with latency, jitter, rate and bad manners, one reader that takes what is
 * ready and a player that consumes it. No sockets, no clock of the machine: the same seed gives the same run.
 */
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Geometry } from '../../lib/pieces/geometry.js'
import { ReadWindow } from '../../lib/pieces/read-window.js'
import { SmartBan } from '../../lib/pieces/smart-ban.js'
import { Scheduler } from '../../lib/policy/scheduler.js'
import type { ActivePiece, Supplier, SupplierPort } from '../../lib/policy/supplier.js'
import type { BlockSpan } from '../../lib/wire/message.js'

/** How a peer behaves; what is left out is 0 or never. */
export interface PeerProfile {
  readonly n?: number
  /** ms from a request until its block starts to flow, and a random part on top. */
  readonly latency?: number
  readonly jitter?: number
  /** KiB/s; none: at once. */
  readonly kbps?: number
  /** Probability that a block is wrong, or that a request is never answered. */
  readonly corrupt?: number
  readonly drop?: number
  /** Bytes after which it hangs up; it takes us back when dialled again. */
  readonly die?: number
  /** Share of the pieces it has. */
  readonly have?: number
  /** Seconds between choke and unchoke. */
  readonly choke?: number
  readonly unchokeAfter?: number
  /** Bytes after which it says nothing more but stays. */
  readonly stallAfter?: number
}

export interface SimulationOptions {
  readonly seed?: number
  readonly length: number
  readonly pieceLength: number
  readonly peers: readonly PeerProfile[]
  /** KiB/s at which the player consumes what was delivered. */
  readonly playKbps?: number
  /** The reader takes nothing from this moment on for so long, ms. */
  readonly pause?: { readonly from: number; readonly for: number }
  /** Fetch everything instead of reading in order. */
  readonly download?: boolean
  readonly readAhead?: number
  readonly limitMs?: number
  /** How long a piece's hash takes, ms. */
  readonly verifyMs?: number
  /**
   * Instead of reading to the end: so many times the reader reads for a while and then goes to a random place; and as often it
   * leaves, and comes back to a random place when the swarm is idle.
   */
  readonly seeks?: number
}

export interface SimulationResult {
  readonly firstByteMs: number
  readonly stalls: number
  readonly stalledMs: number
  readonly deliveredMs: number
  readonly wastedShare: number
  /** Bytes that peers sent between the start and the end of the pause. */
  readonly duringPause: number
  /** From the pause's begin to the last byte that came in it, ms. */
  readonly quietAfterMs: number
  readonly banned: number
  /** Of them, peers that never sent a wrong block. */
  readonly bannedHonest: number
  /** The longest time in which a reader got nothing, after its first byte. */
  readonly longestGapMs: number
  /** Times to first byte after seeks while reading, and for a reader that comes to an idle swarm; sorted. */
  readonly seekMs: readonly number[]
  readonly idleSeekMs: readonly number[]
  readonly isComplete: boolean
}

interface Flow extends BlockSpan {
  readonly readyAt: number
  flows: boolean
}

interface Event {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

const RECONNECT_MS = 1000
const PLAYER_TICK_MS = 20
/** Before each seek the reader reads for this long; an idle swarm has had this long to calm down. */
const BEFORE_SEEK_MS = 700
const IDLE_MS = 2000

export class SimulatedSwarm {
  now = 0
  readonly options: SimulationOptions
  readonly geometry: Geometry
  readonly have: Bitfield
  readonly scheduler: Scheduler
  window: ReadWindow
  readonly #smartBan = new SmartBan<Supplier>()
  readonly #events: Event[] = []
  readonly #peers: SimulatedPeer[] = []
  readonly #wrong = new Set<string>()
  #order = 0
  #state: number
  #runAt: number | undefined
  #slots: number
  #delivered = 0
  #firstByteAt: number | undefined
  #deliveredAt: number | undefined
  #stalls = 0
  #stalledMs = 0
  #sentAtPause = 0
  #sentAfterPause = 0
  #banned = 0
  #bannedHonest = 0
  #lastSentAt = 0
  #quietAfterMs = 0
  #deliveredLastAt: number | undefined
  #longestGapMs = 0
  #soughtAt: number | undefined
  #seekTimes: number[] = []
  readonly #seekMs: number[] = []
  readonly #idleSeekMs: number[] = []
  readonly #unread = new Set<number>()

  constructor(options: SimulationOptions) {
    this.options = options
    this.#state = options.seed ?? 1
    this.geometry = new Geometry(options.length, options.pieceLength)
    this.have = new Bitfield(this.geometry.pieceCount)
    this.#slots = Math.floor((64 * 2 ** 20) / options.pieceLength)
    const credits = { take: () => this.#credit() }
    const onComplete = (piece: ActivePiece): void => this.#onComplete(piece)
    const { geometry, have } = this
    const random = (): number => this.random()
    this.scheduler = new Scheduler({ geometry, have, credits, random, onComplete }, new Bitfield(geometry.pieceCount))
    this.window = new ReadWindow(this.geometry, 0, options.length, 0)
    this.window.readAhead = options.readAhead ?? 32 * 2 ** 20
    this.window.isWaiting = true
    if (options.download) this.scheduler.want(Array.from({ length: geometry.pieceCount }, (_, index) => index))
    else this.scheduler.addWindow(this.window)
    for (const profile of options.peers) {
      for (let i = 0; i < (profile.n ?? 1); i++) this.#peers.push(new SimulatedPeer(this, profile))
    }
  }

  run(): SimulationResult {
    const limit = this.options.limitMs ?? 300_000
    for (const peer of this.#peers) this.at(0, () => peer.connect())
    this.at(0, () => this.#play(0, false))
    if (this.options.seeks !== undefined) this.at(IDLE_MS, () => this.#seek(this.options.seeks ?? 0, false))
    const { pause } = this.options
    if (pause) {
      this.at(pause.from, () => (this.#sentAtPause = this.#sent))
      this.at(pause.from + pause.for, () => {
        this.#sentAfterPause = this.#sent
        this.#quietAfterMs = Math.max(0, this.#lastSentAt - pause.from)
        this.read()
      })
    }
    while (this.#events.length > 0 && !this.#isOver()) {
      const event = this.#pop()
      if (event.at > limit) break
      this.now = event.at
      event.act()
    }
    return {
      firstByteMs: this.#firstByteAt ?? Infinity,
      stalls: this.#stalls,
      stalledMs: this.#stalledMs,
      deliveredMs: this.#deliveredAt ?? Infinity,
      wastedShare: this.scheduler.requests.wasted / this.options.length,
      duringPause: this.#sentAfterPause - this.#sentAtPause,
      quietAfterMs: this.#quietAfterMs,
      banned: this.#banned,
      bannedHonest: this.#bannedHonest,
      longestGapMs: this.#longestGapMs,
      seekMs: this.#seekMs.toSorted((a, b) => a - b),
      idleSeekMs: this.#idleSeekMs.toSorted((a, b) => a - b),
      isComplete: this.#deliveredAt !== undefined
    }
  }

  random(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return this.#state / 2 ** 32
  }

  at(at: number, act: () => void): void {
    const event = { at, order: this.#order++, act }
    let i = this.#events.length
    this.#events.push(event)
    for (let parent = (i - 1) >> 1; i > 0 && before(event, this.#events[parent]!); i = parent, parent = (i - 1) >> 1) {
      this.#events[i] = this.#events[parent]!
    }
    this.#events[i] = event
  }

  /** Lets the scheduler decide, now or at the time it asked for. */
  decide(): void {
    this.#plan(this.now)
  }

  block(supplier: Supplier, { piece, begin, length }: BlockSpan, isWrong: boolean): void {
    const data = { length, copy: () => undefined }
    const key = `${piece}:${begin}`
    this.#lastSentAt = this.now
    const before = this.scheduler.requests.received
    const wasWrong = this.#wrong.has(key)
    this.#setWrong(key, isWrong)
    const outcome = this.scheduler.onBlock(supplier, piece, begin, data, this.now)
    if (outcome !== 'taken') this.#setWrong(key, wasWrong)
    if (this.scheduler.requests.received < before) throw new Error('received went back')
    this.decide()
  }

  #setWrong(key: string, isWrong: boolean): void {
    if (isWrong) this.#wrong.add(key)
    else this.#wrong.delete(key)
  }

  /** The reader takes all that is ready. */
  read(): void {
    const { pause } = this.options
    if (pause && this.now >= pause.from && this.now < pause.from + pause.for) return
    while (!this.window.isDone && this.have.has(this.window.first)) {
      const index = this.window.first
      const end = this.geometry.pieceOffset(index) + this.geometry.lengthOf(index)
      this.#delivered += end - this.window.position
      this.window.isWaiting = false
      this.window.take(end - this.window.position, this.now)
      this.#firstByteAt ??= this.now
      if (this.#unread.delete(index)) this.#slots++
      this.#noteDelivery()
    }
    this.window.isWaiting = !this.window.isDone && !this.have.has(this.window.first)
    if (this.#delivered >= this.options.length && this.options.seeks === undefined) this.#deliveredAt ??= this.now
    this.decide()
  }

  ban(guilty: Supplier): void {
    for (const peer of this.#peers) {
      if (peer.supplier !== guilty) continue
      peer.isBanned = true
      peer.hangUp()
      this.#banned++
      if (peer.isHonest) this.#bannedHonest++
    }
  }

  get #sent(): number {
    return this.#peers.reduce((sum, peer) => sum + peer.sent, 0)
  }

  #isOver(): boolean {
    return this.#deliveredAt !== undefined
  }

  #credit(): { bytes: Buffer; release: () => unknown } | undefined {
    if (this.#slots <= 0) return undefined
    this.#slots--
    return { bytes: Buffer.alloc(0), release: () => this.#slots++ }
  }

  #noteDelivery(): void {
    if (this.#soughtAt !== undefined) {
      this.#seekTimes.push(this.now - this.#soughtAt)
      this.#soughtAt = undefined
    } else if (this.#deliveredLastAt !== undefined) {
      this.#longestGapMs = Math.max(this.#longestGapMs, this.now - this.#deliveredLastAt)
    }
    this.#deliveredLastAt = this.now
  }

  /** Goes to a random place; what was fetched before is dropped. After `left` times the run is over. */
  #seek(left: number, isIdle: boolean): void {
    this.#leave()
    if (left === 0) {
      this.#deliveredAt = this.now
      return
    }
    this.#seekTimes = isIdle ? this.#idleSeekMs : this.#seekMs
    this.at(this.now + (isIdle ? IDLE_MS : 0), () => {
      const index = Math.floor(this.random() * this.geometry.pieceCount * 0.9)
      this.window = new ReadWindow(this.geometry, index * this.geometry.pieceLength, this.options.length, this.now)
      this.window.readAhead = this.options.readAhead ?? 32 * 2 ** 20
      this.window.isWaiting = true
      this.#soughtAt = this.now
      this.scheduler.addWindow(this.window)
      for (const supplier of this.scheduler.suppliers) this.scheduler.updateInterest(supplier)
      this.decide()
    })
    // Long enough for the slowest first byte; the next seek is counted from there.
    const next = (): void => {
      if (this.#soughtAt !== undefined) this.at(this.now + 50, next)
      else this.at(this.now + BEFORE_SEEK_MS, () => this.#seek(isIdle ? left - 1 : left, !isIdle))
    }
    this.at(this.now + (isIdle ? IDLE_MS : 0) + 1, next)
  }

  #leave(): void {
    this.scheduler.removeWindow(this.window, this.now)
    this.#deliveredLastAt = undefined
    for (let index = 0; index < this.have.length; index++) if (this.have.clear(index)) this.scheduler.onLost(index)
    this.#slots += this.#unread.size
    this.#unread.clear()
    this.decide()
  }

  #onComplete(piece: ActivePiece): void {
    const { verifyMs } = this.options
    if (verifyMs === undefined) this.#verify(piece)
    else this.at(this.now + verifyMs, () => this.#verify(piece))
  }

  #verify(piece: ActivePiece): void {
    const keys = Array.from({ length: piece.blockCount }, (_, block) => `${piece.index}:${block * BLOCK_LENGTH}`)
    const isWrong = keys.some(key => this.#wrong.has(key))
    // The block's wrongness stands in for its bytes.
    const bytes = Buffer.alloc(piece.blockCount * BLOCK_LENGTH)
    keys.forEach(
      (key, block) => (bytes[block * BLOCK_LENGTH] = this.#wrong.has(key) ? 1 + Math.floor(this.random() * 254) : 0)
    )
    if (isWrong) {
      for (const key of keys) this.#wrong.delete(key)
      const guilty = this.#smartBan.onFailed({ index: piece.index, bytes, senders: piece.senders })
      this.scheduler.onFailed(piece)
      piece.credit.release()
      if (guilty) this.ban(guilty)
    } else {
      for (const guilty of this.#smartBan.onPassed(piece.index, bytes)) this.ban(guilty)
      const isNew = this.have.set(piece.index)
      this.scheduler.onStored(piece.index)
      if (!isNew) piece.credit.release()
      else if (!this.options.download) this.#unread.add(piece.index)
      if (this.options.download) {
        if (isNew) piece.credit.release()
        if (this.have.isComplete) this.#deliveredAt = this.now
      }
    }
    if (!this.options.download) this.read()
    this.decide()
  }

  /** A player that starts with the first byte and stalls while the next is not there. */
  #play(playhead: number, isStalled: boolean): void {
    const { playKbps } = this.options
    if (playKbps === undefined) return
    let [next, stalled] = [playhead, isStalled]
    if (this.#firstByteAt !== undefined) {
      const want = (PLAYER_TICK_MS / 1000) * playKbps * 1024
      if (playhead + want <= this.#delivered) [next, stalled] = [playhead + want, false]
      else {
        if (!stalled) this.#stalls++
        stalled = true
        next = this.#delivered
        this.#stalledMs += PLAYER_TICK_MS
      }
    }
    this.at(this.now + PLAYER_TICK_MS, () => this.#play(next, stalled))
  }

  #plan(at: number): void {
    if (this.#runAt !== undefined && this.#runAt <= at) return
    this.#runAt = at
    this.at(at, () => {
      if (this.#runAt !== at) return
      this.#runAt = undefined
      const wakeAt = this.scheduler.run(this.now)
      if (wakeAt !== undefined) this.#plan(Math.max(wakeAt, this.now + 1))
    })
  }

  #pop(): Event {
    const top = this.#events[0]!
    const last = this.#events.pop()!
    if (this.#events.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= this.#events.length) break
      if (child + 1 < this.#events.length && before(this.#events[child + 1]!, this.#events[child]!)) child++
      if (!before(this.#events[child]!, last)) break
      this.#events[i] = this.#events[child]!
      i = child
    }
    this.#events[i] = last
    return top
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** One simulated seeder: answers requests in order at its rate, forgets them on choke, honours CANCEL. */
class SimulatedPeer implements SupplierPort {
  supplier: Supplier | undefined
  isBanned = false
  /** Never sent a wrong block. */
  isHonest = true
  sent = 0
  readonly #swarm: SimulatedSwarm
  readonly #profile: PeerProfile
  readonly #pieces: Bitfield
  #queue: Flow[] = []
  #freeAt = 0
  #sentNow = 0
  #isFlowing = false
  #session = 0

  constructor(swarm: SimulatedSwarm, profile: PeerProfile) {
    this.#swarm = swarm
    this.#profile = profile
    this.#pieces = new Bitfield(swarm.geometry.pieceCount)
    for (let i = 0; i < this.#pieces.length; i++) if (swarm.random() < (profile.have ?? 1)) this.#pieces.set(i)
  }

  connect(): void {
    if (this.isBanned) return
    const { scheduler, now } = this.#swarm
    this.#session++
    this.#sentNow = 0
    this.#queue = []
    this.#isFlowing = false
    const supplier = scheduler.addSupplier(this, new Bitfield(this.#pieces.length), now, 1)
    this.supplier = supplier
    scheduler.onBitfield(supplier, this.#pieces)
    this.#setChoking(false, now + 1 + (this.#profile.unchokeAfter ?? 0), this.#session)
  }

  hangUp(): void {
    if (!this.supplier) return
    this.#session++
    this.#swarm.scheduler.removeSupplier(this.supplier, this.#swarm.now)
    this.supplier = undefined
    this.#swarm.decide()
  }

  request(spans: readonly BlockSpan[]): void {
    if (this.#profile.stallAfter !== undefined && this.#sentNow >= this.#profile.stallAfter) return
    for (const span of spans) {
      if (this.#swarm.random() < (this.#profile.drop ?? 0)) continue
      const readyAt =
        this.#swarm.now + (this.#profile.latency ?? 0) + this.#swarm.random() * (this.#profile.jitter ?? 0)
      this.#queue.push({ ...span, readyAt, flows: false })
    }
    this.#flow()
  }

  cancel(spans: readonly BlockSpan[]): void {
    for (const { piece, begin } of spans) {
      this.#queue = this.#queue.filter(flow => flow.flows || flow.piece !== piece || flow.begin !== begin)
    }
  }

  setInterested(): void {
    this.#swarm.decide()
  }

  #setChoking(isChoking: boolean, at: number, session: number): void {
    this.#swarm.at(at, () => {
      const { supplier } = this
      if (!supplier || session !== this.#session) return
      if (isChoking) {
        this.#queue = this.#queue.filter(flow => flow.flows)
        this.#swarm.scheduler.onChoke(supplier, this.#swarm.now)
      } else this.#swarm.scheduler.onUnchoke(supplier)
      if (this.#profile.choke !== undefined) this.#setChoking(!isChoking, at + this.#profile.choke * 1000, session)
      this.#swarm.decide()
    })
  }

  #flow(): void {
    const [front] = this.#queue
    if (this.#isFlowing || !front) return
    this.#isFlowing = true
    const session = this.#session
    const startAt = Math.max(this.#freeAt, front.readyAt, this.#swarm.now)
    this.#swarm.at(startAt, () => {
      if (session !== this.#session) return
      // The front may have been cancelled before it began to flow.
      const [next] = this.#queue
      if (!next || next.readyAt > this.#swarm.now) {
        this.#isFlowing = false
        this.#flow()
        return
      }
      next.flows = true
      const endAt = this.#swarm.now + (this.#profile.kbps ? next.length / (this.#profile.kbps * 1.024) : 0)
      this.#freeAt = endAt
      this.#swarm.at(endAt, () => this.#finish(next, session))
    })
  }

  #finish(flow: Flow, session: number): void {
    if (session !== this.#session || !this.supplier) return
    this.#queue = this.#queue.filter(other => other !== flow)
    this.#isFlowing = false
    this.sent += flow.length
    this.#sentNow += flow.length
    const { stallAfter = Infinity, die = Infinity, corrupt = 0 } = this.#profile
    const isWrong = this.#swarm.random() < corrupt
    if (isWrong) this.isHonest = false
    this.#swarm.block(this.supplier, flow, isWrong)
    if (session !== this.#session) return
    if (this.#sentNow >= die) {
      this.hangUp()
      this.#swarm.at(this.#swarm.now + RECONNECT_MS, () => this.connect())
    } else if (this.#sentNow >= stallAfter) this.#queue = []
    else this.#flow()
  }
}
