/**
 * One peer: the Writable end of its own `pipeline(socket, decoder, connection)`, or `(socket, decryptor, decoder, connection)` where it
 * may speak encrypted. Handles control messages at once and hands blocks to the host, whose held promise is the backpressure: the write
 * callback waits for it, so the decoder stops, the socket pauses and TCP closes the window. Decides nothing about pieces.
 */
import type { Socket } from 'node:net'
import { pipeline, Writable } from 'node:stream'
import type { Clock } from '../clock.js'
import { assertNever, ProtocolError } from '../errors.js'
import * as limits from '../limits.js'
import type { InfoHash, PeerId } from '../metainfo/info-hash.js'
import { Bitfield } from '../pieces/bitfield.js'
import type { Way } from '../policy/encryption.js'
import { IdleMessages } from '../policy/idle-messages.js'
import type { Supplier, SupplierPort } from '../policy/supplier.js'
import { WireDecoder } from '../streams/wire-decoder.js'
import type { ReceiveBuffers } from '../transport/receive-buffers.js'
import { encodeMessage, encodeSpans, KEEP_ALIVE } from '../wire/codec.js'
import { RESERVED_LENGTH, supportsDht, supportsExtensions, supportsFast } from '../wire/handshake.js'
import type { BlockSpan, SentMessage, WireMessage } from '../wire/message.js'
import type { PeerAddress } from '../wire/peer-address.js'
import type { Decryptor } from './mse/decryptor.js'
import { followHandled } from './handled-bytes.js'
import { HandshakeTimer } from './handshake-timer.js'
import { Outbox } from './outbox.js'
import { PeerExtensions, type ExtensionPort } from './peer-extensions.js'
import { decryptorOf, handshakeOf, type Greeting } from './peer-greeting.js'
import type { HostedTorrent, PeerHost } from './peer-host.js'
import { PeerOffer, type OfferPort } from './peer-offer.js'
import { isSupplyMessage, PeerSupply } from './peer-supply.js'
import { PeerUploads } from './peer-uploads.js'

/** Messages that may wait for this one to be handled. */
const MESSAGES_HIGH_WATER_MARK = 4

export interface PeerConnectionOptions extends Greeting {
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
  /** How long the whole handshake may take, ms. Default `HANDSHAKE_MS`. */
  readonly handshakeMs?: number
  /** Of it, how long the peer may say nothing at all, ms. Default: all of it. */
  readonly silenceMs?: number
  /** The peer has named itself. Throwing ends the connection before it is open. */
  readonly onPeerId?: (connection: PeerConnection, peerId: PeerId) => void
  /** The handshake is done. Throwing ends the connection. */
  readonly onOpen: (connection: PeerConnection, peerId: PeerId) => void
  /** Called once, last of all. */
  readonly onClose: (connection: PeerConnection, error: Error | undefined) => void
}

export class PeerConnection extends Writable implements SupplierPort, ExtensionPort, OfferPort {
  readonly address: PeerAddress
  readonly isIncoming: boolean
  readonly openedAt: number
  peerId: PeerId | undefined
  /** The handshake is done. */
  isOpen = false
  /** The peer's own handshake has come, be it for the right torrent or not. */
  hasAnswered = false
  /** We dialled ourselves: the address is of no use. */
  isOurselves = false
  /** Set once the handshake is done, of a peer that speaks them. */
  extensions: PeerExtensions | undefined
  readonly idle: IdleMessages
  amChoking = true
  peerInterested = false
  uploaded = 0
  readonly #options: PeerConnectionOptions
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #decryptor: Decryptor | undefined
  readonly #decoder: WireDecoder
  readonly #supply: PeerSupply
  #host: PeerHost | undefined
  #uploads: PeerUploads | undefined
  #offer: PeerOffer | undefined
  /** What it says that it speaks: the reserved bytes of its handshake. */
  #reserved: Buffer = Buffer.alloc(RESERVED_LENGTH)
  readonly #outbox: Outbox
  #heardAt: number
  #heldSince: number | undefined
  #handshakeTimer: HandshakeTimer | undefined

  constructor(options: PeerConnectionOptions) {
    super({ objectMode: true, highWaterMark: MESSAGES_HIGH_WATER_MARK })
    this.#options = options
    this.#socket = options.socket
    this.#clock = options.clock
    this.#host = options.host
    this.address = options.address
    this.isIncoming = options.isIncoming
    this.openedAt = this.#heardAt = this.#clock.now()
    this.idle = new IdleMessages(this.openedAt)
    this.#supply = new PeerSupply(this.idle)
    this.#decoder = new WireDecoder(options.host?.torrent?.geometry.pieceCount)
    this.#decryptor = decryptorOf(options, options.socket, () => this.#introduce())
    this.#outbox = new Outbox(this.#socket, this.#clock, () => this.#decryptor?.outgoing)
  }

  /** The peer as the scheduler sees it: set once the handshake is done and the torrent known. */
  get supplier(): Supplier | undefined {
    return this.#supply.supplier
  }

