/** A peer's bytes become messages: the Transform between a socket and its `PeerConnection`. All rules are in `WireReader`. */
import { Transform, type TransformCallback } from 'node:stream'
import { WireReader } from '../wire/wire-reader.js'

/** Messages that may wait: one socket chunk of 64 KiB holds four blocks. */
const MESSAGES_HIGH_WATER_MARK = 4
const BYTES_HIGH_WATER_MARK = 65_536

export class WireDecoder extends Transform {
  readonly #reader: WireReader

  /** `pieceCount`: of the torrent, when it is known. */
  constructor(pieceCount?: number) {
    super({
      readableObjectMode: true,
      readableHighWaterMark: MESSAGES_HIGH_WATER_MARK,
      writableHighWaterMark: BYTES_HIGH_WATER_MARK
    })
    this.#reader = new WireReader(pieceCount === undefined ? undefined : bitfieldLength(pieceCount))
  }

  /** The torrent is known now: a bitfield has a bit for each of its pieces. */
  expectBitfield(pieceCount: number): void {
    this.#reader.bitfieldLength = bitfieldLength(pieceCount)
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

function bitfieldLength(pieceCount: number): number {
  return Math.ceil(pieceCount / 8)
}
