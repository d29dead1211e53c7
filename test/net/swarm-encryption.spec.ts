/** In which way a swarm speaks to a peer first, and in which after that. */
import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { HANDSHAKE_MS, OTHER_WAY_MS } from '../../lib/limits.js'
import { Decryptor } from '../../lib/net/mse/decryptor.js'
import { KEY_LENGTH } from '../../lib/net/mse/diffie-hellman.js'
import type { PeerConnection } from '../../lib/net/peer-connection.js'
import { Swarm } from '../../lib/net/swarm.js'
import type { CandidateSource } from '../../lib/policy/candidate-list.js'
import type { Encryption } from '../../lib/policy/encryption.js'
import type { PeerAddress } from '../../lib/wire/peer-address.js'
import { encodeHandshake } from '../../lib/wire/handshake.js'
import { asInfoHash, asPeerId } from '../../lib/metainfo/info-hash.js'
import { noLeaks } from '../support/no-leaks.js'
import { PeerBench, until } from '../support/peer-bench.js'

const PROTOCOL = '\x13BitTorrent protocol'
const PEER_ID = asPeerId(Buffer.from('-FK0001-encryptedpee'))

/** A connection that the swarm made, and what came. */
class Dialled {
  readonly socket: Socket
  bytes = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk])
    })
  }

  /** How it began. */
  async way(): Promise<string> {
    await until(() => this.bytes.length >= 68)
    if (this.bytes.subarray(0, 20).toString('latin1') === PROTOCOL) return 'plain'
    await until(() => this.bytes.length >= KEY_LENGTH)
    return 'encrypted'
  }
}

