/** A peer's byte stream, read: handshake, then messages. Checks every length before its payload is buffered; knows no torrent but its bitfield's size. */
import { ProtocolError } from '../errors.js'
import { BLOCK_LENGTH, MAX_BITFIELD_LENGTH, MAX_EXTENDED_LENGTH, MAX_MESSAGE_LENGTH } from '../limits.js'
import { asInfoHash, asPeerId } from '../metainfo/info-hash.js'
import { FrameBuffer } from './frame-buffer.js'
import { HANDSHAKE_HEAD_LENGTH, PROTOCOL, RESERVED_LENGTH, supportsFast } from './handshake.js'
import { MESSAGES, messageName, type MessageName, type WireMessage } from './message.js'

type ReaderState = 'head' | 'peerId' | 'messages'

const BLOCK_HEAD = 8

export class WireReader {
  readonly #buffer = new FrameBuffer()
  /** Bytes of this torrent's bitfield, once it is known. */
  bitfieldLength: number | undefined
  #state: ReaderState = 'head'
  /** BEP 6: both sides say that they speak it; we always do. */
  #speaksFast = false
  /** Payload bytes of an unknown message that are still to come and of no interest. */
  #skipping = 0
  #keepAlives = 0
  #checked = 0

  constructor(bitfieldLength?: number) {
    this.bitfieldLength = bitfieldLength
  }

  /** Keep-alives since the last call: they are counted, not emitted, for a chunk may hold 16,384 of them. */
  takeKeepAlives(): number {
    const count = this.#keepAlives
    this.#keepAlives = 0
    return count
  }

  /** Bytes held until their message is whole. */
  get bufferedBytes(): number {
    return this.#buffer.length
  }

  push(chunk: Buffer): void {
    this.#buffer.append(chunk)
  }

  /** The next message, or `undefined` when more bytes are needed. Throws `ProtocolError`; the reader is of no use after that. */
  next(): WireMessage | undefined {
    if (this.#state === 'head') return this.#readHead()
    if (this.#state === 'peerId') {
      if (this.#buffer.length < 20) return undefined
      this.#state = 'messages'
      return { type: 'peerId', peerId: asPeerId(this.#buffer.take(20)) }
    }
    return this.#readMessage()
  }

  #readHead(): WireMessage | undefined {
    const seen = Math.min(this.#buffer.length, PROTOCOL.length)
    for (; this.#checked < seen; this.#checked++) {
      if (this.#buffer.byteAt(this.#checked) !== PROTOCOL[this.#checked]) {
        throw new ProtocolError('ERR_BT_HANDSHAKE', 'the peer does not speak the BitTorrent protocol')
      }
    }
    if (this.#buffer.length < HANDSHAKE_HEAD_LENGTH) return undefined
    this.#buffer.skip(PROTOCOL.length)
    const reserved = this.#buffer.take(RESERVED_LENGTH)
    const infoHash = asInfoHash(this.#buffer.take(20))
    this.#speaksFast = supportsFast(reserved)
    this.#state = 'peerId'
    return { type: 'handshake', reserved, infoHash }
  }

  #readMessage(): WireMessage | undefined {
    for (;;) {
      if (this.#skipping > 0) {
        const some = Math.min(this.#skipping, this.#buffer.length)
        this.#buffer.skip(some)
        this.#skipping -= some
      }
      if (this.#skipping > 0 || this.#buffer.length < 4) return undefined
      const length = this.#buffer.uint32At(0)
      if (length > 0) return this.#readFrame(length)
      this.#buffer.skip(4)
      this.#keepAlives++
    }
  }

  #readFrame(length: number): WireMessage | undefined {
    if (length > MAX_MESSAGE_LENGTH) {
      throw new ProtocolError(
        'ERR_BT_MESSAGE_LENGTH',
        `a message of ${length} bytes; ${MAX_MESSAGE_LENGTH} are allowed`
      )
    }
    if (this.#buffer.length < 5) return undefined
    const id = this.#buffer.byteAt(4)
    const name = messageName(id, this.#speaksFast)
    if (name === undefined) {
      this.#buffer.skip(5)
      this.#skipping = length - 1
      return { type: 'unknown', id, length }
    }
    this.#checkLength(name, length - 1)
    if (this.#buffer.length < 4 + length) return undefined
    this.#buffer.skip(5)
    return this.#readPayload(name, length - 1)
  }

  #checkLength(name: MessageName, payload: number): void {
    const rule = MESSAGES[name].payload
    const isRight =
      rule === 'bitfield'
        ? this.bitfieldLength === undefined
          ? payload <= MAX_BITFIELD_LENGTH
          : payload === this.bitfieldLength
        : rule === 'block'
          ? payload > BLOCK_HEAD && payload <= BLOCK_HEAD + BLOCK_LENGTH
          : rule === 'extended'
            ? payload > 0 && payload <= MAX_EXTENDED_LENGTH
            : payload === rule
    if (!isRight) throw new ProtocolError('ERR_BT_MESSAGE_LENGTH', `a ${name} message with ${payload} bytes of payload`)
  }

  #readPayload(name: MessageName, payload: number): WireMessage {
    switch (name) {
      case 'choke':
      case 'unchoke':
      case 'interested':
      case 'notInterested':
      case 'haveAll':
      case 'haveNone':
        return { type: name }
      case 'have':
      case 'suggest':
      case 'allowedFast':
        return { type: name, piece: this.#buffer.take(4).readUInt32BE(0) }
      case 'bitfield':
        return { type: 'bitfield', bits: this.#buffer.take(payload) }
      case 'request':
      case 'cancel':
      case 'reject': {
        const bytes = this.#buffer.take(12)
        const [piece, begin, length] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8)]
        return { type: name, piece, begin, length }
      }
      case 'block': {
        const [piece, begin] = [this.#buffer.uint32At(0), this.#buffer.uint32At(4)]
        this.#buffer.skip(BLOCK_HEAD)
        return { type: 'block', piece, begin, data: this.#buffer.takeViews(payload - BLOCK_HEAD) }
      }
      case 'port':
        return { type: 'port', port: this.#buffer.take(2).readUInt16BE(0) }
      case 'extended': {
        const id = this.#buffer.byteAt(0)
        this.#buffer.skip(1)
        return { type: 'extended', id, payload: this.#buffer.take(payload - 1) }
      }
    }
  }
}
