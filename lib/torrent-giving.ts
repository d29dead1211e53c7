/**
 * What a torrent gives: who is unchoked and when, who is told of which piece, which peers are of no use to us and we not to them.
 * Decides with `policy/`; a pulse and the peers' messages drive it. Sends no block itself.
 */
import type { Clock } from './clock.js'
import { BLOCK_LENGTH, CHOKER_ROUND_MS, LIMITED_REQUESTS_MS } from './limits.js'
import type { PeerConnection } from './net/peer-connection.js'
import { PeerMeter } from './net/peer-meter.js'
import type { Swarm } from './net/swarm.js'
import type { Geometry, PieceIndex } from './pieces/geometry.js'
import { Choker } from './policy/choker.js'
import type { Scheduler } from './policy/scheduler.js'
import { SuperSeeding } from './policy/super-seeding.js'
import type { Supplier } from './policy/supplier.js'
import { UploadSlots } from './policy/upload-slots.js'

/** The torrent, once its metadata is here. */
export interface GivenTorrent {
  readonly geometry: Geometry
  readonly scheduler: Scheduler
  /** Nothing of it is wanted, by anybody here (BEP 21). */
  readonly wantsNothing: () => boolean
  /** BEP 16: peers are told of one piece after the other. */
  readonly isSuperSeeding: boolean
}

export interface GivingOptions {
  readonly swarm: () => Swarm
  readonly clock: Clock
  readonly random: () => number
  /** Bytes a second that may come in all; undefined: no limit. */
  readonly downloadRate: () => number | undefined
  /** Whether we want anything has changed. */
  readonly onWants: (wantsNothing: boolean) => void
}

export class TorrentGiving {
  readonly #options: GivingOptions
  readonly #choker: Choker<PeerMeter>
  readonly #slots = new UploadSlots()
  readonly #meters = new Map<PeerConnection, PeerMeter>()
  #torrent: GivenTorrent | undefined
  #superSeeding: SuperSeeding<PeerConnection> | undefined
  #wantsNothing = false
  #beatAt: number
  #roundAt: number

  constructor(options: GivingOptions) {
    this.#options = options
    this.#choker = new Choker(options.random)
    this.#beatAt = this.#roundAt = options.clock.now()
  }

  begin(torrent: GivenTorrent): void {
    this.#torrent = torrent
    if (torrent.isSuperSeeding) this.#superSeeding = new SuperSeeding(torrent.geometry.pieceCount, this.#options.random)
    this.#wantsNothing = torrent.wantsNothing()
    for (const connection of this.#options.swarm().peers()) this.onPeer(connection)
    this.onInterest()
  }

  get wantsNothing(): boolean {
    return this.#wantsNothing
  }

  /** BEP 21: two that only upload have nothing for each other. */
  isUseless({ supplier, extensions, peerInterested }: PeerConnection): boolean {
    const wantsNothing = supplier?.pieces.isComplete === true || extensions?.said.uploadOnly === true
    return this.#wantsNothing && wantsNothing && !peerInterested && supplier?.amInterested !== true
  }

  /** The handshake is done. */
  onPeer(connection: PeerConnection): void {
    this.#meterOf(connection)
    this.#limitRequests()
    this.#offerTo(connection)
  }

  onGone(connection: PeerConnection): void {
    this.#meters.delete(connection)
    this.#superSeeding?.onGone(connection)
    this.onInterest()
  }

  /** A peer became interested, or lost its interest: whoever waits gets a slot as long as there are any. */
  onInterest(): void {
    if (!this.#torrent) return
    const now = this.#options.clock.now()
    const meters = [...this.#options.swarm().peers()].map(peer => this.#meterOf(peer))
    for (const meter of meters) if (!meter.peerInterested) meter.setChoking(true, now)
    for (const meter of this.#choker.fill(meters, this.#slots.count)) meter.setChoking(false, now)
  }

  /** The peer has another piece. */
  onPeerHas({ port }: Supplier, piece: PieceIndex): void {
    const seeding = this.#superSeeding
    if (!seeding) return
    for (const connection of this.#meters.keys()) {
      if (connection !== port) continue
      for (const other of seeding.onHas(connection, piece, this.#options.clock.now())) this.#offerTo(other)
      return
    }
  }

  /** To be called about once a second. */
  beat(): void {
    if (!this.#torrent) return
    const now = this.#options.clock.now()
    let taken = 0
    for (const meter of this.#meters.values()) taken += meter.measure(now)
    const rate = (taken * 1000) / Math.max(1, now - this.#beatAt)
    this.#beatAt = now
    this.#slots.onRate(rate)
    if (now - this.#roundAt >= CHOKER_ROUND_MS) this.#decideAnew(now)
    else this.onInterest()
    this.#noteWants()
    this.#limitRequests()
    if (this.#superSeeding) for (const connection of this.#meters.keys()) this.#offerTo(connection)
    if (this.#wantsNothing) this.#options.swarm().leaveUseless()
  }

  #decideAnew(now: number): void {
    this.#roundAt = now
    const meters = [...this.#meters.values()].filter(({ connection }) => connection.isOpen)
    const rate = meters.reduce((sum, { takesRate }) => sum + takesRate, 0)
    this.#slots.onRound(rate, meters.filter(meter => meter.peerInterested).length > this.#slots.count, now)
    const chosen = this.#choker.choose(meters, { slots: this.#slots.count, isSeeding: this.#wantsNothing, now })
    for (const meter of meters) if (!chosen.has(meter)) meter.setChoking(true, now)
    for (const meter of chosen) meter.setChoking(false, now)
  }

  #noteWants(): void {
    const wantsNothing = this.#torrent?.wantsNothing() === true
    if (wantsNothing === this.#wantsNothing) return
    this.#wantsNothing = wantsNothing
    this.#options.onWants(wantsNothing)
    if (!wantsNothing) this.#options.swarm().recall()
  }

  /** Under a limit no more is asked for than comes soon: what is urgent later would wait behind it. */
  #limitRequests(): void {
    const rate = this.#options.downloadRate()
    const suppliers = [...(this.#torrent?.scheduler.suppliers ?? [])]
    const open = suppliers.filter(supplier => supplier.isOpen).length
    const share =
      rate === undefined ? undefined : (rate * LIMITED_REQUESTS_MS) / 1000 / BLOCK_LENGTH / Math.max(1, open)
    for (const { pipeline } of suppliers)
      pipeline.limit = share === undefined ? undefined : Math.max(2, Math.ceil(share))
  }

  /** Super-seeding: the peer is told of as many pieces as it may know of now. */
  #offerTo(connection: PeerConnection): void {
    const [torrent, seeding, { offer, pieces }] = [this.#torrent, this.#superSeeding, connection]
    if (!torrent || !seeding || !offer || pieces.isComplete) return
    const needy = [...this.#meters.keys()].filter(peer => !peer.pieces.isComplete)
    const seeded = {
      knows: (index: number) => offer.isKnown(index),
      copies: (index: number) => torrent.scheduler.rarity.availability(index),
      isAlone: needy.length < 2,
      now: this.#options.clock.now()
    }
    for (let index = seeding.next(connection, seeded); index !== undefined; index = seeding.next(connection, seeded)) {
      const piece = torrent.geometry.pieceIndex(index)
      if (piece !== undefined) offer.tell(piece)
    }
  }

  #meterOf(connection: PeerConnection): PeerMeter {
    const known = this.#meters.get(connection)
    if (known) return known
    const meter = new PeerMeter(connection, this.#options.clock.now())
    this.#meters.set(connection, meter)
    return meter
  }
}
