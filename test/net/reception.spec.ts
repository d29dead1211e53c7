import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { HANDSHAKE_MS, MAX_ENCRYPTION_PAD, MAX_PENDING_HANDSHAKES } from '../../lib/limits.js'
import { asInfoHash, type InfoHash } from '../../lib/metainfo/info-hash.js'
import type { PeerConnection } from '../../lib/net/peer-connection.js'
import { KEY_LENGTH, KeyExchange } from '../../lib/net/mse/diffie-hellman.js'
import { Reception } from '../../lib/net/reception.js'
import type { Encryption, Method } from '../../lib/policy/encryption.js'
import { encodeHandshake } from '../../lib/wire/handshake.js'
import { BOTH } from '../support/encrypted-handshakes.js'
import { dialEncrypted, lieEncrypted, RawPeer } from '../support/encrypted-peer.js'
import { FakePeer } from '../support/fake-peer.js'
import { noLeaks } from '../support/no-leaks.js'
import { PeerBench, until } from '../support/peer-bench.js'

const HEAD_LENGTH = 48
const HANDSHAKE_LENGTH = 68
/** The prime of the key exchange without its last digit, 3. */
const P =
  'ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd' +
  'ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a63a3621000000000009056'

describe('Reception', function () {
  let bench: PeerBench
  let server: Server
  let reception: Reception
  let open: PeerConnection[]
  let closed: (Error | undefined)[]
  const dialled: RawPeer[] = []

  beforeEach(async () => {
    bench = await PeerBench.open()
    reception = new Reception(bench.clock)
    server = createServer(socket => reception.accept(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    open = []
    closed = []
  })
  afterEach(async () => {
    reception.close()
    for (const connection of open) connection.destroy()
    for (const peer of dialled.splice(0)) peer.socket.destroy()
    server.close()
    await once(server, 'close')
    await bench.close()
    await until(() => bench.clock.pendingTimers === 0)
  })

  const port = (): number => (server.address() as AddressInfo).port
  const take = (encryption: Encryption, infoHash: InfoHash = bench.infoHash): (() => void) =>
    reception.add({
      host: { ...bench.host, infoHash, encryption },
      adopt: () => true,
      onPeerId: () => undefined,
      onOpen: connection => open.push(connection),
      onClose: (_, error) => closed.push(error)
    })
  const greeting = (infoHash: InfoHash = bench.infoHash): Buffer => {
    const { peerId } = bench.host
    return encodeHandshake(infoHash, Buffer.from(peerId).fill('x', 8) as typeof peerId, false)
  }
  const dial = async (): Promise<RawPeer> => {
    const peer = await RawPeer.dial(port())
    dialled.push(peer)
    return peer
  }
  const encrypted = async (methods: readonly Method[] = BOTH, infoHash: InfoHash = bench.infoHash) =>
    await dialEncrypted(port(), infoHash, methods, greeting(infoHash))

  it('answers a plain handshake once the torrent is named, before the peer is', async () => {
    take('allow')
    const peer = await dial()
    peer.send(greeting().subarray(0, HEAD_LENGTH - 1))
    await until(() => server.listening)
    expect(peer.heard).to.have.length(0)
    peer.send(greeting().subarray(HEAD_LENGTH - 1, HEAD_LENGTH))
    expect((await peer.hears(HANDSHAKE_LENGTH)).subarray(28, HEAD_LENGTH)).to.deep.equal(bench.infoHash)
  })

  for (const [encryption, offered, method] of [
    ['allow', BOTH, 'plain'],
    ['allow', ['rc4'], 'rc4'],
    ['prefer', BOTH, 'rc4'],
    ['prefer', ['plain'], 'plain'],
    ['require', BOTH, 'rc4']
  ] as const) {
    it(`${encryption}: takes an encrypted peer that offers ${offered.join(' and ')} by ${method}`, async () => {
      take(encryption)
      const { decryptor, socket, words } = await encrypted(offered)
      await until(() => Buffer.concat(words).length >= HANDSHAKE_LENGTH && open[0])
      expect(decryptor.agreement?.method).to.equal(method)
      expect(Buffer.concat(words).subarray(28, HEAD_LENGTH)).to.deep.equal(bench.infoHash)
      expect(open[0]?.way).to.equal('encrypted')
      socket.destroy()
      await until(() => closed.length === 1)
    })
  }

  it('finds the one of many torrents that an encrypted peer means, until it is gone', async () => {
    const hashes = Array.from({ length: 50 }, (_, i) => asInfoHash(Buffer.alloc(20, `torrent ${i}`)))
    const leaves = hashes.map(infoHash => take('allow', infoHash))
    const one = await encrypted(BOTH, hashes[33])
    await until(() => Buffer.concat(one.words).length >= HANDSHAKE_LENGTH)
    expect(Buffer.concat(one.words).subarray(28, HEAD_LENGTH)).to.deep.equal(hashes[33])
    one.socket.destroy()
    leaves[33]?.()
    const other = await encrypted(BOTH, hashes[33])
    await once(other.socket, 'close')
    expect(other.words).to.deep.equal([])
    expect(other.decryptor.agreement).to.equal(undefined)
  })

  it('refuses plain words where encryption is required', async () => {
    take('require')
    const peer = await FakePeer.dial(port())
    peer.sendHandshake(bench.infoHash)
    await peer.closed()
    expect(peer.handshake).to.equal(undefined)
  })

  it('refuses encrypted words where encryption is off, be it of all torrents or of this one', async () => {
    take('off')
    for (const others of [() => undefined, () => take('allow', asInfoHash(Buffer.alloc(20, 7)))]) {
      others()
      const { socket, words, decryptor } = await encrypted()
      await once(socket, 'close')
      expect(words).to.deep.equal([])
      expect(decryptor.agreement).to.equal(undefined)
    }
  })

  it('refuses who names one torrent by its mark and another one in its handshake', async () => {
    const other = asInfoHash(Buffer.alloc(20, 7))
    take('allow')
    take('allow', other)
    const { socket, words } = await dialEncrypted(port(), bench.infoHash, BOTH, greeting(other))
    await once(socket, 'close')
    expect(words).to.deep.equal([])
  })

  describe('ends the connection of a stranger', () => {
    beforeEach(() => {
      take('allow')
    })
    const last = (digit: string): Buffer => Buffer.from(P + digit, 'hex')
    const keys: [what: string, key: Buffer][] = [
      ['0', Buffer.alloc(KEY_LENGTH)],
      ['1', Buffer.concat([Buffer.alloc(KEY_LENGTH - 1), Buffer.of(1)])],
      ['p - 1', last('2')],
      ['p', last('3')],
      ['beyond p', Buffer.alloc(KEY_LENGTH, 0xff)]
    ]
    for (const [what, key] of keys) {
      it(`whose key is ${what}, without a word`, async () => {
        const peer = await dial()
        peer.send(key)
        await peer.closed()
        expect(peer.heard).to.have.length(0)
      })
    }

    const lies = {
      [`who pads with ${MAX_ENCRYPTION_PAD + 1} bytes`]: { padLength: MAX_ENCRYPTION_PAD + 1 },
      'who provides no method': { provide: 0 },
      'whose verification constant is none': { verification: Buffer.alloc(8, 1) }
    }
    for (const [what, lie] of Object.entries(lies)) {
      it(what, async () => {
        const peer = await dial()
        await lieEncrypted(peer, bench.infoHash, lie)
        await peer.closed()
      })
    }

    it('who wants a torrent that is not here', async () => {
      const peer = await dial()
      await lieEncrypted(peer, asInfoHash(Buffer.alloc(20, 9)), {})
      await peer.closed()
    })

    it('who sends random bytes, once the mark can come no more', async () => {
      for (let round = 0; round < 20; round++) {
        const peer = await dial()
        peer.send(Buffer.concat([Buffer.of(1), randomBytes(KEY_LENGTH + MAX_ENCRYPTION_PAD + 19)]))
        await peer.closed()
      }
    })

    it(`who says no more than its key, after ${HANDSHAKE_MS / 1000} s`, async () => {
      const peer = await dial()
      peer.send(new KeyExchange().publicKey)
      await peer.hears(KEY_LENGTH)
      await bench.clock.advance(HANDSHAKE_MS - 1)
      expect(peer.isClosed).to.equal(false)
      await bench.clock.advance(1)
      await peer.closed()
    })

    it(`who promises 65,535 first bytes and sends none, after ${HANDSHAKE_MS / 1000} s`, async () => {
      const peer = await dial()
      await lieEncrypted(peer, bench.infoHash, { initialLength: 65_535 })
      await peer.hears(KEY_LENGTH + 14)
      await bench.clock.advance(HANDSHAKE_MS)
      await peer.closed()
    })
  })

  it(`lets ${MAX_PENDING_HANDSHAKES} wait, and no more`, async () => {
    take('allow')
    for (let i = 0; i < MAX_PENDING_HANDSHAKES; i++) await dial()
    const late = await dial()
    await late.closed()
    expect(dialled.filter(({ isClosed }) => isClosed)).to.deep.equal([late])
  })

  it('takes a place of the host that has most of them for one that has fewer', async function () {
    take('allow')
    for (let i = 0; i < MAX_PENDING_HANDSHAKES; i++) await dial()
    const other = await RawPeer.dial(port(), '127.0.0.2').catch(() => undefined)
    if (!other) this.skip()
    dialled.push(other)
    other.send(greeting().subarray(0, HEAD_LENGTH))
    await other.hears(HANDSHAKE_LENGTH)
    await until(() => dialled.some(({ isClosed }) => isClosed))
    expect(dialled.findIndex(({ isClosed }) => isClosed)).to.equal(0)
  })

  noLeaks(this)
})
