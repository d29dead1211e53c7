/**
 * The Transform between a socket and its `WireDecoder` where a peer may speak encrypted: carries out the handshake, then decrypts. The
 * bytes of a chunk are decrypted where they lie, so they must be nobody else's. What the peer says then is the decoder's business.
 */
import { Transform, type TransformCallback } from 'node:stream'
import { SOCKET_HIGH_WATER_MARK } from '../../limits.js'
import { PROTOCOL } from '../../wire/handshake.js'
import { Handshake, type Agreement, type Script } from './handshake.js'
import { initiate, type InitiatorOptions } from './initiator.js'
import type { Rc4 } from './rc4.js'
import { respond, type ResponderOptions } from './responder.js'

const NOTHING = Buffer.alloc(0)

export class Decryptor extends Transform {
  /** What both sides agreed upon; undefined before, and when the peer speaks plainly. */
  agreement: Agreement | undefined
  /** Called when there is one, before what the peer says behind it is passed on. */
  onAgreement: () => void = () => undefined
  readonly #begin: () => Script
  #handshake: Handshake | undefined
  #isPlain = false
  /** First bytes of who dialled us, while they may be the start of either handshake. */
  #first: Buffer = NOTHING
  /** Encrypted bytes that follow the handshake, though the rest may be plain. */
  #initialLeft = 0

  private constructor(begin: () => Script) {
    super({ readableHighWaterMark: SOCKET_HIGH_WATER_MARK, writableHighWaterMark: SOCKET_HIGH_WATER_MARK })
    this.#begin = begin
  }

  /** Begins the handshake at once. */
  static initiator(options: InitiatorOptions): Decryptor {
    const decryptor = new Decryptor(() => initiate(options))
    decryptor.#handshake = new Handshake(decryptor.#begin())
    return decryptor
  }

  /** Answers the handshake, or lets the bytes pass if they are those of a plain one. */
  static responder(options: ResponderOptions): Decryptor {
    return new Decryptor(() => respond(options))
  }

  /** What encrypts all that we send from now on; undefined while nothing, or plain text, is agreed. */
  get outgoing(): Rc4 | undefined {
    return this.agreement?.method === 'rc4' ? this.agreement.encrypt : undefined
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    try {
      const words = this.#read(chunk)
      if (words.length > 0) this.push(words)
    } catch (error) {
      callback(error as Error)
      return
    }
    callback()
  }

  #read(chunk: Buffer): Buffer {
    if (this.#isPlain) return chunk
    if (this.agreement) return this.#decrypt(chunk, this.agreement)
    if (!this.#handshake) return this.#tellApart(Buffer.concat([this.#first, chunk]))
    const done = this.#handshake.push(chunk)
    if (!done) return NOTHING
    this.agreement = done.agreement
    this.#initialLeft = done.agreement.initialLength
    this.onAgreement()
    return this.#decrypt(done.rest, this.agreement)
  }

  /** A public key looks like the start of a plain handshake for one byte in 256, for two in 65,536, and so on. */
  #tellApart(first: Buffer): Buffer {
    const length = Math.min(first.length, PROTOCOL.length)
    const isLike = first.compare(PROTOCOL, 0, length, 0, length) === 0
    if (isLike && length < PROTOCOL.length) {
      this.#first = first
      return NOTHING
    }
    this.#first = NOTHING
    this.#isPlain = isLike
    if (!isLike) this.#handshake = new Handshake(this.#begin())
    return this.#read(first)
  }

  #decrypt(chunk: Buffer, { method, decrypt }: Agreement): Buffer {
    const encrypted = method === 'rc4' ? chunk : chunk.subarray(0, this.#initialLeft)
    this.#initialLeft -= Math.min(encrypted.length, this.#initialLeft)
    decrypt.applyInPlace(encrypted)
    return chunk
  }
}
