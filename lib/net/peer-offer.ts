/**
 * What one peer is told that we have, and so may ask for: everything; what lies in memory just now, if it understands that this may
 * change (BEP 54); or one piece after the other (BEP 16). Chooses none of them.
 */
import { ALLOWED_FAST_PIECES, ALLOWED_FAST_TIMES } from '../limits.js'
import { Bitfield } from '../pieces/bitfield.js'
import type { PieceIndex } from '../pieces/geometry.js'
import { allowedFastPieces } from '../wire/allowed-fast.js'
import type { SentMessage } from '../wire/message.js'
import type { HostedTorrent } from './peer-host.js'

/** The connection below. */
export interface OfferPort {
  readonly host: string
  /** BEP 6 is spoken. */
  readonly speaksFast: boolean
  /** What the peer has itself. */
  readonly pieces: Bitfield
  say(message: SentMessage): void
  /** BEP 54: we have it no longer. */
  sayGone(piece: PieceIndex): void
}

export class PeerOffer {
  readonly #torrent: HostedTorrent
  readonly #port: OfferPort
  /** What the peer was told, where that is not simply everything that is here. */
  readonly #told: Bitfield | undefined
  #hearsOfLosses = false
  /** Bytes of each piece that it may still have while it is choked. */
  #allowed: Map<number, number> | undefined

  constructor(torrent: HostedTorrent, port: OfferPort) {
    this.#torrent = torrent
    this.#port = port
    const isAll = (torrent.offering ?? 'all') === 'all'
    this.#told = isAll ? undefined : new Bitfield(torrent.geometry.pieceCount)
  }

  /** The first that is said of our pieces. */
  begin(): void {
    const { have } = this.#torrent
    const count = this.#told ? 0 : have.count
    if (count > 0 && !(this.#port.speaksFast && have.isComplete))
      this.#port.say({ type: 'bitfield', bits: have.toBytes() })
    else if (this.#port.speaksFast) this.#port.say({ type: count > 0 ? 'haveAll' : 'haveNone' })
  }

  /** The piece is here, and the peer may know it. */
  has(index: PieceIndex): boolean {
    return this.#torrent.have.has(index) && (this.#told?.has(index) ?? true)
  }

  /** A piece more is here. */
  onHave(index: PieceIndex): void {
    if (this.#torrent.offering === 'oneByOne' || (this.#told && !this.#hearsOfLosses)) return
    // Also one that has the piece: super-seeds (BEP 16) wait for it. Only who has them all needs nothing from us.
    if (!this.#port.pieces.isComplete) this.tell(index)
  }

  /** A piece that was here is gone. */
  onLost(index: PieceIndex): void {
    if (this.#told?.clear(index) === true) this.#port.sayGone(index)
  }

  /** The peer understands that pieces may go: it is told of those that are here now. */
  onHearsOfLosses(): void {
    if (this.#hearsOfLosses || this.#torrent.offering !== 'whileHere') return
    this.#hearsOfLosses = true
    const { have, geometry } = this.#torrent
    for (let index = have.nextMissingIn(this.#port.pieces, 0); index !== -1;) {
      const piece = geometry.pieceIndex(index)
      if (piece !== undefined) this.tell(piece)
      index = have.nextMissingIn(this.#port.pieces, index + 1)
    }
  }

  /** The peer has the piece, or was told of it. */
  isKnown(index: number): boolean {
    return this.#port.pieces.has(index) || (this.#told?.has(index) ?? this.#torrent.have.has(index))
  }

  tell(index: PieceIndex): void {
    this.#told?.set(index)
    this.#port.say({ type: 'have', piece: index })
  }

  /** The peer wants something: one that has next to nothing gets a few pieces in any case (BEP 6). */
  onInterested(): void {
    const { torrent, port } = { torrent: this.#torrent, port: this.#port }
    if (this.#allowed || !port.speaksFast || this.#told || port.pieces.count >= ALLOWED_FAST_PIECES) return
    const named = allowedFastPieces(port.host, torrent.infoHash, torrent.geometry.pieceCount)
    this.#allowed = new Map()
    for (const index of named) {
      const piece = torrent.geometry.pieceIndex(index)
      if (piece === undefined || !torrent.have.has(piece)) continue
      this.#allowed.set(piece, ALLOWED_FAST_TIMES * torrent.geometry.lengthOf(piece))
      port.say({ type: 'allowedFast', piece })
    }
  }

  /** The peer is served this piece even while it is choked. */
  isAllowed(index: number): boolean {
    return (this.#allowed?.get(index) ?? 0) > 0
  }

  /** It gets so many bytes of this piece although it is choked: not without end, or nobody would have to wait for a turn. */
  spendAllowed(index: number, bytes: number): void {
    this.#allowed?.set(index, (this.#allowed.get(index) ?? 0) - bytes)
  }
}
