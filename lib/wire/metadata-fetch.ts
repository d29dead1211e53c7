/**
 * Fetches the `info` dictionary from peers (BEP 9): whom to ask for which piece, what came, who lied. Peers may announce different
 * sizes; each is fetched for itself, and the hash decides. Sends nothing and reads no clock: `now` is in milliseconds.
 */
import { createHash } from 'node:crypto'
import { ProtocolError } from '../errors.js'
import {
  MAX_METADATA_SIZES,
  METADATA_PATIENCE_MS,
  METADATA_REQUESTS,
  METADATA_REST_MS,
  METADATA_SOLO_MS
} from '../limits.js'
import type { InfoHash } from '../metainfo/info-hash.js'
import { MetadataAssembly } from './metadata-assembly.js'
import type { MetadataMessage } from './metadata-message.js'

/** rTorrent's library: a second request that comes before it has answered the first one silences the connection for good. */
const ONE_AT_A_TIME = 'libTorrent '

/** A peer that says that it has the metadata. */
interface Source {
  /** Bytes, as it announced them. */
  size: number
  /** Pieces asked for → when. */
  readonly asked: Map<number, number>
  /** Pieces asked for and given up: a late answer is no fault. */
  readonly late: Set<number>
  /** It refused or was silent: not to be asked before this time. */
  restUntil: number
  /** Times that it refused or was silent. */
  vain: number
  /** Pieces that are asked of it at once. */
  readonly atOnce: number
}

export class MetadataFetch<Peer> {
  /** Times that a complete copy had the wrong hash. */
  failures = 0
  /** When a piece last came; undefined before the first. */
  heardAt: number | undefined
  readonly #infoHash: InfoHash
  readonly #sources = new Map<Peer, Source>()
  readonly #assemblies = new Map<number, MetadataAssembly<Peer>>()
  #guilty: Peer[] = []

  constructor(infoHash: InfoHash) {
    this.#infoHash = infoHash
  }

  /** Peers that say they have it. */
  get sourceCount(): number {
    return this.#sources.size
  }

  /** The peer announced the metadata's size, perhaps anew. `client`: how it names itself. */
  onAnnounced(peer: Peer, size: number, client?: string): void {
    const known = this.#sources.get(peer)
    if (known?.size === size) return
    if (known) this.#release(known)
    const late = new Set([...(known?.late ?? []), ...(known?.asked.keys() ?? [])])
    const { restUntil = -Infinity, vain = 0 } = known ?? {}
    const atOnce = known?.atOnce ?? (client?.startsWith(ONE_AT_A_TIME) === true ? 1 : METADATA_REQUESTS)
    this.#sources.set(peer, { size, asked: new Map(), late, restUntil, vain, atOnce })
    this.#rank()
  }

  onGone(peer: Peer): void {
    const source = this.#sources.get(peer)
    if (!source) return
    this.#release(source)
    this.#sources.delete(peer)
    this.#rank()
  }

