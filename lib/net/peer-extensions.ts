/**
 * One peer's extensions (BEP 10): the handshakes, metadata (BEP 9) both ways, peer exchange (BEP 11) both ways. What they mean is
 * decided by the host; what a peer may send is in `wire/`.
 */
import { ProtocolError } from '../errors.js'
import { VAIN_WEIGHT } from '../limits.js'
import type { IdleMessages } from '../policy/idle-messages.js'
import { addressBytes } from '../wire/compact-peers.js'
import {
  encodeExtensionHandshake,
  EXTENSION_HANDSHAKE_ID,
  mergeHandshakes,
  OUR_EXTENSION_IDS,
  parseExtensionHandshake,
  type ExtensionHandshake,
  type ExtensionName
} from '../wire/extension-handshake.js'
import { encodeMetadataMessage, parseMetadataMessage, type MetadataMessage } from '../wire/metadata-message.js'
import { MetadataService } from '../wire/metadata-service.js'
import type { PeerAddress } from '../wire/peer-address.js'
import { encodePexMessage, PexReceiver, PexSender, type PexPeer } from '../wire/peer-exchange.js'
import type { ExtendedPeer, ExtensionHost } from './peer-host.js'

/** BEP 54: the index of a piece. */
const DONT_HAVE_LENGTH = 4

/** The connection below. */
export interface ExtensionPort {
  readonly address: PeerAddress
  readonly isIncoming: boolean
  readonly idle: IdleMessages
  sendExtended(id: number, payload: Buffer): void
  /** BEP 54: the peer has this piece no longer. Throws `ProtocolError`. */
  onDontHave(piece: number): void
  /** A promise while much waits in the socket. */
  whenWritable(): Promise<void> | undefined
}

export class PeerExtensions implements ExtendedPeer {
  /** What the peer said of itself so far. */
  said: ExtensionHandshake = { ids: {} }
  readonly #host: ExtensionHost
  readonly #port: ExtensionPort
  readonly #service: MetadataService
  readonly #pexSender = new PexSender()
  readonly #pexReceiver = new PexReceiver()
  /** The list as it was when the peer had been told all of it. */
  #toldPeers: readonly PexPeer[] = []
  #isIntroduced = false

  constructor(host: ExtensionHost, port: ExtensionPort, now: number) {
    this.#host = host
    this.#port = port
    this.#service = new MetadataService(now)
  }

  get address(): PeerAddress {
    return this.#port.address
  }

  get isIncoming(): boolean {
    return this.#port.isIncoming
  }

  /** Says who we are, at first and whenever that changes. */
  introduce(): void {
    const yourIp = addressBytes(this.address.host)
    this.#port.sendExtended(EXTENSION_HANDSHAKE_ID, encodeExtensionHandshake(this.#host.handshake(), yourIp))
  }

  requestMetadata(pieces: readonly number[]): void {
    for (const piece of pieces) this.#send('ut_metadata', encodeMetadataMessage({ type: 'request', piece }))
  }

  /** BEP 54: we have this piece no longer. */
  sayGone(piece: number): void {
    const payload = Buffer.alloc(DONT_HAVE_LENGTH)
    payload.writeUInt32BE(piece)
    this.#send('lt_donthave', payload)
  }

  /** To be called about once a second. */
  tick(now: number): void {
    const peers = this.#host.pexPeers()
    if (!peers || peers === this.#toldPeers || !this.speaks('ut_pex') || !this.#pexSender.isDue(now)) return
    const others = peers.filter(({ address }) => address.host !== this.address.host || address.port !== this.#listensOn)
    const message = this.#pexSender.next(others, now)
    if (message) this.#send('ut_pex', encodePexMessage(message))
    else this.#toldPeers = peers
  }

  /** Returns a promise while the peer has more to take than its socket holds. Throws `ProtocolError`. */
  onMessage(id: number, payload: Buffer, now: number): Promise<void> | undefined {
    switch (id) {
      case EXTENSION_HANDSHAKE_ID:
        if (this.#isIntroduced) this.#port.idle.count(now)
        this.#isIntroduced = true
        this.said = mergeHandshakes(this.said, parseExtensionHandshake(payload))
        this.#host.onHandshake(this)
        return undefined
      case OUR_EXTENSION_IDS.ut_metadata:
        return this.#onMetadata(parseMetadataMessage(payload), now)
      case OUR_EXTENSION_IDS.ut_pex: {
        const peers = this.#pexReceiver.accept(payload, now)
        // Before its handshake nobody has been asked.
        if (this.#host.handshake().ids.ut_pex) this.#host.onPeers(this, peers)
        return undefined
      }
      case OUR_EXTENSION_IDS.lt_donthave:
        if (payload.length !== DONT_HAVE_LENGTH)
          throw new ProtocolError('ERR_BT_MESSAGE_LENGTH', `lt_donthave with ${payload.length} bytes of payload`)
        this.#port.onDontHave(payload.readUInt32BE(0))
        return undefined
      default:
        this.#port.idle.count(now)
        return undefined
    }
  }

  #onMetadata(message: MetadataMessage | undefined, now: number): Promise<void> | undefined {
    if (message?.type === 'request') {
      if (!this.speaks('ut_metadata'))
        throw new ProtocolError('ERR_BT_MESSAGE_ORDER', 'a request for metadata without an id for the answer')
      const answer = this.#service.answer(message.piece, this.#host.metadata(), now)
      if (answer.type === 'reject') this.#port.idle.count(now, VAIN_WEIGHT)
      this.#send('ut_metadata', encodeMetadataMessage(answer))
      return this.#port.whenWritable()
    }
    if (!message || !this.#host.onMetadata(this, message)) this.#port.idle.count(now)
    return undefined
  }

  get #listensOn(): number | undefined {
    return this.isIncoming ? this.said.port : this.address.port
  }

  /** The peer takes messages of this extension. */
  speaks(name: ExtensionName): boolean {
    return (this.said.ids[name] ?? 0) > 0
  }

  #send(name: ExtensionName, payload: Buffer): void {
    const id = this.said.ids[name] ?? 0
    if (id > 0) this.#port.sendExtended(id, payload)
  }
}
