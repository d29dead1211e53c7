/** Both sides of encrypted handshakes, and one of them as a real client was recorded. */
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import { KeyExchange } from '../../lib/net/mse/diffie-hellman.js'
import { Handshake, type Done } from '../../lib/net/mse/handshake.js'
import { initiate, type InitiatorOptions } from '../../lib/net/mse/initiator.js'
import { respond, type ResponderOptions } from '../../lib/net/mse/responder.js'
import type { Method } from '../../lib/policy/encryption.js'
import { torrentMark } from '../../lib/net/mse/secrets.js'

export const INFO_HASH = asInfoHash(Buffer.alloc(20, 0xab))
export const BOTH: readonly Method[] = ['plain', 'rc4']

/** One side, and what it has said and heard. */
export class Side {
  readonly handshake: Handshake
  readonly said: Buffer[] = []
  done: Done | undefined

  private constructor(make: (send: (bytes: Buffer) => void) => Handshake) {
    this.handshake = make(bytes => this.said.push(bytes))
  }

  static initiator(options: Partial<InitiatorOptions> = {}): Side {
    const filled = { infoHash: INFO_HASH, methods: BOTH, initialPayload: Buffer.alloc(0), ...options }
    return new Side(send => new Handshake(initiate({ ...filled, send })))
  }

  /** Has one torrent, `INFO_HASH`. */
  static responder(methods: readonly Method[] = BOTH, options: Partial<ResponderOptions> = {}): Side {
    const torrentFor = (mark: Buffer) =>
      mark.equals(torrentMark(INFO_HASH)) ? { infoHash: INFO_HASH, methods } : undefined
    return new Side(send => new Handshake(respond({ torrentFor, ...options, send })))
  }

  /** Hears bytes that come in these chunks. After the end of the handshake they are added to what lies behind it. */
  hear(...chunks: Buffer[]): void {
    for (const chunk of chunks) {
      if (this.done) this.done = { ...this.done, rest: Buffer.concat([this.done.rest, chunk]) }
      else this.done = this.handshake.push(Buffer.from(chunk))
    }
  }

  /** All it has said since the last call. */
  words(): Buffer {
    return Buffer.concat(this.said.splice(0))
  }
}

/** Fixed keys and padding, so that a handshake is the same each time. */
export function fixed(seed: number, padLength: number): { keys: KeyExchange; padding: () => Buffer } {
  return { keys: new KeyExchange(Buffer.alloc(20, seed)), padding: () => Buffer.alloc(padLength, seed) }
}

/** The two of them talk until neither has anything to say. */
export function converse(one: Side, other: Side): void {
  for (;;) {
    const words = one.words()
    const answer = other.words()
    if (words.length + answer.length === 0) return
    if (words.length > 0) other.hear(words)
    if (answer.length > 0) one.hear(answer)
  }
}
