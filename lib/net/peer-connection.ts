/**
 * One peer: the Writable end of its own `pipeline(socket, decoder, connection)`. Handles control messages at once and hands blocks to
 * the host, whose held promise is the backpressure: the write callback waits for it, so the decoder stops, the socket pauses and TCP
 * closes the window. Decides nothing about pieces.
 */
import type { Socket } from 'node:net'
import { pipeline, Writable } from 'node:stream'
import type { Clock, Timer } from '../clock.js'
import { assertNever, ProtocolError } from '../errors.js'
import * as limits from '../limits.js'
import type { InfoHash, PeerId } from '../metainfo/info-hash.js'
import { Bitfield } from '../pieces/bitfield.js'
import { IdleMessages } from '../policy/idle-messages.js'
import type { Supplier, SupplierPort } from '../policy/supplier.js'
import { WireDecoder } from '../streams/wire-decoder.js'
import type { ReceiveBuffers } from '../transport/receive-buffers.js'
import { encodeMessage, encodeSpans, KEEP_ALIVE } from '../wire/codec.js'
import { encodeHandshake } from '../wire/handshake.js'
import type { BlockSpan, WireMessage } from '../wire/message.js'
import type { PeerAddress } from '../wire/peer-address.js'
import type { PeerHost } from './peer-host.js'
import { UploadQueue } from './upload-queue.js'

/** Messages that may wait for this one to be handled. */
const MESSAGES_HIGH_WATER_MARK = 4

export interface PeerConnectionOptions {
  readonly socket: Socket
  /** What the socket reads into, if that is not fresh memory. */
  readonly buffers?: ReceiveBuffers
  readonly address: PeerAddress
  readonly isIncoming: boolean
  readonly clock: Clock
  /** How long connecting took, ms: the first hint of the round trip. */
  readonly connectMs: number
  /** The torrent with this info-hash, if we serve it and want this peer. An outgoing connection has just one. */
  readonly hostFor: (infoHash: InfoHash, connection: PeerConnection) => PeerHost | undefined
  /** For an outgoing connection, whose handshake we send first. */
  readonly host?: PeerHost
  /** The handshake is done. Throwing ends the connection. */
  readonly onOpen: (connection: PeerConnection, peerId: PeerId) => void
  /** Called once, last of all. */
  readonly onClose: (connection: PeerConnection, error: Error | undefined) => void
}

export class PeerConnection extends Writable implements SupplierPort {
  readonly address: PeerAddress
  readonly isIncoming: boolean
  readonly openedAt: number
  peerId: PeerId | undefined
  /** We dialled ourselves: the address is of no use. */
  isOurselves = false
  /** Set once the handshake is done. */
  supplier: Supplier | undefined
  amChoking = true
  peerInterested = false
  /** Payload bytes received from this peer. */
  downloaded = 0
  uploaded = 0
  readonly #options: PeerConnectionOptions
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #decoder: WireDecoder
  #host: PeerHost | undefined
  #uploads: UploadQueue | undefined
  #outbox: Buffer[] = []
  #isFlushPlanned = false
  #sentBitfield = false
  #gotBitfield = false
  #heardAt: number
  #wroteAt: number
  #heldSince: number | undefined
  /** When the socket last took something of what waits for it, and how much it had taken then. */
  #drainedAt: number
  #drained = 0
  #handshakeTimer: Timer
  readonly #idle: IdleMessages
  #cancelsLeft = 0
  #requestsWhileChoked = 0
  #blocks = 0
  #unrequested = 0

  constructor(options: PeerConnectionOptions) {
    super({ objectMode: true, highWaterMark: MESSAGES_HIGH_WATER_MARK })
    this.#options = options
    this.#socket = options.socket
    this.#clock = options.clock
    this.#host = options.host
    this.address = options.address
    this.isIncoming = options.isIncoming
    this.openedAt = this.#heardAt = this.#wroteAt = this.#drainedAt = this.#clock.now()
    this.#idle = new IdleMessages(this.openedAt)
    this.#decoder = new WireDecoder(options.host && Math.ceil(options.host.geometry.pieceCount / 8))
  }

