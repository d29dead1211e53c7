/**
 * The bytes of a subtitle file as text: UTF-8, or UTF-16 if a mark at its start says so; once bytes come that are no UTF-8, all from there on is
 * windows-1252, in which old files are written. Chunk by chunk; holds a few bytes.
 */
import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'

export class SubtitleText {
  #decoder: TextDecoder | undefined
  #isStrict = false
  #isFirst = true
  /** The first bytes, until there are enough to see a mark; then the start of a character that is not complete. */
  #held: Buffer = Buffer.alloc(0)

  /** The text of the next bytes. They are not kept. */
  decode(chunk: Uint8Array): string {
    const bytes = Buffer.concat([this.#held, chunk])
    if (!this.#decoder && bytes.length < 2) {
      this.#held = bytes
      return ''
    }
    this.#decoder ??= this.#choose(bytes)
    if (!this.#isStrict) {
      this.#held = Buffer.alloc(0)
      return this.#decoder.decode(bytes, { stream: true })
    }
    const whole = wholeCharacters(bytes)
    this.#held = Buffer.from(bytes.subarray(whole))
    return this.#strictly(bytes.subarray(0, whole))
  }

  /** What was held back. */
  end(): string {
    const rest = this.#held
    this.#held = Buffer.alloc(0)
    if (this.#isStrict || !this.#decoder) return this.#strictly(rest)
    return this.#decoder.decode()
  }

  #choose(bytes: Buffer): TextDecoder {
    const mark = bytes.readUInt16BE(0)
    if (mark === 0xfffe) return new TextDecoder('utf-16le')
    if (mark === 0xfeff) return new TextDecoder('utf-16be')
    this.#isStrict = true
    return new TextDecoder('utf-8')
  }

  /** Whole characters of UTF-8, as far as they are; what follows is none, and nothing after it. */
  #strictly(bytes: Buffer): string {
    const length = validLength(bytes)
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, length))
    const isMarked = this.#isFirst && utf8.startsWith('\ufeff')
    this.#isFirst &&= utf8 === ''
    const text = isMarked ? utf8.slice(1) : utf8
    if (length === bytes.length) return text
    this.#isStrict = false
    this.#decoder = new TextDecoder('windows-1252')
    const rest = this.#decoder.decode(Buffer.concat([bytes.subarray(length), this.#held]), { stream: true })
    this.#held = Buffer.alloc(0)
    return text + rest
  }
}

/** Bytes from the start that are whole characters of UTF-8. */
function validLength(bytes: Buffer): number {
  if (isUtf8(bytes)) return bytes.length
  let [valid, invalid] = [0, bytes.length]
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1
    // A character that is cut by the middle is no fault of it.
    if (isUtf8(bytes.subarray(0, wholeCharacters(bytes.subarray(0, middle))))) valid = middle
    else invalid = middle
  }
  return wholeCharacters(bytes.subarray(0, valid))
}

/** Bytes up to a character whose end has not come: at most three are left. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return length > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}
