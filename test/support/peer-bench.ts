/** One `PeerConnection` of a small torrent's engine, wired to a `FakePeer` over loopback, in virtual time. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { asPeerId, type InfoHash } from '../../lib/metainfo/info-hash.js'
import { parseMetainfo, type Metainfo } from '../../lib/metainfo/metainfo.js'
import { PeerConnection } from '../../lib/net/peer-connection.js'
import type { ExtendedPeer, ExtensionHost, HostedTorrent, Offering, PeerHost } from '../../lib/net/peer-host.js'
import { byteCount } from '../../lib/storage/file-system.js'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { HashPool } from '../../lib/streams/hash-pool.js'
import type { Storage } from '../../lib/streams/storage.js'
import { TorrentEngine } from '../../lib/torrent-engine.js'
import { OUR_EXTENSION_IDS, type ExtensionHandshake } from '../../lib/wire/extension-handshake.js'
import type { MetadataMessage } from '../../lib/wire/metadata-message.js'
import type { PexPeer } from '../../lib/wire/peer-exchange.js'
import { FakePeer } from './fake-peer.js'
import { makeTorrent, randomBytesSeeded } from './make-torrent.js'
import { VirtualClock } from './virtual-clock.js'

export const OUR_ID = asPeerId(Buffer.from('-BS0010-ourselvesxyz'))

export interface BenchOptions {
  readonly pieceLength?: number
  readonly length?: number
  readonly maxMemory?: number
  readonly storage?: Storage
  /** Pieces that we say we have, and serve from `content`. Default none. */
  readonly announced?: 'all' | readonly number[]
  /** Whom of them is told what. Default `all`. */
  readonly offering?: Offering
  /** Only the info-hash is known. */
  readonly isUnknown?: boolean
}

/** Answers extensions as a spec has it, and notes what peers said. */
export class ExtensionRecord implements ExtensionHost {
  ours: ExtensionHandshake = { ids: { ...OUR_EXTENSION_IDS }, client: 'spec', maxRequests: 2000 }
  served: Buffer | undefined
  known: readonly PexPeer[] | undefined
  isSeeking = true
  readonly introduced: ExtendedPeer[] = []
  readonly metadataHeard: MetadataMessage[] = []
  readonly told: PexPeer[] = []

  handshake(): ExtensionHandshake {
    return this.ours
  }

  metadata(): Buffer | undefined {
    return this.served
  }

  pexPeers(): readonly PexPeer[] | undefined {
    return this.known
  }

  onHandshake(peer: ExtendedPeer): void {
    this.introduced.push(peer)
  }

  onMetadata(_peer: ExtendedPeer, message: MetadataMessage): boolean {
    this.metadataHeard.push(message)
    return this.isSeeking
  }

  onPeers(_peer: ExtendedPeer, peers: readonly PexPeer[]): void {
    this.told.push(...peers)
  }
}

export class PeerBench {
  readonly clock = new VirtualClock()
  readonly content: Buffer
  readonly metainfo: Metainfo
  readonly engine: TorrentEngine
  readonly torrent: HostedTorrent
  readonly host: PeerHost
  readonly extensions = new ExtensionRecord()
  readonly connections: PeerConnection[] = []
  interestChanges = 0
  readonly failures: Error[] = []
  /** Why each connection ended, in the order of their ends. */
  readonly ends: (Error | undefined)[] = []
  uploaded = 0
  readonly #hashes = new HashPool(0)
  readonly #server: Server
  readonly #sockets: Socket[] = []
  readonly #peers: FakePeer[] = []

  private constructor(server: Server, options: BenchOptions) {
    const { pieceLength = 32_768, length = 10 * pieceLength, maxMemory = 2 ** 20, announced = [] } = options
    this.#server = server
    this.content = randomBytesSeeded('bench', length)
    this.metainfo = parseMetainfo(makeTorrent({ name: 'bench', data: this.content, pieceLength }).torrent)
    this.engine = new TorrentEngine({
      metainfo: this.metainfo,
      clock: this.clock,
      random: () => 0,
      hashes: this.#hashes,
      maxMemory,
      storage: options.storage,
      dialling: () => 0,
      onStored: () => undefined,
      onGuilty: () => undefined,
      onFailure: error => this.failures.push(error)
    })
    const { engine, metainfo } = this
    const have = new Bitfield(engine.geometry.pieceCount)
    if (announced === 'all') have.fill()
    else for (const index of announced) have.set(index)
    this.torrent = {
      infoHash: metainfo.infoHash,
      offering: options.offering ?? 'all',
      geometry: engine.geometry,
      have,
      scheduler: engine.scheduler,
      onChange: () => engine.onChange(),
      acceptBlock: (supplier, piece, begin, data) => engine.acceptBlock(supplier, piece, begin, data),
      readBlocks: async (piece, begin, targets) => {
        const bytes = await this.readBlocks(piece * pieceLength + begin, byteCount(targets))
        let at = 0
        for (const target of targets) at += bytes?.copy(target, 0, at) ?? 0
        return bytes !== undefined
      }
    }
    this.host = {
      infoHash: metainfo.infoHash,
      peerId: OUR_ID,
      torrent: options.isUnknown === true ? undefined : this.torrent,
      extensions: this.extensions,
      encryption: 'allow',
      onInterest: () => {
        this.interestChanges++
      },
      onUploaded: bytes => {
        this.uploaded += bytes
      }
    }
  }

  static async open(options: BenchOptions = {}): Promise<PeerBench> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const bench = new PeerBench(server, options)
    server.on('connection', socket => bench.#sockets.push(socket))
    return bench
  }

  /** What uploads read; a spec may replace it. */
  readBlocks: (at: number, length: number) => Promise<Buffer | undefined> = (at, length) =>
    Promise.resolve(this.content.subarray(at, at + length))

  get infoHash(): InfoHash {
    return this.metainfo.infoHash
  }

  /** A connection that the fake peer opened (`isIncoming`) or that we did. Nobody has said anything yet. */
  async connect(isIncoming = false): Promise<[FakePeer, PeerConnection]> {
    const { host, clock } = this
    const accepted = once(this.#server, 'connection')
    const peer = await FakePeer.dial((this.#server.address() as AddressInfo).port)
    this.#peers.push(peer)
    const [socket] = (await accepted) as [Socket]
    const connection = new PeerConnection({
      socket,
      address: { host: '127.0.0.1', port: socket.remotePort ?? 0 },
      isIncoming,
      clock,
      connectMs: 1,
      ...(isIncoming ? {} : { host }),
      hostFor: infoHash => (infoHash.equals(host.infoHash) ? host : undefined),
      onOpen: opened => this.connections.push(opened),
      onClose: (_, error) => this.ends.push(error)
    })
    connection.start()
    return [peer, connection]
  }

  /** A connection with both handshakes done. */
  async handshaken(reserved?: Uint8Array): Promise<[FakePeer, PeerConnection]> {
    const [peer, connection] = await this.connect()
    await peer.expectHandshake()
    peer.sendHandshake(this.infoHash, peer.peerId, reserved)
    await until(() => connection.isOpen)
    return [peer, connection]
  }

  /** Right bytes for a request. */
  bytesOf({ piece, begin, length }: { piece: number; begin: number; length: number }): Buffer {
    const at = piece * this.metainfo.pieceLength + begin
    return this.content.subarray(at, at + length)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    for (const peer of this.#peers) peer.hangUp()
    await this.engine.close(new Error('the spec is over'))
    await this.#hashes.close()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Looks once a turn of the loop until it finds something; a spec's own time limit ends a search in vain. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}
