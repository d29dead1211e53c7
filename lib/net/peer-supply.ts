/**
 * What one peer gives: the pieces it has, whether it lets us ask, the blocks it sends. While the torrent's metadata is not here it is
 * noted; from then on the scheduler hears of it at once. Decides nothing about pieces.
 */
import { assertNever, ProtocolError } from '../errors.js'
import * as limits from '../limits.js'
import { Bitfield } from '../pieces/bitfield.js'
import type { PieceIndex } from '../pieces/geometry.js'
import { EarlyPieces } from '../pieces/early-pieces.js'
import type { IdleMessages } from '../policy/idle-messages.js'
import type { Supplier, SupplierPort } from '../policy/supplier.js'
import type { BlockSpan, WireMessage } from '../wire/message.js'
import type { HostedTorrent } from './peer-host.js'

/** The messages by which a peer gives. */
export type SupplyMessage = Extract<WireMessage, { type: SupplyType }>
type SupplyType =
  'have' | 'bitfield' | 'haveAll' | 'haveNone' | 'choke' | 'unchoke' | 'block' | 'suggest' | 'reject' | 'allowedFast'

const SUPPLY_TYPES: ReadonlySet<string> = new Set<SupplyType>([
  'have',
  'bitfield',
  'haveAll',
  'haveNone',
  'choke',
  'unchoke',
  'block',
  'suggest',
  'reject',
  'allowedFast'
])

export function isSupplyMessage(message: WireMessage): message is SupplyMessage {
  return SUPPLY_TYPES.has(message.type)
}

export class PeerSupply {
  /** The peer as the scheduler sees it, once the torrent is known. */
  supplier: Supplier | undefined
  /** Payload bytes received. */
  downloaded = 0
  readonly #idle: IdleMessages
  #torrent: HostedTorrent | undefined
  readonly #early = new EarlyPieces()
  #isChoking = true
  #gotBitfield = false
  #blocks = 0
  #unrequested = 0
  /** BEP 6: rejects of what nobody asked for, and of what we asked for since the last block. */
  #strayRejects = 0
  #rejects = 0
  /** BEP 54: pieces that it had and lost. */
  #losses = 0

  constructor(idle: IdleMessages) {
    this.#idle = idle
  }

