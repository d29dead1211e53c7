import { expect } from 'chai'
import fc from 'fast-check'
import {
  asNodeId,
  compareDistance,
  idWithSharedBits,
  isIdOfHost,
  nodeIdFor,
  sharedBits
} from '../../../lib/discovery/dht/node-id.js'
import { conformanceVectors } from '../../support/conformance.js'
import { idOf } from './support.js'

const twenty = fc.uint8Array({ minLength: 20, maxLength: 20 })
const ids = twenty.map(bytes => asNodeId(bytes)!)

/** BEP 42, "test vectors": what the example's id begins and ends with is given by the address. */
const BEP42 = [
  ['124.31.75.21', '5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401'],
  ['21.75.31.124', '5a3ce9c14e7a08645677bbd1cfe7d8f956d53256'],
  ['65.23.51.170', 'a5d43220bc8f112a3d426c84764f8c2a1150e616'],
  ['84.124.73.14', '1b0321dd1bb1fe518101ceef99462b947a01ff41'],
  ['43.213.53.83', 'e56f6cbf5b7c4be0237986d5243b87aa6d51305a']
] as const

describe('node ids', () => {
  it('have 20 bytes, and are a copy', () => {
    for (const length of [0, 19, 21, 40]) expect(asNodeId(Buffer.alloc(length))).to.equal(undefined)
    expect(asNodeId(undefined)).to.equal(undefined)
    const bytes = Buffer.alloc(20, 7)
    const id = asNodeId(bytes)
    bytes.fill(0)
    expect(id).to.deep.equal(Buffer.alloc(20, 7))
  })

  it('are as far apart as their exclusive or is large', () => {
    const target = idOf('80')
    expect(compareDistance(target, idOf('81'), idOf('82'))).to.be.below(0)
    expect(compareDistance(target, idOf('00'), idOf('ff'))).to.be.above(0)
    expect(compareDistance(target, idOf('81'), idOf('81'))).to.equal(0)
    expect(compareDistance(target, target, idOf('8000000000000000000000000000000000000001'))).to.be.below(0)
  })

  it('are ordered as numbers are', () => {
    const distance = (a: Buffer, b: Buffer): bigint =>
      BigInt(`0x${a.toString('hex')}`) ^ BigInt(`0x${b.toString('hex')}`)
    fc.assert(
      fc.property(ids, ids, ids, (target, a, b) => {
        const difference = distance(target, a) - distance(target, b)
        expect(Math.sign(compareDistance(target, a, b))).to.equal(difference < 0n ? -1 : difference > 0n ? 1 : 0)
      })
    )
  })

  it('share the bits up to the first that differs', () => {
    expect(sharedBits(idOf('80'), idOf('00'))).to.equal(0)
    expect(sharedBits(idOf('00'), idOf('01'))).to.equal(7)
    expect(sharedBits(idOf('ff'), idOf('ff80'))).to.equal(8)
    expect(sharedBits(idOf('00'), idOf('0000000000000000000000000000000000000001'))).to.equal(159)
    expect(sharedBits(idOf('12'), idOf('12'))).to.equal(160)
  })

  it('are made to share exactly so many bits', () => {
    fc.assert(
      fc.property(ids, twenty, fc.integer({ min: 0, max: 159 }), (id, random, bits) => {
        const before = Buffer.from(id)
        expect(sharedBits(id, idWithSharedBits(id, bits, random))).to.equal(bits)
        expect(id).to.deep.equal(before)
      })
    )
    expect(idWithSharedBits(idOf('12'), 160, Buffer.alloc(20, 0xff))).to.deep.equal(idOf('12'))
  })
})

describe('node ids by address (BEP 42)', () => {
  for (const [host, hex] of BEP42) {
    it(`${host} may be called ${hex.slice(0, 6)}…${hex.slice(-2)}`, () => {
      const id = idOf(hex)
      expect(isIdOfHost(id, host)).to.equal(true)
      const made = nodeIdFor(host, id)
      expect(made).to.deep.equal(id)
    })
  }

  it('fits the vectors of others', function () {
    const vectors = conformanceVectors(this, 'bep42_node_id') as {
      ip: string
      rand: number
      example_node_id: string
      crc32c: string
    }[]
    expect(vectors).to.have.length(5)
    for (const { ip, rand, example_node_id: example, crc32c } of vectors) {
      expect(isIdOfHost(idOf(example), ip)).to.equal(true)
      const random = Buffer.alloc(20)
      random[19] = rand
      const made = nodeIdFor(ip, random)
      expect(made.readUInt32BE(0) >>> 11).to.equal(Number.parseInt(crc32c, 16) >>> 11)
      expect(made[19]).to.equal(rand)
    }
  })

  it('counts 21 bits and the last byte, and no others', () => {
    const [host, hex] = BEP42[0]
    for (let bit = 0; bit < 160; bit++) {
      const id = idOf(hex)
      id[bit >> 3]! ^= 0x80 >> (bit & 7)
      // Of the last byte, three bits are mixed into the address.
      expect(isIdOfHost(id, host), `bit ${bit}`).to.equal(!(bit < 21 || bit >= 157))
    }
  })

  it('gives any address an id that fits, and leaves the rest to chance', () => {
    const hosts = fc.oneof(
      fc.tuple(fc.integer({ min: 11, max: 99 }), fc.nat(255), fc.nat(255), fc.nat(255)).map(bytes => bytes.join('.')),
      fc.tuple(fc.nat(0xffff), fc.nat(0xffff)).map(([a, b]) => `2a00:${a.toString(16)}:${b.toString(16)}::1`)
    )
    fc.assert(
      fc.property(hosts, twenty, (host, random) => {
        const id = nodeIdFor(host, random)
        expect(isIdOfHost(id, host)).to.equal(true)
        expect(id.subarray(3)).to.deep.equal(Buffer.from(random.subarray(3)))
      })
    )
  })

  it('of IPv6 looks at the network only', () => {
    const id = nodeIdFor('2a00:1450:4001:81b::1', Buffer.alloc(20, 5))
    expect(isIdOfHost(id, '2a00:1450:4001:81b:ffff::2')).to.equal(true)
    expect(isIdOfHost(id, '2a00:1450:4001:81c::1')).to.equal(false)
  })

  it('asks nothing of addresses that are not of the internet', () => {
    for (const host of [
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.1.1',
      '::1',
      'fe80::1',
      'fd00::1'
    ])
      expect(isIdOfHost(idOf('00'), host), host).to.equal(true)
  })
})