  /** We do not read from this peer until the hash, the disk or its own uploads have caught up. */
  get isHeld(): boolean {
    return this.#heldSince !== undefined
  }

  /** Bytes that came over the wire, whatever they were. */
  get bytesReceived(): number {
    return this.#socket.bytesRead
  }

  /** Starts the pipeline; call once. */
  start(): void {
    // Its own timer: an incoming connection belongs to no swarm yet that would call `tick`.
    const tooLong = (): void => this.#drop('ERR_BT_HANDSHAKE', 'the handshake took too long')
    this.#handshakeTimer = this.#clock.setTimer(tooLong, limits.HANDSHAKE_MS)
    pipeline(this.#socket, this.#decoder, this, error => {
      this.#clock.clearTimer(this.#handshakeTimer)
      this.#socket.destroy()
      this.#uploads?.clear()
      if (this.supplier) this.#host?.scheduler.removeSupplier(this.supplier, this.#clock.now())
      this.#options.onClose(this, error ?? undefined)
    })
    if (this.#options.buffers) this.#follow(this.#options.buffers)
    if (this.#host) this.#send(encodeHandshake(this.#host.infoHash, this.#host.peerId))
  }

  // --- what we say

  request(spans: readonly BlockSpan[]): void {
    this.#send(encodeSpans('request', spans))
  }

  cancel(spans: readonly BlockSpan[]): void {
    if (spans.length > 0) this.#send(encodeSpans('cancel', spans))
  }

  setInterested(amInterested: boolean): void {
    this.#send(encodeMessage({ type: amInterested ? 'interested' : 'notInterested' }))
  }

  sendHave(piece: number): void {
    // Before the bitfield went out the piece is in it.
    if (this.#sentBitfield) this.#send(encodeMessage({ type: 'have', piece }))
  }

  setChoking(amChoking: boolean): void {
    if (this.amChoking === amChoking) return
    this.amChoking = amChoking
    if (amChoking) this.#uploads?.clear()
    else this.#requestsWhileChoked = 0
    this.#send(encodeMessage({ type: amChoking ? 'choke' : 'unchoke' }))
  }

  /** To be called about once a second, once the handshake is done: keep-alives and time-outs. Time in which we hold the peer does not count against it. */
  tick(now: number): void {
    const idleMs = this.#heldSince === undefined ? limits.KEEP_ALIVE_MS : limits.KEEP_ALIVE_MS / 2
    if (this.supplier && now - this.#wroteAt >= idleMs) this.#send(KEEP_ALIVE)
    this.#noteDrain(now)
    const keepAlives = this.#decoder.takeKeepAlives()
    if (keepAlives > 0) this.#heardAt = now
    try {
      this.#idle.count(now, keepAlives)
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    if (this.#heldSince === undefined && now - this.#heardAt > limits.PEER_SILENT_MS) {
      this.#drop('ERR_BT_PEER_SILENT', 'the peer is silent')
    } else if (now - this.#drainedAt > limits.UPLOAD_STUCK_MS) {
      this.#drop('ERR_BT_PEER_SILENT', 'the peer takes nothing of what it asked for')
    }
  }

  // --- what we hear

  override _write(message: WireMessage, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    let held: Promise<void> | undefined
    try {
      held = this.#handle(message)
    } catch (error) {
      callback(error as Error)
      return
    }
    if (!held) {
      callback()
      return
    }
    this.#heldSince = this.#clock.now()
    this.supplier?.pipeline.hold()
    void held.then(() => {
      this.#heldSince = undefined
      this.#heardAt = this.#clock.now()
      this.supplier?.pipeline.resume(this.#heardAt)
      callback()
    })
  }

  #handle(message: WireMessage): Promise<void> | undefined {
    this.#heardAt = this.#clock.now()
    if (message.type === 'handshake') this.#onHandshake(message.infoHash)
    else if (message.type === 'peerId') this.#onPeerId(message.peerId)
    else {
      if (!this.#host || !this.supplier)
        throw new ProtocolError('ERR_BT_MESSAGE_ORDER', `${message.type} before the handshake`)
      return this.#handleMessage(message, this.#host, this.supplier)
    }
    return undefined
  }

  #onHandshake(infoHash: InfoHash): void {
    const host = this.#options.hostFor(infoHash, this)
    if (!host || (this.#host && this.#host !== host)) {
      throw new ProtocolError('ERR_BT_HANDSHAKE', 'the peer wants another torrent')
    }
    // BEP 3 lets the receiving side answer as soon as it knows the torrent, before the peer id.
    if (!this.#host) this.#send(encodeHandshake(host.infoHash, host.peerId))
    this.#host = host
  }

  #onPeerId(peerId: PeerId): void {
    const host = this.#host
    if (!host) throw new ProtocolError('ERR_BT_MESSAGE_ORDER', 'a peer id without a handshake')
    this.isOurselves = peerId.equals(host.peerId)
    if (this.isOurselves) throw new ProtocolError('ERR_BT_HANDSHAKE', 'the peer is ourselves')
    this.#clock.clearTimer(this.#handshakeTimer)
    this.peerId = peerId
    const now = this.#clock.now()
    this.supplier = host.scheduler.addSupplier(
      this,
      new Bitfield(host.geometry.pieceCount),
      now,
      this.#options.connectMs
    )
    this.#uploads = new UploadQueue(this.#socket, {
      readBlock: (piece, begin, length) => host.readBlock(piece, begin, length),
      onUploaded: bytes => {
        this.uploaded += bytes
        host.onUploaded(bytes)
      }
    })
    this.#options.onOpen(this, peerId)
    if (host.have.count > 0) this.#send(encodeMessage({ type: 'bitfield', bits: host.have.toBytes() }))
    this.#sentBitfield = true
  }

  #handleMessage(
    message: Exclude<WireMessage, { type: 'handshake' | 'peerId' }>,
    host: PeerHost,
    supplier: Supplier
  ): Promise<void> | undefined {
    switch (message.type) {
      case 'block':
        return this.#onBlock(message, host, supplier)
      case 'request':
        return this.#onRequest(message, host)
      case 'have':
        this.#onHave(message.piece, host, supplier)
        return undefined
      case 'bitfield':
        this.#onBitfield(message.bits, host, supplier)
        return undefined
      case 'choke':
        this.#idle.count(this.#heardAt)
        host.scheduler.onChoke(supplier, this.#heardAt)
        break
      case 'unchoke':
        if (!supplier.isChoking) this.#idle.count(this.#heardAt)
        host.scheduler.onUnchoke(supplier)
        break
      case 'interested':
        if (this.peerInterested) this.#idle.count(this.#heardAt)
        this.peerInterested = true
        host.onInterest()
        return undefined
      case 'notInterested':
        this.#idle.count(this.#heardAt)
        this.peerInterested = false
        host.onInterest()
        return undefined
      case 'cancel':
        this.#onCancel(message, host)
        return undefined
      case 'port':
      case 'unknown':
        this.#idle.count(this.#heardAt)
        return undefined
      default:
        return assertNever(message)
    }
    host.onChange()
    return undefined
  }

  #onBlock(message: WireMessage & { type: 'block' }, host: PeerHost, supplier: Supplier): Promise<void> | undefined {
    const { piece, begin, data } = message
    this.#blocks++
    this.downloaded += data.length
    // What does not lie where blocks lie, or is not as long as that block, answers no request of ours.
    const { outcome, held } = host.geometry.isBlock(piece, begin / limits.BLOCK_LENGTH, data.length)
      ? host.acceptBlock(supplier, piece, begin, data)
      : { outcome: 'unrequested', held: undefined }
    // Late answers to what we took back are duplicates, not faults.
    if (
      outcome === 'unrequested' &&
      ++this.#unrequested > limits.MAX_UNREQUESTED_BLOCKS &&
      this.#unrequested * 20 > this.#blocks
    ) {
      throw new ProtocolError('ERR_BT_FLOOD', 'the peer sends blocks that nobody asked for')
    }
    host.onChange()
    return held
  }

  #onHave(piece: number, host: PeerHost, supplier: Supplier): void {
    const index = host.geometry.pieceIndex(piece)
    if (index === undefined)
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `the peer has piece ${piece}, which does not exist`)
    if (supplier.pieces.has(index)) this.#idle.count(this.#heardAt, limits.VAIN_WEIGHT)
    host.scheduler.onHave(supplier, index)
    host.onChange()
  }

