/** The dialling side of an encrypted connection that a spec plays over a real socket, truths and lies. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Decryptor } from '../../lib/net/mse/decryptor.js'
import { KEY_LENGTH, KeyExchange } from '../../lib/net/mse/diffie-hellman.js'
import { cipherOf, initiatorMark, torrentMark, veiled } from '../../lib/net/mse/secrets.js'
import type { InfoHash } from '../../lib/metainfo/info-hash.js'
import type { Method } from '../../lib/policy/encryption.js'

/** What a liar says in place of the truth. */
export interface Lies {
  readonly verification?: Buffer
  readonly provide?: number
  readonly padLength?: number
  readonly initialLength?: number
}

/** All that came, and whether the other side is gone. */
export class RawPeer {
  readonly socket: Socket
  isClosed = false
  #bytes = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
    })
    socket.on('error', () => undefined)
    socket.on('close', () => (this.isClosed = true))
  }

  /** `from`: the address that it has. */
  static async dial(port: number, from = '127.0.0.1'): Promise<RawPeer> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    await once(socket, 'connect')
    return new RawPeer(socket)
  }

  get heard(): Buffer {
    return this.#bytes
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  async hears(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) {
      if (this.isClosed) throw new Error('the connection ended')
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    return this.#bytes
  }

  async closed(): Promise<void> {
    if (!this.isClosed) await once(this.socket, 'close')
  }
}

/** Shakes hands as the initiator and gives what the other side says behind that, decrypted, as it comes. */
export async function dialEncrypted(
  port: number,
  infoHash: InfoHash,
  methods: readonly Method[],
  initialPayload: Buffer
): Promise<{ decryptor: Decryptor; socket: Socket; words: Buffer[] }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => undefined)
  await once(socket, 'connect')
  const send = (bytes: Buffer): void => void socket.write(bytes)
  const decryptor = Decryptor.initiator({ infoHash, methods, initialPayload, send })
  const words: Buffer[] = []
  decryptor.on('error', () => socket.destroy()).on('data', (bytes: Buffer) => words.push(Buffer.from(bytes)))
  socket.pipe(decryptor)
  return { decryptor, socket, words }
}

/** Says a key, and then what an initiator says, with these lies. */
export async function lieEncrypted(peer: RawPeer, infoHash: InfoHash, lies: Lies): Promise<void> {
  const { verification = Buffer.alloc(8), provide = 2, padLength = 0, initialLength = 0 } = lies
  const keys = new KeyExchange()
  peer.send(keys.publicKey)
  const secret = keys.secretWith((await peer.hears(KEY_LENGTH)).subarray(0, KEY_LENGTH))
  const head = Buffer.alloc(14)
  verification.copy(head)
  head.writeUInt32BE(provide, 8)
  head.writeUInt16BE(padLength, 12)
  const tail = Buffer.alloc(2)
  tail.writeUInt16BE(initialLength)
  const sealed = cipherOf('A', secret, infoHash).apply(Buffer.concat([head, Buffer.alloc(padLength), tail]))
  peer.send(Buffer.concat([initiatorMark(secret), veiled(torrentMark(infoHash), secret), sealed]))
}
