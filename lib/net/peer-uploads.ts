/** What one peer asks of us: each request is judged, and served in turn while the peer is unchoked. Does not decide whether it is. */
import { ProtocolError } from '../errors.js'
import * as limits from '../limits.js'
import type { IdleMessages } from '../policy/idle-messages.js'
import type { BlockSpan } from '../wire/message.js'
import type { HostedTorrent } from './peer-host.js'
import type { Outbox } from './outbox.js'
import type { PeerOffer } from './peer-offer.js'
import { UploadQueue } from './upload-queue.js'

export interface UploadsOptions {
  readonly outbox: Outbox
  readonly torrent: HostedTorrent
  readonly offer: PeerOffer
  readonly idle: IdleMessages
  readonly onUploaded: (bytes: number) => void
  /** Says that these will not be answered; undefined for a peer that has no word for it (BEP 6). */
  readonly reject: ((spans: readonly BlockSpan[]) => void) | undefined
}

export class PeerUploads {
  readonly #options: UploadsOptions
  readonly #queue: UploadQueue
  #cancelsLeft = 0
  #requestsWhileChoked = 0

  constructor(options: UploadsOptions) {
    this.#options = options
    const { outbox, torrent, onUploaded, reject } = options
    this.#queue = new UploadQueue(outbox, {
      readBlocks: (piece, begin, targets) => torrent.readBlocks(piece, begin, targets),
      whenAllowed: (bytes, isWanted) => torrent.whenUploadAllowed?.(bytes, isWanted),
      charge: bytes => torrent.chargeUpload?.(bytes),
      onUploaded,
      onDropped: blocks => reject?.(blocks)
    })
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** The peer was choked: what it asked for is forgotten, but for what it gets in any case. */
  onChoked(): void {
    this.#queue.mark = limits.BLOCK_LENGTH
    this.#queue.clear(({ piece }) => this.#options.offer.isAllowed(piece))
  }

  onUnchoked(): void {
    this.#queue.mark = limits.MAX_UPLOAD_BUFFERED
    this.#requestsWhileChoked = 0
  }

  /** The peer is gone. */
  close(): void {
    this.#queue.clear()
  }

  /** A promise while the queue is full: the peer is read no further until it resolves. Throws `ProtocolError`. */
  onRequest(span: BlockSpan, amChoking: boolean, now: number): Promise<void> | undefined {
    const { piece, begin, length } = span
    const { torrent, offer, outbox, reject } = this.#options
    this.#cancelsLeft++
    if (length > limits.MAX_TOLERATED_REQUEST_LENGTH)
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `a request for ${length} bytes`)
    const index = torrent.geometry.pieceIndex(piece)
    const exists = index !== undefined && length > 0 && begin + length <= torrent.geometry.lengthOf(index)
    if (!exists && !reject) {
      const what = `a request for bytes that do not exist (${piece}, ${begin}, ${length})`
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', what)
    }
    if (exists && amChoking && !offer.isAllowed(index)) {
      this.#refuseWhileChoked(span, now)
      return undefined
    }
    const isServed = exists && length <= limits.MAX_SERVED_LENGTH && offer.has(index)
    // Without the fast extension nothing is dropped in silence: the peer is held.
    const isTooMuch = reject !== undefined && this.#queue.size >= limits.MAX_REQUESTS_QUEUED - 1
    if (!isServed || isTooMuch) {
      this.#refuse(span, now)
      return undefined
    }
    if (amChoking) offer.spendAllowed(index, length)
    return this.#queue.add({ piece: index, begin, length }) ?? outbox.whenAnswersTaken()
  }

  /** A promise while the peer takes none of our answers: each cancel may have one, too. */
  onCancel({ piece, begin, length }: BlockSpan, now: number): Promise<void> | undefined {
    const { torrent, idle, outbox } = this.#options
    if (--this.#cancelsLeft < 0) idle.count(now, limits.VAIN_WEIGHT)
    const index = torrent.geometry.pieceIndex(piece)
    if (index !== undefined) this.#queue.cancel({ piece: index, begin, length })
    return outbox.whenAnswersTaken()
  }

  #refuseWhileChoked(span: BlockSpan, now: number): void {
    if (this.#options.reject) this.#refuse(span, now)
    else if (++this.#requestsWhileChoked > limits.MAX_REQUESTS_WHILE_CHOKED)
      throw new ProtocolError('ERR_BT_FLOOD', 'the peer goes on asking while it is choked')
  }

  /** Without the fast extension (BEP 6) there is no way to say no. */
  #refuse(span: BlockSpan, now: number): void {
    this.#options.idle.count(now, limits.VAIN_WEIGHT)
    this.#options.reject?.([span])
  }
}