  get host(): string {
    return this.address.host
  }

  /** BEP 6, which we always say that we speak. */
  get speaksFast(): boolean {
    return supportsFast(this.#reserved)
  }

  /** What it has, once the torrent is known. */
  get pieces(): Bitfield {
    return this.supplier?.pieces ?? new Bitfield(0)
  }

  /** What it is told of our pieces, once the torrent is known. */
  get offer(): PeerOffer | undefined {
    return this.#offer
  }

  onDontHave(piece: number): void {
    this.#supply.onDontHave(piece, this.#heardAt)
  }

  /** Payload bytes received from this peer. */
  get downloaded(): number {
    return this.#supply.downloaded
  }

  /** We do not read from this peer until the hash, the disk or its own uploads have caught up. */
  get isHeld(): boolean {
    return this.#heldSince !== undefined
  }

  /** Bytes that came over the wire, whatever they were. */
  get bytesReceived(): number {
    return this.#socket.bytesRead
  }

  /** How the peer is spoken to. */
  get way(): Way {
    if (this.isIncoming) return this.#decryptor?.agreement ? 'encrypted' : 'plain'
    return this.#options.way ?? 'plain'
  }

  /** Starts the pipeline; call once. */
  start(): void {
    this.#handshakeTimer = this.#awaitHandshake()
    const onEnd = (error?: Error | null): void => {
      this.#handshakeTimer?.stop()
      this.#socket.destroy()
      this.#uploads?.close()
      this.#supply.close(this.#clock.now())
      this.#options.onClose(this, error ?? undefined)
    }
    if (this.#decryptor) pipeline(this.#socket, this.#decryptor, this.#decoder, this, onEnd)
    else pipeline(this.#socket, this.#decoder, this, onEnd)
    const { buffers } = this.#options
    if (buffers)
      followHandled(buffers, this.#socket, [this.#decoder, ...(this.#decryptor ? [this.#decryptor] : [])], this)
    if (!this.#decryptor) this.#introduce()
  }

  /** Its own timer: an incoming connection belongs to no swarm yet that would call `tick`. */
  #awaitHandshake(): HandshakeTimer {
    const { handshakeMs = limits.HANDSHAKE_MS, silenceMs = handshakeMs } = this.#options
    const isSilent = (): boolean => this.bytesReceived === 0
    const onLate = (): void => this.#drop('ERR_BT_HANDSHAKE', 'the handshake took too long')
    return new HandshakeTimer(this.#clock, { handshakeMs, silenceMs }, isSilent, onLate)
  }

  // --- what we say

  request(spans: readonly BlockSpan[]): void {
    this.#outbox.send(encodeSpans('request', spans))
  }

  cancel(spans: readonly BlockSpan[]): void {
    if (spans.length > 0) this.#outbox.send(encodeSpans('cancel', spans))
  }

  setInterested(amInterested: boolean): void {
    this.say({ type: amInterested ? 'interested' : 'notInterested' })
  }

  say(message: SentMessage): void {
    this.#outbox.send(encodeMessage(message))
  }

  sayGone(piece: number): void {
    this.extensions?.sayGone(piece)
  }

  setChoking(amChoking: boolean): void {
    if (this.amChoking === amChoking) return
    this.amChoking = amChoking
    // BEP 6: > a choke no longer implicitly rejects all pending requests
    this.say({ type: amChoking ? 'choke' : 'unchoke' })
    if (amChoking) this.#uploads?.onChoked()
    else this.#uploads?.onUnchoked()
  }

  /** To be called about once a second, once the handshake is done: keep-alives and time-outs. Time in which we hold the peer does not count against it. */
  tick(now: number): void {
    const idleMs = this.#heldSince === undefined ? limits.KEEP_ALIVE_MS : limits.KEEP_ALIVE_MS / 2
    if (this.isOpen && now - this.#outbox.wroteAt >= idleMs) this.#outbox.send(KEEP_ALIVE)
    const stuckMs = this.#outbox.stuckMs(now)
    this.extensions?.tick(now)
    const keepAlives = this.#decoder.takeKeepAlives()
    if (keepAlives > 0) this.#heardAt = now
    try {
      this.idle.count(now, keepAlives)
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    if (this.#heldSince === undefined && now - this.#heardAt > limits.PEER_SILENT_MS) {
      this.#drop('ERR_BT_PEER_SILENT', 'the peer is silent')
    } else if (stuckMs > limits.UPLOAD_STUCK_MS) {
      this.#drop('ERR_BT_PEER_SILENT', 'the peer takes nothing of what it asked for')
    }
  }

  sendExtended(id: number, payload: Buffer): void {
    this.say({ type: 'extended', id, payload })
  }

  whenWritable(): Promise<void> | undefined {
    return this.#outbox.whenWritable()
  }

  /** The torrent is known: what the peer said so far counts from now on. Throws `ProtocolError` when that cannot be true. */
  begin(torrent: HostedTorrent): void {
    const host = this.#host
    if (!host || this.supplier) return
    this.#decoder.expectBitfield(torrent.geometry.pieceCount)
    this.#supply.begin(torrent, this, this.#options.connectMs, this.#clock.now())
    this.#offer = new PeerOffer(torrent, this)
    this.#uploads = new PeerUploads({
      outbox: this.#outbox,
      torrent,
      offer: this.#offer,
      idle: this.idle,
      onUploaded: bytes => {
        this.uploaded += bytes
        host.onUploaded(bytes)
      },
      reject: this.speaksFast ? spans => this.#outbox.send(encodeSpans('reject', spans)) : undefined
    })
    this.#offer.begin()
    this.#heedExtensions()
  }

  /** What the peer said of itself may have changed. */
  #heedExtensions(): void {
    const queued = this.extensions?.said.maxRequests
    if (this.supplier && queued !== undefined) this.supplier.pipeline.maxDepth = queued
    if (this.extensions?.speaks('lt_donthave')) this.#offer?.onHearsOfLosses()
  }

  #introduce(host = this.#host): void {
    if (host) this.#outbox.send(handshakeOf(host))
  }

  /** BEP 5: > A peer receiving this flag … should send PORT */
  #tellDhtPort(host: PeerHost): void {
    const port = host.dht?.port()
    if (supportsDht(this.#reserved) && port !== undefined) this.say({ type: 'port', port })
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
    if (message.type === 'handshake') this.#onHandshake(message.infoHash, message.reserved)
    else if (message.type === 'peerId') this.#onPeerId(message.peerId)
    else {
      const host = this.#host
      if (!host || !this.isOpen) throw new ProtocolError('ERR_BT_MESSAGE_ORDER', `${message.type} before the handshake`)
      return this.#handleMessage(message, host)
    }
    return undefined
  }

  #onHandshake(infoHash: InfoHash, reserved: Buffer): void {
    this.hasAnswered = true
    const agreed = this.#decryptor?.agreement?.infoHash ?? infoHash
    const host = agreed.equals(infoHash) ? this.#options.hostFor(infoHash, this) : undefined
    if (!host || (this.#host && this.#host !== host)) {
      throw new ProtocolError('ERR_BT_HANDSHAKE', 'the peer wants another torrent')
    }
    // BEP 3 lets the receiving side answer as soon as it knows the torrent, before the peer id.
    if (!this.#host) this.#introduce(host)
    this.#host = host
    this.#reserved = reserved
  }

  #onPeerId(peerId: PeerId): void {
    const host = this.#host
    if (!host) throw new ProtocolError('ERR_BT_MESSAGE_ORDER', 'a peer id without a handshake')
    this.isOurselves = peerId.equals(host.peerId)
    if (this.isOurselves) throw new ProtocolError('ERR_BT_HANDSHAKE', 'the peer is ourselves')
    this.#handshakeTimer?.stop()
    this.peerId = peerId
    this.#options.onPeerId?.(this, peerId)
    this.isOpen = true
    if (supportsExtensions(this.#reserved))
      this.extensions = new PeerExtensions(host.extensions, this, this.#clock.now())
    // BEP 10 wants its handshake at once, and every client takes it before the bitfield.
    this.extensions?.introduce()
    if (host.torrent) this.begin(host.torrent)
    this.#tellDhtPort(host)
    this.#options.onOpen(this, peerId)
  }

  #handleMessage(message: LaterMessage, host: PeerHost): Promise<void> | undefined {
    const now = this.#heardAt
    if (isSupplyMessage(message)) return this.#supply.onMessage(message, now)
    switch (message.type) {
      case 'extended':
        return this.#onExtended(message, now)
      case 'interested':
      case 'notInterested': {
        const isInterested = message.type === 'interested'
        if (!isInterested || this.peerInterested) this.idle.count(now)
        this.peerInterested = isInterested
        if (isInterested) this.#offer?.onInterested()
        host.onInterest()
        return undefined
      }
      case 'request':
        if (this.#uploads) return this.#uploads.onRequest(message, this.amChoking, now)
        this.idle.count(now)
        return undefined
      case 'cancel':
        if (this.#uploads) return this.#uploads.onCancel(message, now)
        this.idle.count(now)
        return undefined
      case 'port':
        this.idle.count(now)
        if (message.port > 0) host.dht?.onNode({ host: this.address.host, port: message.port })
        return undefined
      case 'unknown':
        this.idle.count(now)
        return undefined
      default:
        return assertNever(message)
    }
  }

  #onExtended({ id, payload }: WireMessage & { type: 'extended' }, now: number): Promise<void> | undefined {
    if (!this.extensions) this.idle.count(now)
    const held = this.extensions?.onMessage(id, payload, now)
    this.#heedExtensions()
    return held
  }

  #drop(code: 'ERR_BT_HANDSHAKE' | 'ERR_BT_PEER_SILENT', message: string): void {
    this.destroy(new ProtocolError(code, message))
  }
}

/** What may come once the handshake is done. */
type LaterMessage = Exclude<WireMessage, { type: 'handshake' | 'peerId' }>