  #onBitfield(bits: Buffer, host: PeerHost, supplier: Supplier): void {
    // BEP 3 has it only as the first message, but aria2 sends it again where that is shorter than many HAVEs.
    if (this.#gotBitfield) this.#idle.count(this.#heardAt)
    this.#gotBitfield = true
    const pieces = Bitfield.fromBytes(bits, host.geometry.pieceCount)
    if (!pieces)
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', 'a bitfield of a wrong length or with spare bits set')
    host.scheduler.onBitfield(supplier, pieces)
    host.onChange()
  }

  #onRequest({ piece, begin, length }: BlockSpan, host: PeerHost): Promise<void> | undefined {
    this.#cancelsLeft++
    const index = host.geometry.pieceIndex(piece)
    if (index === undefined || length === 0 || begin + length > host.geometry.lengthOf(index)) {
      throw new ProtocolError(
        'ERR_BT_MESSAGE_CONTENT',
        `a request for bytes that do not exist (${piece}, ${begin}, ${length})`
      )
    }
    if (length > limits.MAX_TOLERATED_REQUEST_LENGTH)
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `a request for ${length} bytes`)
    if (this.amChoking) {
      if (++this.#requestsWhileChoked <= limits.MAX_REQUESTS_WHILE_CHOKED) return undefined
      throw new ProtocolError('ERR_BT_FLOOD', 'the peer goes on asking while it is choked')
    }
    // Without the fast extension (BEP 6) there is no way to say no.
    const isServed = length <= limits.MAX_SERVED_LENGTH && host.have.has(index)
    if (isServed) return this.#uploads?.add({ piece: index, begin, length })
    this.#idle.count(this.#heardAt, limits.VAIN_WEIGHT)
    return undefined
  }

  #onCancel({ piece, begin, length }: BlockSpan, host: PeerHost): void {
    if (--this.#cancelsLeft < 0) this.#idle.count(this.#heardAt, limits.VAIN_WEIGHT)
    const index = host.geometry.pieceIndex(piece)
    if (index !== undefined) this.#uploads?.cancel({ piece: index, begin, length })
  }

  // --- the socket

  /** Messages hold views of what was read: none does while nothing waits on the way here, but for the start of the next one. */
  #follow(buffers: ReceiveBuffers): void {
    let handled = 0
    buffers.handledBytes = () => {
      const waiting = this.#socket.readableLength + this.#decoder.writableLength + this.#decoder.readableLength
      if (waiting + this.writableLength === 0) handled = buffers.receivedBytes - this.#decoder.bufferedBytes
      return handled
    }
  }

  /** What is said within one turn of the loop leaves in one packet. */
  #send(bytes: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.#outbox.push(bytes)
    if (this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    process.nextTick(() => {
      this.#isFlushPlanned = false
      const [first, ...more] = this.#outbox
      this.#outbox = []
      this.#wroteAt = this.#clock.now()
      if (first && !this.#socket.destroyed)
        this.#socket.write(more.length > 0 ? Buffer.concat([first, ...more]) : first)
    })
  }

  /** A peer that takes a little now and then is slow, not stuck: an upload in full swing never finds its socket empty. */
  #noteDrain(now: number): void {
    const waiting = this.#socket.writableLength
    const drained = this.#socket.bytesWritten - waiting
    if (waiting === 0 || drained !== this.#drained) this.#drainedAt = now
    this.#drained = drained
  }

  #drop(code: 'ERR_BT_HANDSHAKE' | 'ERR_BT_PEER_SILENT', message: string): void {
    this.destroy(new ProtocolError(code, message))
  }
}
