import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { Tokens } from '../../../lib/discovery/dht/tokens.js'
import { DHT_TOKEN_MS } from '../../../lib/limits.js'

const HOST = '1.2.3.4'

function counted(now = 0): { tokens: Tokens; made: () => number } {
  let count = 0
  const makeSecret = (): Buffer => Buffer.alloc(20, ++count)
  return { tokens: new Tokens(makeSecret, now), made: () => count }
}

describe('tokens of the DHT', () => {
  it('are taken back from the host they were given to, and from no other', () => {
    const { tokens } = counted()
    const token = tokens.make(HOST, 0)
    expect(tokens.check(HOST, token, 0)).to.equal(true)
    for (const other of ['1.2.3.5', '::1', '', '1.2.3.40']) expect(tokens.check(other, token, 0), other).to.equal(false)
  })

  it('are taken back whole and unchanged only', () => {
    const { tokens } = counted()
    const token = tokens.make(HOST, 0)
    for (let length = 0; length < token.length; length++)
      expect(tokens.check(HOST, token.subarray(0, length), 0)).to.equal(false)
    expect(tokens.check(HOST, Buffer.concat([token, Buffer.alloc(1)]), 0)).to.equal(false)
    for (let bit = 0; bit < token.length * 8; bit++) {
      const changed = Buffer.from(token)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(tokens.check(HOST, changed, 0)).to.equal(false)
    }
  })

  it('come of a secret that lasts five minutes', () => {
    const { tokens, made } = counted()
    const token = tokens.make(HOST, 0)
    expect(tokens.make(HOST, DHT_TOKEN_MS - 1)).to.deep.equal(token)
    expect(made()).to.equal(1)
    expect(tokens.make(HOST, DHT_TOKEN_MS)).not.to.deep.equal(token)
    expect(made()).to.equal(2)
  })

  it('are good while their secret or the one before it is', () => {
    const { tokens } = counted()
    const [first, last] = [tokens.make(HOST, 0), tokens.make(HOST, DHT_TOKEN_MS - 1)]
    expect(tokens.check(HOST, first, DHT_TOKEN_MS)).to.equal(true)
    expect(tokens.check(HOST, last, 2 * DHT_TOKEN_MS - 1)).to.equal(true)
    expect(tokens.check(HOST, last, 2 * DHT_TOKEN_MS)).to.equal(false)
  })

  it('are never good when they are older than ten minutes, however seldom somebody asks', () => {
    for (let period = 1; period <= 30; period++) {
      const { tokens } = counted()
      const token = tokens.make(HOST, 0)
      let good = true
      for (let now = 0; now < 60 * 60_000; now += period * 59_000) {
        const isGood = tokens.check(HOST, token, now)
        if (now < DHT_TOKEN_MS) expect(isGood).to.equal(true)
        if (now >= 2 * DHT_TOKEN_MS) expect(isGood, `asked each ${period} min, ${now / 60_000} min old`).to.equal(false)
        expect(!good && isGood).to.equal(false)
        good = isGood
      }
    }
  })

  it('last five minutes at least, whenever they were made', () => {
    for (let madeAt = 0; madeAt < 3 * DHT_TOKEN_MS; madeAt += 10_007) {
      const { tokens } = counted()
      const token = tokens.make(HOST, madeAt)
      expect(tokens.check(HOST, token, madeAt + DHT_TOKEN_MS - 1), `made at ${madeAt}`).to.equal(true)
    }
  })

  it('cannot be guessed from those of another node', () => {
    const [a, b] = [new Tokens(() => randomBytes(20), 0), new Tokens(() => randomBytes(20), 0)]
    expect(b.check(HOST, a.make(HOST, 0), 0)).to.equal(false)
  })
})
