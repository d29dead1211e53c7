/** The peers of one torrent as local service discovery knows them. A source of peers like any other. */
import type { InfoHash } from '../metainfo/info-hash.js'
import { formatPeerAddress, type PeerAddress } from '../wire/peer-address.js'
import type { Lsd } from './lsd.js'

export class LsdSource {
  readonly name = 'lsd'
  readonly #lsd: Lsd
  readonly #infoHash: InfoHash
  readonly #onPeers: (peers: readonly PeerAddress[]) => void
  readonly #found = new Set<string>()
  #port: number | undefined
  #leave: () => void = () => undefined

  constructor(lsd: Lsd, infoHash: InfoHash, onPeers: (peers: readonly PeerAddress[]) => void) {
    this.#lsd = lsd
    this.#infoHash = infoHash
    this.#onPeers = onPeers
  }

  start(port: number | undefined): void {
    this.#port = port
    this.#leave = this.#lsd.join(this.#infoHash, peer => {
      if (this.#found.size < MAX_COUNTED) this.#found.add(formatPeerAddress(peer))
      this.#onPeers([peer])
    })
  }

  announce(): void {
    if (this.#port !== undefined) this.#lsd.announce(this.#infoHash, this.#port)
  }

  lookAgain(): void {
    this.#lsd.announceSoon(this.#infoHash)
  }

  state(): string {
    const { size } = this.#found
    return `${size} peer${size === 1 ? '' : 's'}`
  }

  stop(): Promise<void> {
    this.#leave()
    return Promise.resolve()
  }
}

/** Peers that are counted for people to see. */
const MAX_COUNTED = 1000