  /** Pieces to ask this peer for now. They count as asked. */
  ask(peer: Peer, now: number): number[] {
    const source = this.#sources.get(peer)
    const assembly = source && now >= source.restUntil ? this.#assemblies.get(source.size) : undefined
    if (!source || !assembly || !this.#isItsTurn(assembly, peer, now)) return []
    const pieces: number[] = []
    while (source.asked.size < source.atOnce) {
      const piece = assembly.next(index => source.asked.has(index))
      if (piece === undefined) break
      source.asked.set(piece, now)
      assembly.onAsked(piece)
      pieces.push(piece)
    }
    return pieces
  }

  /** Gives up what peers owe for too long; they are not asked for a while. To be called about once a second. */
  expire(now: number): void {
    for (const source of this.#sources.values()) {
      // Whose turn it is alone holds up all others.
      const patience = this.#assemblies.get(source.size)?.isSolo === true ? METADATA_SOLO_MS : METADATA_PATIENCE_MS
      for (const askedAt of source.asked.values()) if (now - askedAt >= patience) this.#rest(source, now)
    }
  }

  onReject(peer: Peer, piece: number, now: number): void {
    const source = this.#sources.get(peer)
    if (source?.asked.has(piece) === true) this.#rest(source, now)
  }

  /**
   * A piece came. Returns the metadata once it is whole and its hash is right. Throws `ProtocolError` for what was not asked for or
   * cannot be a piece of what the peer announced.
   */
  onData(peer: Peer, { piece, totalSize, bytes }: MetadataMessage & { type: 'data' }, now: number): Buffer | undefined {
    const source = this.#sources.get(peer)
    const isAsked = source?.asked.delete(piece) === true
    if (!source || (!isAsked && !source.late.delete(piece))) {
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `metadata that nobody asked for (piece ${piece})`)
    }
    const assembly = this.#assemblies.get(source.size)
    if (isAsked) assembly?.onAnswered(piece)
    if (totalSize !== source.size) {
      throw new ProtocolError('ERR_BT_MESSAGE_CONTENT', `metadata of ${source.size} bytes became one of ${totalSize}`)
    }
    if (!assembly) return undefined
    // So rTorrent says that it cannot: of metadata that ends with a full piece it never sends that one.
    if (bytes.length === 0) {
      this.#rest(source, now)
      return undefined
    }
    if (bytes.length !== assembly.lengthOf(piece)) {
      throw new ProtocolError('ERR_BT_MESSAGE_LENGTH', `a piece of metadata with ${bytes.length} bytes`)
    }
    this.heardAt = now
    // Of one piece every peer sends a copy of its own.
    if (assembly.pieceCount === 1) assembly.reset()
    if (assembly.pieceCount === 1 || !assembly.isSolo || assembly.solo === peer) assembly.add(piece, bytes, peer)
    return assembly.isComplete ? this.#verify(assembly) : undefined
  }

  /** Peers that sent metadata with a wrong hash, since the last call. They are not asked again. */
  takeGuilty(): Peer[] {
    const guilty = this.#guilty
    this.#guilty = []
    return guilty
  }

  #verify(assembly: MetadataAssembly<Peer>): Buffer | undefined {
    const metadata = assembly.join()
    if (createHash('sha1').update(metadata).digest().equals(this.#infoHash)) return metadata
    this.failures++
    const [sender, ...others] = assembly.senders
    // Of several senders nobody knows which one lied.
    if (sender !== undefined && others.length === 0) {
      this.#guilty.push(sender)
      this.onGone(sender)
    }
    assembly.isSolo = assembly.pieceCount > 1
    assembly.reset()
    return undefined
  }

  #isItsTurn(assembly: MetadataAssembly<Peer>, peer: Peer, now: number): boolean {
    if (!assembly.isSolo || assembly.solo === peer) return true
    const current = assembly.solo !== undefined ? this.#sources.get(assembly.solo) : undefined
    if (current?.size === assembly.size && now >= current.restUntil) return false
    assembly.reset()
    assembly.solo = peer
    return true
  }

  #rest(source: Source, now: number): void {
    for (const piece of source.asked.keys()) source.late.add(piece)
    this.#release(source)
    source.asked.clear()
    source.restUntil = now + METADATA_REST_MS
    source.vain++
    this.#rank()
  }

  #release(source: Source): void {
    const assembly = this.#assemblies.get(source.size)
    for (const piece of source.asked.keys()) assembly?.onAnswered(piece)
  }

  /**
   * The sizes that most peers announce are fetched, those first whose peers were asked in vain the fewest times: who announces and is
   * silent must not keep others waiting. What is here of other sizes is forgotten.
   */
  #rank(): void {
    const standings = new Map<number, { vain: number; count: number }>()
    for (const { size, vain } of this.#sources.values()) {
      const standing = standings.get(size)
      if (!standing || vain < standing.vain) standings.set(size, { vain, count: 1 })
      else if (vain === standing.vain) standing.count++
    }
    const ranked = [...standings].sort(([, a], [, b]) => a.vain - b.vain || b.count - a.count).map(([size]) => size)
    const best = new Set(ranked.slice(0, MAX_METADATA_SIZES))
    for (const size of this.#assemblies.keys()) if (!best.has(size)) this.#assemblies.delete(size)
    for (const size of best) if (!this.#assemblies.has(size)) this.#assemblies.set(size, new MetadataAssembly(size))
  }
}
