import { expect } from 'chai'
import { MAX_ENCRYPTION_PAD } from '../../../lib/limits.js'
import { asInfoHash } from '../../../lib/metainfo/info-hash.js'
import { KEY_LENGTH, KeyExchange } from '../../../lib/net/mse/diffie-hellman.js'
import { Handshake } from '../../../lib/net/mse/handshake.js'
import { respond } from '../../../lib/net/mse/responder.js'
import { cipherOf, initiatorMark, torrentMark, veiled } from '../../../lib/net/mse/secrets.js'
import type { Method } from '../../../lib/policy/encryption.js'
import { conformanceVectors } from '../../support/conformance.js'
import { BOTH, converse, fixed, INFO_HASH, Side } from '../../support/encrypted-handshakes.js'
import { feeds } from '../../support/feeds.js'
import { protocolFault } from '../../support/protocol-error.js'

const GREETING = Buffer.from('nineteen and more bytes that open a conversation')
const AFTER = Buffer.from('and what is said after the handshake')

/** What the other side makes of the bytes behind the handshake. */
function read(side: Side): string {
  const { agreement, rest } = side.done!
  const initial = agreement.decrypt.apply(rest.subarray(0, agreement.initialLength))
  const later = rest.subarray(agreement.initialLength)
  return Buffer.concat([initial, agreement.method === 'rc4' ? agreement.decrypt.apply(later) : later]).toString()
}

function say(side: Side, bytes: Buffer): Buffer {
  const { encrypt, method } = side.done!.agreement
  return method === 'rc4' ? encrypt.apply(bytes) : bytes
}

