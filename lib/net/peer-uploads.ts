/** What one peer asks of us: each request is judged, and served in turn while the peer is unchoked. Does not decide whether it is. */
import { ProtocolError } from '../errors.js'
import * as limits from '../limits.js'
import type { IdleMessages } from '../policy/idle-messages.js'
import type { BlockSpan } from '../wire/message.js'
import type { HostedTorrent } from './peer-host.js'
import type { PeerOutbox } from './peer-outbox.js'
import { UploadQueue } from './upload-queue.js'

export class PeerUploads {
  readonly #torrent: HostedTorrent
  readonly #idle: IdleMessages
  readonly #queue: UploadQueue
  #cancelsLeft = 0
  #requestsWhileChoked = 0

  constructor(outbox: PeerOutbox, torrent: HostedTorrent, idle: IdleMessages, onUploaded: (bytes: number) => void) {
    this.#torrent = torrent
    this.#idle = idle
    this.#queue = new UploadQueue(outbox, {
      readBlock: (piece, begin, length) => torrent.readBlock(piece, begin, length),
      onUploaded
    })
  }

  /** The peer was choked: what it asked for is forgotten. */
  onChoked(): void {
    this.#queue.clear()
  }

  onUnchoked(): void {
    this.#requestsWhileChoked = 0
  }

  /** The peer is gone. */
  close(): void {
    this.#queue.clear()
  }

  /** A promise while the queue is full: the peer is read no further until it resolves. Throws `ProtocolError`. */
  onRequest({ piece, begin, length }: BlockSpan, amChoking: boolean, now: number): Promise<void> | undefined {
    this.#cancelsLeft++
    const { geometry, have } = this.#torrent
    const index = geometry.pieceIndex(piece)
    if (index === undefined || length === 0 || begin + length > geometry.lengthOf(index)) {
      throw new ProtocolError(
        'ERR_BT_MESSAGE_CONTENT',
        `a request for bytes that do not exist (${piece}, ${begin}, ${length})`
      )
    }
    if (length > limits.MAX_TOLERATED_REQUEST_LENGTH)
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `a request for ${length} bytes`)
    if (amChoking) {
      if (++this.#requestsWhileChoked <= limits.MAX_REQUESTS_WHILE_CHOKED) return undefined
      throw new ProtocolError('ERR_BT_FLOOD', 'the peer goes on asking while it is choked')
    }
    // Without the fast extension (BEP 6) there is no way to say no.
    const isServed = length <= limits.MAX_SERVED_LENGTH && have.has(index)
    if (isServed) return this.#queue.add({ piece: index, begin, length })
    this.#idle.count(now, limits.VAIN_WEIGHT)
    return undefined
  }

  onCancel({ piece, begin, length }: BlockSpan, now: number): void {
    if (--this.#cancelsLeft < 0) this.#idle.count(now, limits.VAIN_WEIGHT)
    const index = this.#torrent.geometry.pieceIndex(piece)
    if (index !== undefined) this.#queue.cancel({ piece: index, begin, length })
  }
}