describe('Swarm and encryption', function () {
  let bench: PeerBench
  let server: Server
  let dialled: Dialled[]
  let swarm: Swarm
  let open: PeerConnection[]
  let gone: PeerConnection[]
  let failed: Error[]

  beforeEach(async () => {
    bench = await PeerBench.open()
    dialled = []
    open = []
    gone = []
    failed = []
    server = createServer(socket => dialled.push(new Dialled(socket))).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    await swarm.close()
    for (const { socket } of dialled) socket.destroy()
    server.close()
    await once(server, 'close')
    await until(() => swarm.connectionCount === 0 && swarm.diallingCount === 0)
    await bench.close()
    await until(() => bench.clock.pendingTimers === 0)
  })

  const address = (): PeerAddress => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  function start(encryption: Encryption, prefersEncryption = false, source: CandidateSource = 'tracker'): void {
    swarm = new Swarm({
      host: { ...bench.host, encryption },
      clock: bench.clock,
      onPeer: connection => open.push(connection),
      onPeerGone: connection => gone.push(connection),
      onDialFailed: (_, error) => failed.push(error)
    })
    swarm.add([{ ...address(), prefersEncryption }], source)
  }
  const nth = async (index: number): Promise<Dialled> => await until(() => dialled[index])
  /** Answers as an honest peer, in the way in which it was spoken to. */
  async function shakeHands(peer: Dialled): Promise<void> {
    const hello = encodeHandshake(bench.infoHash, PEER_ID)
    if ((await peer.way()) === 'plain') {
      peer.socket.write(hello)
      return
    }
    const torrentFor = () => ({ infoHash: bench.infoHash, methods: ['rc4'] as const })
    const decryptor = Decryptor.responder({ torrentFor, send: bytes => void peer.socket.write(bytes) })
    decryptor.on('data', () => undefined)
    decryptor.write(Buffer.from(peer.bytes))
    peer.socket.on('data', (chunk: Buffer) => void decryptor.write(Buffer.from(chunk)))
    await until(() => decryptor.agreement)
    peer.socket.write(decryptor.outgoing?.apply(hello) ?? hello)
  }

  for (const [encryption, prefersEncryption, first, second] of [
    ['allow', false, 'plain', 'encrypted'],
    ['allow', true, 'encrypted', 'plain'],
    ['prefer', false, 'encrypted', 'plain'],
    ['prefer', true, 'encrypted', 'plain']
  ] as const) {
    const who = prefersEncryption ? 'who is said to prefer encryption' : 'of whom nothing is known'
    describe(`${encryption}, a peer ${who}`, () => {
      beforeEach(() => start(encryption, prefersEncryption))

      it(`is spoken to ${first}, and at once ${second} when it leaves without a word`, async () => {
        const one = await nth(0)
        expect(await one.way()).to.equal(first)
        one.socket.destroy()
        const other = await nth(1)
        expect(await other.way()).to.equal(second)
        await shakeHands(other)
        await until(() => open.length === 1)
        expect(open[0]?.way).to.equal(second)
        expect(bench.clock.now()).to.equal(0)
        expect(failed).to.deep.equal([])
      })

      it(`costs ${HANDSHAKE_MS / 1000} s in all when it says nothing, of them ${OTHER_WAY_MS / 1000} s the first way`, async () => {
        expect(await (await nth(0)).way()).to.equal(first)
        await bench.clock.advance(OTHER_WAY_MS - 1)
        expect(dialled).to.have.length(1)
        await bench.clock.advance(1)
        expect(await (await nth(1)).way()).to.equal(second)
        await until(() => swarm.connectionCount === 1)
        await bench.clock.advance(HANDSHAKE_MS - OTHER_WAY_MS - 1)
        expect(failed).to.have.length(0)
        await bench.clock.advance(1)
        await until(() => failed.length === 1)
        expect(failed[0]).to.have.property('code', 'ERR_BT_HANDSHAKE')
        expect(dialled).to.have.length(2)
      })

      it(`costs ${HANDSHAKE_MS / 1000} s in all when it begins to speak the second way, and is mute then`, async () => {
        ;(await nth(0)).socket.destroy()
        const other = await nth(1)
        await other.way()
        await until(() => swarm.connectionCount === 1)
        other.socket.write(second === 'plain' ? PROTOCOL : Buffer.alloc(KEY_LENGTH, 5))
        await until(() => swarm.everyone()[0]?.bytesReceived)
        await bench.clock.advance(HANDSHAKE_MS)
        await until(() => failed.length === 1)
        expect(dialled).to.have.length(2)
      })

      it('is given its time once it has said something, and tried the other way when it leaves all the same', async () => {
        const one = await nth(0)
        await one.way()
        one.socket.write(first === 'plain' ? PROTOCOL : Buffer.alloc(KEY_LENGTH, 5))
        await until(() => swarm.everyone()[0]?.bytesReceived)
        await bench.clock.advance(HANDSHAKE_MS - 1)
        expect(dialled).to.have.length(1)
        one.socket.destroy()
        expect(await (await nth(1)).way()).to.equal(second)
        await until(() => swarm.connectionCount === 1)
        await bench.clock.advance(1)
        await until(() => failed.length === 1)
        expect(dialled).to.have.length(2)
      })

      it('is not tried the other way once its time is over', async () => {
        const one = await nth(0)
        await one.way()
        one.socket.write(first === 'plain' ? PROTOCOL : Buffer.alloc(KEY_LENGTH, 5))
        await until(() => swarm.everyone()[0]?.bytesReceived)
        await bench.clock.advance(HANDSHAKE_MS)
        await until(() => failed.length === 1)
        expect(dialled).to.have.length(1)
      })

      it('is spoken to next time as it answered last time', async () => {
        ;(await nth(0)).socket.destroy()
        const other = await nth(1)
        await shakeHands(other)
        const connection = await until(() => open[0])
        if (connection.supplier) connection.supplier.verified = 1
        other.socket.destroy()
        await until(() => gone.length === 1)
        await bench.clock.advance(1000)
        expect(await (await nth(2)).way()).to.equal(second)
      })
    })
  }

  for (const [encryption, way] of [
    ['off', 'plain'],
    ['require', 'encrypted']
  ] as const) {
    it(`${encryption}: speaks ${way} to everybody, whatever others say, and tries nothing else`, async () => {
      start(encryption, way === 'plain')
      const one = await nth(0)
      expect(await one.way()).to.equal(way)
      await bench.clock.advance(OTHER_WAY_MS)
      one.socket.destroy()
      await until(() => failed.length === 1)
      expect(dialled).to.have.length(1)
    })
  }

  it('tries no other way with a peer that answers for another torrent', async () => {
    start('allow')
    const { socket } = await nth(0)
    socket.write(encodeHandshake(asInfoHash(Buffer.alloc(20, 9)), PEER_ID))
    await until(() => failed.length === 1)
    expect(dialled).to.have.length(1)
  })

  it('tries no other way with a peer that we left: banned, paused, or not allowed any more', async () => {
    for (const leave of [
      () => swarm.banAddress(address(), new Error('banned')),
      () => swarm.pause(),
      () => swarm.leavePublic()
    ]) {
      start('allow', false, 'pex')
      const count = dialled.length + 1
      await (await nth(count - 1)).way()
      await until(() => swarm.connectionCount === 1)
      leave()
      await until(() => swarm.connectionCount === 0)
      expect(swarm.diallingCount).to.equal(0)
      await swarm.close()
      expect(dialled).to.have.length(count)
    }
  })

  it('remembers of who dialled us how it speaks', async () => {
    start('allow')
    const { socket } = await nth(0)
    const [, connection] = await bench.connect(true)
    Object.defineProperty(connection, 'way', { value: 'encrypted' })
    swarm.adopt(connection)
    swarm.onListensOn(connection, 7)
    expect(swarm.candidates.get({ host: '127.0.0.1', port: 7 })?.worksBy).to.equal('encrypted')
    connection.destroy()
    swarm.onClosed(connection, undefined)
    socket.destroy()
  })

  noLeaks(this)
})
