/** Who spoilt a piece: block by block, a failed attempt is held against the one that passed, so no good peer is blamed. */
import { createHash } from 'node:crypto'
import { BLOCK_LENGTH } from '../limits.js'

interface Attempt<Peer> {
  readonly block: number
  readonly sender: Peer
  readonly digest: Buffer
}

/** What can be looked at of a piece's attempt. */
interface FailedPiece<Peer> {
  readonly index: number
  readonly bytes: Buffer
  readonly senders: readonly (Peer | undefined)[]
}

export class SmartBan<Peer extends object> {
  readonly #failed = new Map<number, Attempt<Peer>[]>()
  readonly #failures = new Map<number, number>()

  /**
   * Notes a failed attempt. Returns a sender who is guilty at once, or `undefined`: it sent the whole piece, or has sent two versions of
   * one block.
   */
  onFailed({ index, bytes, senders }: FailedPiece<Peer>): Peer | undefined {
    this.#failures.set(index, this.failures(index) + 1)
    const [first] = senders
    if (first && senders.every(sender => sender === first)) return first
    const attempts = this.#failed.get(index) ?? []
    this.#failed.set(index, attempts)
    let guilty: Peer | undefined
    senders.forEach((sender, block) => {
      if (!sender) return
      const digest = digestOf(bytes, block)
      const earlier = attempts.find(attempt => attempt.block === block && attempt.sender === sender)
      if (earlier && !earlier.digest.equals(digest)) guilty ??= sender
      attempts.push({ block, sender, digest })
    })
    return guilty
  }

  /** The piece passed: everyone whose block differed in an earlier attempt. */
  onPassed(index: number, bytes: Buffer): Set<Peer> {
    const guilty = new Set<Peer>()
    const attempts = this.#failed.get(index)
    if (!attempts) return guilty
    this.#failed.delete(index)
    const right = new Map<number, Buffer>()
    for (const { block, sender, digest } of attempts) {
      const good = right.get(block) ?? digestOf(bytes, block)
      right.set(block, good)
      if (!digest.equals(good)) guilty.add(sender)
    }
    return guilty
  }

  /** How often this piece's hash was wrong. */
  failures(index: number): number {
    return this.#failures.get(index) ?? 0
  }
}

/** SHA-1 rather than a checksum: a liar could make a CRC collide. */
function digestOf(bytes: Buffer, block: number): Buffer {
  return createHash('sha1')
    .update(bytes.subarray(block * BLOCK_LENGTH, (block + 1) * BLOCK_LENGTH))
    .digest()
}
