import { expect } from 'chai'
import { setImmediate } from 'node:timers/promises'
import { KEY_LENGTH, KeyExchange } from '../../../lib/net/mse/diffie-hellman.js'
import { Decryptor } from '../../../lib/net/mse/decryptor.js'
import { torrentMark } from '../../../lib/net/mse/secrets.js'
import type { Method } from '../../../lib/policy/encryption.js'
import { BOTH, fixed, INFO_HASH } from '../../support/encrypted-handshakes.js'
import { feeds } from '../../support/feeds.js'

const PLAIN = Buffer.from('\x13BitTorrent protocol and so on', 'latin1')
const GREETING = Buffer.from('the first words')

/** A decryptor, what it answers the peer, and what it makes of the peer's bytes. */
class Stage {
  readonly answered: Buffer[] = []
  readonly read: Buffer[] = []
  fault: Error | undefined
  readonly decryptor: Decryptor

  constructor(make: (send: (bytes: Buffer) => void) => Decryptor) {
    this.decryptor = make(bytes => this.answered.push(bytes))
    this.decryptor.on('data', (bytes: Buffer) => this.read.push(Buffer.from(bytes)))
    this.decryptor.on('error', error => (this.fault = error))
  }

  static responder(methods: readonly Method[] = BOTH): Stage {
    const torrentFor = (mark: Buffer) =>
      mark.equals(torrentMark(INFO_HASH)) ? { infoHash: INFO_HASH, methods } : undefined
    return new Stage(send => Decryptor.responder({ ...fixed(2, 20), torrentFor, send }))
  }

  static initiator(methods: readonly Method[] = BOTH): Stage {
    const options = { ...fixed(1, 20), infoHash: INFO_HASH, methods, initialPayload: GREETING }
    return new Stage(send => Decryptor.initiator({ ...options, send }))
  }

  /** Each chunk comes in memory that is written over as soon as it was taken. */
  async hear(...chunks: readonly Buffer[]): Promise<void> {
    for (const chunk of chunks) {
      const lent = Buffer.from(chunk)
      if (this.decryptor.destroyed) return
      this.decryptor.write(lent)
      await setImmediate()
      lent.fill(0xee)
    }
  }

  words(): Buffer {
    return Buffer.concat(this.answered.splice(0))
  }

  get text(): string {
    return Buffer.concat(this.read).toString('latin1')
  }
}

/** Both after their handshake, and all that each has said to the other. */
async function met(methods: readonly Method[]): Promise<{ one: Stage; other: Stage; said: [Buffer, Buffer] }> {
  const [one, other] = [Stage.initiator(methods), Stage.responder(methods)]
  const hello = one.words()
  await other.hear(hello)
  const answer = other.words()
  await one.hear(answer)
  const request = one.words()
  await other.hear(request)
  const consent = other.words()
  await one.hear(consent)
  return { one, other, said: [Buffer.concat([hello, request]), Buffer.concat([answer, consent])] }
}

describe('Decryptor', () => {
  it('lets plain words pass, in every split, and answers nothing', async () => {
    for (const { name, chunks } of feeds(PLAIN, Buffer.alloc(0))) {
      const stage = Stage.responder()
      await stage.hear(...chunks)
      expect(stage.text, name).to.equal(PLAIN.toString('latin1'))
      expect(stage.answered, name).to.deep.equal([])
      expect(stage.decryptor.agreement, name).to.equal(undefined)
    }
  })

  it('passes the first plain bytes on as soon as they can be nothing else', async () => {
    const stage = Stage.responder()
    await stage.hear(PLAIN.subarray(0, 19))
    expect(stage.text).to.equal('')
    await stage.hear(PLAIN.subarray(19, 20))
    expect(stage.text).to.equal('\x13BitTorrent protocol')
  })

  for (const like of [0, 1, 5, 19]) {
    it(`answers a public key of which ${like} bytes look plain, and no sooner than it is whole`, async () => {
      const key = Buffer.from(new KeyExchange().publicKey)
      PLAIN.copy(key, 0, 0, like)
      key[like] = 0x77
      const stage = Stage.responder()
      await stage.hear(key.subarray(0, KEY_LENGTH - 1))
      expect(stage.answered).to.deep.equal([])
      await stage.hear(key.subarray(KEY_LENGTH - 1))
      expect(stage.words()).to.have.length(KEY_LENGTH + 20)
    })
  }

  for (const method of BOTH) {
    it(`reads what comes behind the handshake, in every split: ${method}`, async () => {
      const { one, other, said } = await met([method])
      const later = [Buffer.from('and more'), Buffer.from('and the rest')]
      const toOther = Buffer.concat([said[0], ...later.map(words => one.decryptor.outgoing?.apply(words) ?? words)])
      const toOne = Buffer.concat([said[1], ...later.map(words => other.decryptor.outgoing?.apply(words) ?? words)])
      expect(toOther.includes('and more')).to.equal(method === 'plain')
      for (const { name, chunks } of feeds(toOther, Buffer.alloc(0))) {
        const stage = Stage.responder([method])
        await stage.hear(...chunks)
        expect(stage.text, name).to.equal('the first wordsand moreand the rest')
      }
      for (const { name, chunks } of feeds(toOne, Buffer.alloc(0))) {
        const stage = Stage.initiator([method])
        await stage.hear(...chunks)
        expect(stage.text, name).to.equal('and moreand the rest')
      }
    }).timeout(10_000)
  }

  it('keeps the memory of a long stream within a chunk', async () => {
    const { one, other } = await met(['rc4'])
    other.decryptor.pause()
    const chunk = Buffer.alloc(65_536)
    let written = 0
    while (other.decryptor.write(one.decryptor.outgoing?.apply(chunk) ?? chunk) && written < 16) written++
    await setImmediate()
    expect(other.decryptor.readableLength + other.decryptor.writableLength).to.be.at.most(3 * chunk.length)
  })

  it('fails as a stream does when the handshake breaks a rule', async () => {
    const stage = Stage.responder()
    await stage.hear(Buffer.alloc(KEY_LENGTH))
    expect(stage.fault).to.have.property('code', 'ERR_BT_HANDSHAKE')
    expect(stage.text).to.equal('')
  })
})
