import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { KEY_LENGTH, KeyExchange } from '../../../lib/net/mse/diffie-hellman.js'
import { conformanceVectors } from '../../support/conformance.js'
import { protocolFault } from '../../support/protocol-error.js'

interface Recorded {
  readonly prime_hex: string
  readonly our_private_key_hex: string
  readonly our_public_key_hex: string
  readonly 'outgoing (we are A)': { Yb: string; shared_secret_S: string }
  readonly 'incoming (we are B)': { Ya: string; shared_secret_S: string }
}

const PRIME = BigInt(
  '0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563'
)

function keyOf(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * KEY_LENGTH, '0'), 'hex')
}

/** The textbook's way. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = base, left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % PRIME
    square = (square * square) % PRIME
  }
  return result
}

describe('KeyExchange', () => {
  it('makes the keys and secrets of a recorded exchange', function () {
    const recorded = conformanceVectors(this, 'mse') as Recorded
    const exchange = new KeyExchange(Buffer.from(recorded.our_private_key_hex, 'hex'))
    expect(exchange.publicKey.toString('hex')).to.equal(recorded.our_public_key_hex)
    const { Yb, shared_secret_S: secret } = recorded['outgoing (we are A)']
    expect(exchange.secretWith(Buffer.from(Yb, 'hex')).toString('hex')).to.equal(secret)
    // Their key may be ours.
    const incoming = recorded['incoming (we are B)']
    const secretWithOurs = exchange.secretWith(Buffer.from(incoming.Ya, 'hex')).toString('hex')
    expect(secretWithOurs).to.equal(incoming.shared_secret_S)
  })

  it('is what the textbook has, short numbers included, however exchanges interleave', () => {
    const privates = Array.from({ length: 40 }, () => randomBytes(20))
    // 2^8 has 94 zero bytes in front.
    const exchanges = [Buffer.of(8), ...privates].map(key => ({ key, exchange: new KeyExchange(key) }))
    for (const { key, exchange } of exchanges) {
      const secret = BigInt(`0x${key.toString('hex')}`)
      expect(exchange.publicKey).to.deep.equal(keyOf(power(2n, secret)))
      for (const other of [exchanges[0]!, exchanges[7]!]) {
        const shared = exchange.secretWith(other.exchange.publicKey)
        expect(shared).to.deep.equal(other.exchange.secretWith(exchange.publicKey))
        expect(shared).to.deep.equal(keyOf(power(power(2n, BigInt(`0x${other.key.toString('hex')}`)), secret)))
      }
    }
  })

  const exchange = new KeyExchange()
  for (const [name, number] of [
    ['0', 0n],
    ['1', 1n],
    ['p - 1', PRIME - 1n],
    ['p', PRIME],
    ['p + 1', PRIME + 1n],
    ['2^768 - 1', 2n ** 768n - 1n]
  ] as const) {
    it(`refuses the key ${name}`, () => {
      expect(protocolFault(() => exchange.secretWith(keyOf(number)))).to.equal('ERR_BT_HANDSHAKE')
    })
  }

  it('takes the keys 2 and p - 2', () => {
    for (const number of [2n, PRIME - 2n])
      expect(protocolFault(() => exchange.secretWith(keyOf(number)))).to.equal(undefined)
  })
})
