/** Who spoilt a piece: block by block, a failed attempt is held against the one that passed, so no good peer is blamed. */
import { createHash } from 'node:crypto'
import { BLOCK_LENGTH } from '../limits.js'

/** What each sender of one block sent. */
type Versions<Peer> = Map<Peer, Buffer[]>

/** What can be looked at of a piece's attempt. */
interface FailedPiece<Peer> {
  readonly index: number
  readonly bytes: Buffer
  readonly senders: readonly (Peer | undefined)[]
}

export class SmartBan<Peer extends object> {
  /** Piece → block → versions. */
  readonly #failed = new Map<number, Map<number, Versions<Peer>>>()
  readonly #failures = new Map<number, number>()

  /**
   * Notes a failed attempt. Returns a sender who is guilty at once, or `undefined`: it sent the whole piece, or has sent two versions of
   * one block.
   */
  onFailed({ index, bytes, senders }: FailedPiece<Peer>): Peer | undefined {
    this.#failures.set(index, this.failures(index) + 1)
    const [first] = senders
    if (first && senders.every(sender => sender === first)) return first
    const blocks = this.#failed.get(index) ?? new Map<number, Versions<Peer>>()
    this.#failed.set(index, blocks)
    let guilty: Peer | undefined
    senders.forEach((sender, block) => {
      if (!sender) return
      const digest = digestOf(bytes, block)
      const versions: Versions<Peer> = blocks.get(block) ?? new Map<Peer, Buffer[]>()
      blocks.set(block, versions)
      const earlier = versions.get(sender)
      if (earlier?.some(other => !other.equals(digest))) guilty ??= sender
      versions.set(sender, [...(earlier ?? []), digest])
    })
    return guilty
  }

  /** The piece passed: everyone whose block differed in an earlier attempt. */
  onPassed(index: number, bytes: Buffer): Set<Peer> {
    const guilty = new Set<Peer>()
    const blocks = this.#failed.get(index)
    if (!blocks) return guilty
    this.#failed.delete(index)
    for (const [block, versions] of blocks) {
      const good = digestOf(bytes, block)
      for (const [sender, digests] of versions) if (!digests.every(digest => digest.equals(good))) guilty.add(sender)
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
