/**
 * A remote peer that a spec scripts word by word, truths and lies, over a real socket on loopback. It frames and writes messages
 * itself, so that it shares no fault with the code under test.
 */
import { once, EventEmitter } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** What the other side said: an id with its payload; -1 is a keep-alive. */
export interface HeardMessage {
  readonly id: number
  readonly payload: Buffer
}

export const ID = {
  keepAlive: -1,
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  block: 7,
  cancel: 8,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20
} as const

export interface HeardRequest {
  readonly piece: number
  readonly begin: number
  readonly length: number
}

const HANDSHAKE_LENGTH = 68
/** Reserved bits of a peer that speaks the extension protocol (BEP 10). */
export const EXTENDED = Buffer.of(0, 0, 0, 0, 0, 0x10, 0, 0)
/** …the fast extension (BEP 6), and both. */
export const FAST = Buffer.of(0, 0, 0, 0, 0, 0, 0, 0x04)
export const FAST_EXTENDED = Buffer.of(0, 0, 0, 0, 0, 0x10, 0, 0x04)

let born = 0

export class FakePeer {
  readonly socket: Socket
  /** Of its own, as real peers have it. */
  readonly peerId = Buffer.from(`-FK0001-${String(++born).padStart(12, '0')}`)
  /** Everything heard and not yet taken by `expect`. */
  readonly heard: HeardMessage[] = []
  /** The 68 bytes of the other side, once they are here. */
  handshake: Buffer | undefined
  readonly #events = new EventEmitter()
  #bytes = Buffer.alloc(0)
  #isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isClosed = true
      this.#events.emit('change')
    })
  }

  static async dial(port: number, host = '127.0.0.1'): Promise<FakePeer> {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    return new FakePeer(socket)
  }

  // --- what it hears

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves when the other side, or we, have ended the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.#isClosed || undefined)
  }

  async expectHandshake(): Promise<Buffer> {
    return await this.#until(() => this.handshake)
  }

  /** The next message with this id; earlier ones with other ids are dropped. Rejects when the connection ends first. */
  async expect(id: number): Promise<HeardMessage> {
    return await this.#until(() => {
      while (this.heard.length > 0) {
        const message = this.heard.shift()
        if (message?.id === id) return message
      }
      return undefined
    })
  }

  async expectRequest(): Promise<HeardRequest> {
    return spanOf(await this.expect(ID.request))
  }

  // --- what it says

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  sendHandshake(infoHash: Uint8Array, peerId: Uint8Array = this.peerId, reserved: Uint8Array = Buffer.alloc(8)): void {
    this.send(Buffer.concat([Buffer.from('\x13BitTorrent protocol', 'latin1'), reserved, infoHash, peerId]))
  }

  /** BEP 10: 0 is the handshake of the extensions, any other id what the other side's handshake said. */
  sendExtended(id: number, payload: Uint8Array | string): void {
    this.sendMessage(ID.extended, Buffer.of(id), Buffer.from(payload))
  }

  /** Payload of the next extended message of this id; others are dropped. */
  async expectExtended(id: number): Promise<Buffer> {
    for (;;) {
      const { payload } = await this.expect(ID.extended)
      if (payload[0] === id) return payload.subarray(1)
    }
  }

  sendMessage(id: number, ...payload: (number | Uint8Array)[]): void {
    const parts = payload.map(part => (typeof part === 'number' ? uint32(part) : part))
    const body = Buffer.concat(parts)
    this.send(Buffer.concat([uint32(1 + body.length), Buffer.of(id), body]))
  }

  sendBitfield(bits: Uint8Array): void {
    this.sendMessage(ID.bitfield, bits)
  }

  sendBlock({ piece, begin }: { piece: number; begin: number }, data: Uint8Array): void {
    this.sendMessage(ID.block, piece, begin, data)
  }

  /** The block with its first byte changed. */
  sendCorrupt(request: HeardRequest, data: Uint8Array): void {
    const bytes = Buffer.from(data)
    bytes[0] = (bytes[0] ?? 0) ^ 0xff
    this.sendBlock(request, bytes)
  }

  /** The head of a message that is longer than anybody may send. */
  sendOversized(length = 2 ** 20 + 1): void {
    this.send(uint32(length))
  }

  keepAlive(count = 1): void {
    this.send(Buffer.alloc(4 * count))
  }

  /** Reads no more, as a program that hangs. */
  stall(): void {
    this.socket.pause()
  }

  goOn(): void {
    this.socket.resume()
  }

  hangUp(): void {
    this.socket.destroy()
  }

  /** Ends with a reset instead of a farewell. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (this.#isClosed) throw new Error('the connection ended')
      await once(this.#events, 'change')
    }
  }

  #onData(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    if (!this.handshake && this.#bytes.length >= HANDSHAKE_LENGTH) this.handshake = this.#take(HANDSHAKE_LENGTH)
    while (this.handshake && this.#bytes.length >= 4) {
      const length = this.#bytes.readUInt32BE(0)
      if (this.#bytes.length < 4 + length) break
      const frame = this.#take(4 + length)
      this.heard.push({ id: length === 0 ? ID.keepAlive : (frame[4] ?? 0), payload: frame.subarray(5) })
    }
    this.#events.emit('change')
  }

  #take(length: number): Buffer {
    const bytes = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return bytes
  }
}

export function spanOf({ payload }: HeardMessage): HeardRequest {
  return { piece: payload.readUInt32BE(0), begin: payload.readUInt32BE(4), length: payload.readUInt32BE(8) }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** What a `FakeSeeder` answers to a request: the right bytes, wrong ones, or nothing. */
export type Answer = 'right' | 'corrupt' | 'nothing'

/** Peers that have all of a torrent and answer as a spec has it. */
export class FakeSeeder {
  readonly peers: FakePeer[] = []
  /** Requests answered or left, over all connections. */
  requests = 0
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(torrent: SeededTorrent, answer: (request: HeardRequest) => Answer): Promise<FakeSeeder> {
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const seeder = new FakeSeeder(server)
    server.on('connection', socket => void seeder.#serve(new FakePeer(socket), torrent, answer).catch(() => undefined))
    return seeder
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.hangUp()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(peer: FakePeer, torrent: SeededTorrent, answer: (request: HeardRequest) => Answer): Promise<void> {
    this.peers.push(peer)
    const { content, infoHash, pieceLength } = torrent
    await peer.expectHandshake()
    peer.sendHandshake(infoHash)
    peer.sendBitfield(allBits(Math.ceil(content.length / pieceLength)))
    peer.sendMessage(ID.unchoke)
    for (;;) {
      const request = await peer.expectRequest()
      this.requests++
      const at = request.piece * pieceLength + request.begin
      const data = content.subarray(at, at + request.length)
      const how = answer(request)
      if (how === 'right') peer.sendBlock(request, data)
      else if (how === 'corrupt') peer.sendCorrupt(request, data)
    }
  }
}

export interface SeededTorrent {
  readonly content: Buffer
  readonly infoHash: Uint8Array
  readonly pieceLength: number
}

/** The bitfield of somebody who has everything. */
export function allBits(pieces: number): Buffer {
  const bits = Buffer.alloc(Math.ceil(pieces / 8))
  for (let i = 0; i < pieces; i++) bits[i >> 3] = (bits[i >> 3] ?? 0) | (0x80 >> (i & 7))
  return bits
}
