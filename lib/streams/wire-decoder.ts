/** A peer's bytes become messages: the Transform between a socket and its `PeerConnection`. All rules are in `WireReader`. */
import { Transform, type TransformCallback } from 'node:stream'
import { WireReader } from '../wire/wire-reader.js'

/** Messages that may wait: one socket chunk of 64 KiB holds four blocks. */
const MESSAGES_HIGH_WATER_MARK = 4
const BYTES_HIGH_WATER_MARK = 65_536

export class WireDecoder extends Transform {
  readonly #reader: WireReader

  /** `bitfieldLength`: bytes of this torrent's bitfield, when it is known. */
  constructor(bitfieldLength?: number) {
    super({
      readableObjectMode: true,
      readableHighWaterMark: MESSAGES_HIGH_WATER_MARK,
      writableHighWaterMark: BYTES_HIGH_WATER_MARK
    })
    this.#reader = new WireReader(bitfieldLength)
  }

  /** Keep-alives since the last call. */
  takeKeepAlives(): number {
    return this.#reader.takeKeepAlives()
  }

  /** Bytes held until their message is whole. */
  get bufferedBytes(): number {
    return this.#reader.bufferedBytes
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    try {
      this.#reader.push(chunk)
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) this.push(message)
    } catch (error) {
      callback(error as Error)
      return
    }
    callback()
  }
}