describe('encrypted handshake', () => {
  describe('both sides', () => {
    const choices: [Method[], Method[], Method][] = [
      [['plain', 'rc4'], ['plain', 'rc4'], 'plain'],
      [['plain', 'rc4'], ['rc4', 'plain'], 'rc4'],
      [['rc4', 'plain'], ['plain', 'rc4'], 'plain'],
      [['rc4'], ['plain', 'rc4'], 'rc4'],
      [['plain', 'rc4'], ['rc4'], 'rc4'],
      [['plain'], ['rc4', 'plain'], 'plain']
    ]
    for (const [offered, taken, method] of choices) {
      it(`offered ${offered.join(' and ')} to who takes ${taken.join(' or ')}: ${method}`, () => {
        const [initiator, responder] = [
          Side.initiator({ methods: offered, initialPayload: GREETING }),
          Side.responder(taken)
        ]
        converse(initiator, responder)
        expect(initiator.done?.agreement.method).to.equal(method)
        expect(responder.done?.agreement.method).to.equal(method)
        expect(responder.done?.agreement.infoHash).to.deep.equal(INFO_HASH)
        responder.hear(say(initiator, AFTER))
        initiator.hear(say(responder, AFTER))
        expect(read(responder)).to.equal(`${GREETING.toString()}${AFTER.toString()}`)
        expect(read(initiator)).to.equal(AFTER.toString())
      })
    }

    for (const padLength of [0, 1, MAX_ENCRYPTION_PAD]) {
      it(`with ${padLength} bytes of padding, however the bytes are cut`, function () {
        this.timeout(20_000)
        // What each says is the same each time: keys and padding are.
        const initiator = () => Side.initiator({ ...fixed(1, padLength), methods: ['rc4'], initialPayload: GREETING })
        const responder = () => Side.responder(BOTH, fixed(2, padLength))
        const [one, other] = [initiator(), responder()]
        const hello = one.words()
        other.hear(hello)
        const answer = other.words()
        one.hear(answer)
        const request = one.words()
        other.hear(request)
        const consent = other.words()
        one.hear(consent)
        const [fromOne, fromOther] = [say(one, AFTER), say(other, AFTER)]
        for (const { name, chunks } of feeds(Buffer.concat([hello, request, fromOne]), Buffer.alloc(0))) {
          const side = responder()
          side.hear(...chunks)
          expect(read(side), name).to.equal(`${GREETING.toString()}${AFTER.toString()}`)
        }
        for (const { name, chunks } of feeds(Buffer.concat([answer, consent, fromOther]), Buffer.alloc(0))) {
          const side = initiator()
          side.hear(...chunks)
          expect(read(side), name).to.equal(AFTER.toString())
        }
      })
    }

    it('two handshakes are never alike', () => {
      const words = Array.from({ length: 8 }, () => Side.initiator().words())
      expect(new Set(words.map(({ length }) => length)).size).to.be.greaterThan(2)
      expect(new Set(words.map(bytes => bytes.toString('hex'))).size).to.equal(8)
      for (const { length } of words) expect(length).to.be.within(KEY_LENGTH, KEY_LENGTH + MAX_ENCRYPTION_PAD)
    })

    it('the one of many torrents that is meant is found by its mark', () => {
      const hashes = Array.from({ length: 2000 }, (_, i) => asInfoHash(Buffer.alloc(20, `torrent ${i}`)))
      const marks = new Map(hashes.map(infoHash => [torrentMark(infoHash).toString('latin1'), infoHash]))
      const torrentFor = (mark: Buffer) => {
        const infoHash = marks.get(mark.toString('latin1'))
        return infoHash && { infoHash, methods: BOTH }
      }
      const [initiator, responder] = [Side.initiator({ infoHash: hashes[1234]! }), Side.responder(BOTH, { torrentFor })]
      converse(initiator, responder)
      expect(responder.done?.agreement.infoHash).to.equal(hashes[1234])
    })
  })

  describe('as real clients were recorded', () => {
    interface Recorded {
      readonly our_private_key_hex: string
      readonly infohash: string
      readonly 'incoming (we are B)': Readonly<Record<'Ya' | 'then_peer_sends' | 'IA_decrypted', string>>
      readonly 'outgoing (we are A)': Readonly<Record<'Yb' | 'then_peer_sends' | 'peer_id', string>> & {
        readonly 'HASH(req1,S) we must send': string
      }
    }

    function recordedOf(context: Mocha.Context) {
      const recorded = conformanceVectors(context, 'mse') as Recorded
      const keys = new KeyExchange(Buffer.from(recorded.our_private_key_hex, 'hex'))
      return { recorded, keys, infoHash: asInfoHash(Buffer.from(recorded.infohash, 'hex')) }
    }

    it('one that dials us', function () {
      const { recorded, keys, infoHash } = recordedOf(this)
      const { Ya, then_peer_sends: then, IA_decrypted: greeting } = recorded['incoming (we are B)']
      for (const { name, chunks } of feeds(Buffer.from(Ya + then, 'hex'), Buffer.alloc(0))) {
        const side = Side.responder(BOTH, { keys, torrentFor: () => ({ infoHash, methods: BOTH }) })
        side.hear(...chunks)
        expect(side.done?.agreement.method, name).to.equal('rc4')
        expect(Buffer.from(read(side)).length, name).to.be.greaterThan(0)
        expect(side.done?.agreement.initialLength, name).to.equal(68)
      }
      const side = Side.responder(BOTH, { keys, torrentFor: () => ({ infoHash, methods: BOTH }) })
      side.hear(Buffer.from(Ya + then, 'hex'))
      expect(side.done!.agreement.decrypt.apply(side.done!.rest).toString('hex')).to.equal(greeting)
    })

    it('one that we dial', function () {
      const { recorded, keys, infoHash } = recordedOf(this)
      const { Yb, then_peer_sends: then, peer_id: peerId, ...rest } = recorded['outgoing (we are A)']
      for (const { name, chunks } of feeds(Buffer.from(Yb + then, 'hex'), Buffer.alloc(0))) {
        const side = Side.initiator({ keys, infoHash })
        side.hear(...chunks)
        expect(side.done?.agreement.method, name).to.equal('rc4')
        expect(read(side).slice(0, 20), name).to.equal('\x13BitTorrent protocol')
        expect(read(side).length, name).to.be.greaterThan(0)
      }
      const side = Side.initiator({ keys, infoHash, padding: () => Buffer.alloc(0) })
      side.words()
      side.hear(Buffer.from(Yb + then, 'hex'))
      expect(side.words().subarray(0, 20).toString('hex')).to.equal(rest['HASH(req1,S) we must send'])
      expect(read(side)).to.include(peerId)
    })
  })

  describe('a responder refuses', () => {
    /** A dialling side that says what no honest one would. */
    function malicious(fields: {
      verification?: Buffer
      provide?: number
      padLength?: number
      infoHash?: Buffer
    }): Side {
      const { verification = Buffer.alloc(8), provide = 2, padLength = 0, infoHash = INFO_HASH } = fields
      const keys = new KeyExchange()
      const responder = Side.responder()
      responder.hear(keys.publicKey)
      const secret = keys.secretWith(responder.words().subarray(0, KEY_LENGTH))
      const hash = asInfoHash(infoHash)
      const head = Buffer.alloc(14)
      verification.copy(head)
      head.writeUInt32BE(provide, 8)
      head.writeUInt16BE(padLength, 12)
      const sealed = cipherOf('A', secret, hash).apply(Buffer.concat([head, Buffer.alloc(padLength + 2)]))
      const fault = protocolFault(() =>
        responder.hear(initiatorMark(secret), veiled(torrentMark(hash), secret), sealed)
      )
      expect(fault).to.equal('ERR_BT_HANDSHAKE')
      return responder
    }

    it('a torrent it does not have', () => {
      expect(malicious({ infoHash: Buffer.alloc(20, 1) }).said).to.deep.equal([])
    })

    it('a verification constant that is none', () => {
      malicious({ verification: Buffer.of(0, 0, 0, 0, 0, 0, 0, 1) })
    })

    for (const provide of [0, 4, 0xfffffffc]) {
      it(`methods it does not know: ${provide.toString(16)}`, () => {
        malicious({ provide })
      })
    }

    for (const padLength of [MAX_ENCRYPTION_PAD + 1, 0xffff]) {
      it(`${padLength} bytes of padding`, () => {
        malicious({ padLength })
      })
    }

    it('a method that it was told not to take', () => {
      const [initiator, responder] = [Side.initiator({ methods: ['plain'] }), Side.responder(['rc4'])]
      expect(protocolFault(() => converse(initiator, responder))).to.equal('ERR_BT_HANDSHAKE')
    })

    it('a mark that does not come within the padding', () => {
      const responder = Side.responder()
      responder.hear(new KeyExchange().publicKey, Buffer.alloc(MAX_ENCRYPTION_PAD + 19))
      expect(protocolFault(() => responder.hear(Buffer.of(0)))).to.equal('ERR_BT_HANDSHAKE')
    })

    it('a degenerate key, and answers it nothing', () => {
      const responder = Side.responder()
      expect(protocolFault(() => responder.hear(Buffer.alloc(KEY_LENGTH)))).to.equal('ERR_BT_HANDSHAKE')
      expect(responder.said).to.deep.equal([])
    })

    it('not a first payload of 65,535 bytes: it is passed on as it comes', () => {
      const initialPayload = Buffer.alloc(65_535, 'x')
      const [initiator, responder] = [Side.initiator({ initialPayload }), Side.responder()]
      converse(initiator, responder)
      expect(read(responder)).to.equal(initialPayload.toString())
    })
  })

  describe('an initiator refuses', () => {
    /** A dialled side that answers with these fields. */
    function answered(
      offered: readonly Method[],
      select: number,
      padLength: number,
      before = Buffer.alloc(0)
    ): unknown {
      const keys = new KeyExchange()
      const initiator = Side.initiator({ methods: offered })
      const secret = keys.secretWith(initiator.words().subarray(0, KEY_LENGTH))
      const head = Buffer.alloc(14)
      head.writeUInt32BE(select, 8)
      head.writeUInt16BE(padLength, 12)
      const sealed = cipherOf('B', secret, INFO_HASH).apply(Buffer.concat([head, Buffer.alloc(padLength)]))
      return protocolFault(() => initiator.hear(keys.publicKey, before, sealed)) ?? initiator.done?.agreement.method
    }

    it('a method that it did not offer', () => {
      expect(answered(['rc4'], 1, 0)).to.equal('ERR_BT_HANDSHAKE')
      expect(answered(['plain'], 2, 0)).to.equal('ERR_BT_HANDSHAKE')
    })

    for (const select of [0, 3, 4, 0x80000002]) {
      it(`a choice that is none: ${select.toString(16)}`, () => {
        expect(answered(BOTH, select, 0)).to.equal('ERR_BT_HANDSHAKE')
      })
    }

    it(`more than ${MAX_ENCRYPTION_PAD} bytes of padding, before the constant or behind it`, () => {
      expect(answered(BOTH, 2, MAX_ENCRYPTION_PAD, Buffer.alloc(MAX_ENCRYPTION_PAD))).to.equal('rc4')
      expect(answered(BOTH, 2, MAX_ENCRYPTION_PAD + 1)).to.equal('ERR_BT_HANDSHAKE')
      expect(answered(BOTH, 2, 0, Buffer.alloc(MAX_ENCRYPTION_PAD + 1))).to.equal('ERR_BT_HANDSHAKE')
    })

    it('a degenerate key, and says no more', () => {
      const initiator = Side.initiator()
      initiator.words()
      expect(protocolFault(() => initiator.hear(Buffer.alloc(KEY_LENGTH, 0xff)))).to.equal('ERR_BT_HANDSHAKE')
      expect(initiator.said).to.deep.equal([])
    })
  })

  it('holds no memory of the chunks it was fed', () => {
    const initiator = Side.initiator(fixed(1, 30))
    const responder = new Handshake(
      respond({
        ...fixed(2, 30),
        torrentFor: () => ({ infoHash: INFO_HASH, methods: BOTH }),
        send: bytes => initiator.hear(bytes)
      })
    )
    // A socket's buffer is written over as soon as a chunk was taken.
    const buffer = Buffer.alloc(7)
    const stream = (): Buffer => initiator.words()
    let done
    for (let words = stream(); words.length > 0; words = stream()) {
      for (let at = 0; at < words.length; at += buffer.length) {
        const length = words.copy(buffer, 0, at, at + buffer.length)
        done = responder.push(buffer.subarray(0, length))
        buffer.fill(0xee)
      }
    }
    expect(done?.agreement.method).to.equal('plain')
  })
})