  /** The torrent is known. Throws `ProtocolError` when what the peer said of its pieces cannot be true. */
  begin(torrent: HostedTorrent, port: SupplierPort, connectMs: number, now: number): Supplier {
    const { geometry, scheduler } = torrent
    const pieces = this.#early.resolve(geometry.pieceCount)
    if (!pieces) throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', 'the peer has pieces that do not exist')
    const supplier = scheduler.addSupplier(port, new Bitfield(geometry.pieceCount), now, connectMs)
    this.#torrent = torrent
    this.supplier = supplier
    if (pieces.count > 0) scheduler.onBitfield(supplier, pieces)
    if (!this.#isChoking) scheduler.onUnchoke(supplier)
    torrent.onChange()
    return supplier
  }

  /** The peer is gone. */
  close(now: number): void {
    if (this.supplier) this.#torrent?.scheduler.removeSupplier(this.supplier, now)
  }

  /** A promise while the peer is to be held. Throws `ProtocolError`. */
  onMessage(message: SupplyMessage, now: number): Promise<void> | undefined {
    const [torrent, supplier] = [this.#torrent, this.supplier]
    switch (message.type) {
      case 'block':
        if (torrent && supplier) return this.#onBlock(message, torrent, supplier)
        throw new ProtocolError('ERR_BT_MESSAGE_ORDER', 'a block before anybody knows the torrent')
      case 'have':
        this.#onHave(message.piece, now)
        break
      case 'bitfield':
        this.#onBitfield(message.bits, now)
        break
      case 'haveAll':
      case 'haveNone':
        this.#onHaveAll(message.type === 'haveAll')
        break
      case 'reject':
        this.#onReject(message, now)
        break
      case 'allowedFast':
        this.#onAllowedFast(message.piece, now)
        break
      case 'suggest':
        // What is asked for next is decided by who reads what, not by whoever has it in its cache.
        this.#pieceIndex(message.piece)
        this.#idle.count(now, limits.VAIN_WEIGHT)
        break
      case 'choke':
        this.#idle.count(now)
        this.#isChoking = true
        if (supplier) torrent?.scheduler.onChoke(supplier, now)
        break
      case 'unchoke':
        if (!this.#isChoking) this.#idle.count(now)
        this.#isChoking = false
        if (supplier) torrent?.scheduler.onUnchoke(supplier)
        break
      default:
        return assertNever(message)
    }
    torrent?.onChange()
    return undefined
  }

  #onBlock(
    { piece, begin, data }: WireMessage & { type: 'block' },
    torrent: HostedTorrent,
    supplier: Supplier
  ): Promise<void> | undefined {
    this.#blocks++
    this.#rejects = 0
    this.downloaded += data.length
    // What does not lie where blocks lie, or is not as long as that block, answers no request of ours.
    const { outcome, held } = torrent.geometry.isBlock(piece, begin / limits.BLOCK_LENGTH, data.length)
      ? torrent.acceptBlock(supplier, piece, begin, data)
      : { outcome: 'unrequested', held: undefined }
    // Late answers to what we took back are duplicates, not faults.
    if (
      outcome === 'unrequested' &&
      ++this.#unrequested > limits.MAX_UNREQUESTED_BLOCKS &&
      this.#unrequested * 20 > this.#blocks
    ) {
      throw new ProtocolError('ERR_BT_FLOOD', 'the peer sends blocks that nobody asked for')
    }
    torrent.onChange()
    return held
  }

  #onHave(piece: number, now: number): void {
    const [torrent, supplier] = [this.#torrent, this.supplier]
    const index = torrent ? torrent.geometry.pieceIndex(piece) : undefined
    if (!torrent && this.#early.has(piece)) this.#idle.count(now, limits.VAIN_WEIGHT)
    if (torrent ? index === undefined : !this.#early.onHave(piece))
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `the peer has piece ${piece}, which does not exist`)
    if (!torrent || !supplier || index === undefined) return
    if (supplier.pieces.has(index)) this.#idle.count(now, limits.VAIN_WEIGHT)
    torrent.scheduler.onHave(supplier, index)
    torrent.onPeerHas?.(supplier, index)
  }

  /** BEP 54: the peer has this piece no longer. Throws `ProtocolError`. */
  onDontHave(piece: number, now: number): void {
    const [torrent, supplier] = [this.#torrent, this.supplier]
    if (!torrent || !supplier) {
      this.#early.onDontHave(piece)
      this.#idle.count(now, limits.VAIN_WEIGHT)
      return
    }
    const index = this.#pieceIndex(piece)
    // To lose the first of all pieces costs us more than to lose another; that happens once, or is a game.
    if (supplier.pieces.isComplete) this.#idle.count(now)
    if (index === undefined || !supplier.pieces.has(index)) this.#idle.count(now, limits.VAIN_WEIGHT)
    else {
      // Each once, as a stream passes by; what comes and goes more often than that is a game, or slow enough to be none.
      if (++this.#losses > torrent.geometry.pieceCount) this.#idle.count(now, limits.VAIN_WEIGHT)
      torrent.scheduler.onDontHave(supplier, index, now)
    }
    torrent.onChange()
  }

  /** BEP 6: all or nothing, said once and in place of a bitfield. */
  #onHaveAll(hasAll: boolean): void {
    if (this.#gotBitfield) throw new ProtocolError('ERR_BT_MESSAGE_ORDER', 'the peer tells twice what it has')
    this.#gotBitfield = true
    if (!hasAll) return
    if (!this.#torrent || !this.supplier) {
      this.#early.onHaveAll()
      return
    }
    const pieces = new Bitfield(this.#torrent.geometry.pieceCount)
    pieces.fill()
    this.#torrent.scheduler.onBitfield(this.supplier, pieces)
  }

  #onReject(span: BlockSpan, now: number): void {
    const outcome = this.supplier && this.#torrent?.scheduler.onReject(this.supplier, span, now)
    if (outcome === 'forgotten') return
    if (outcome === 'refused') this.#rejects++
    else this.#strayRejects++
    if (this.#rejects > limits.MAX_REJECTS_IN_A_ROW || this.#strayRejects > limits.MAX_STRAY_REJECTS)
      throw new ProtocolError('ERR_BT_FLOOD', 'the peer rejects what nobody asked for, or everything')
  }

  #onAllowedFast(piece: number, now: number): void {
    const index = this.#pieceIndex(piece)
    if (index === undefined || !this.supplier || !this.supplier.allow(index)) this.#idle.count(now, limits.VAIN_WEIGHT)
  }

  /** Undefined while the torrent is not known. Throws `ProtocolError` for a piece that does not exist. */
  #pieceIndex(piece: number): PieceIndex | undefined {
    const index = this.#torrent?.geometry.pieceIndex(piece)
    if (this.#torrent && index === undefined)
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `the peer speaks of piece ${piece}, which does not exist`)
    return index
  }

  #onBitfield(bits: Buffer, now: number): void {
    // BEP 3 has it only as the first message, but aria2 sends it again where that is shorter than many HAVEs.
    if (this.#gotBitfield) this.#idle.count(now)
    this.#gotBitfield = true
    if (!this.#torrent || !this.supplier) {
      this.#early.onBitfield(bits)
      return
    }
    const pieces = Bitfield.fromBytes(bits, this.#torrent.geometry.pieceCount)
    if (!pieces)
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', 'a bitfield of a wrong length or with spare bits set')
    this.#torrent.scheduler.onBitfield(this.supplier, pieces)
  }
}
