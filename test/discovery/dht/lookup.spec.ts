import { expect } from 'chai'
import fc from 'fast-check'
import type { Contact } from '../../../lib/discovery/dht/contact.js'
import { Lookup } from '../../../lib/discovery/dht/lookup.js'
import { compareDistance, isIdOfHost } from '../../../lib/discovery/dht/node-id.js'
import {
  DHT_BUCKET_SIZE,
  DHT_LOOKUP_CONCURRENCY,
  DHT_MAX_LOOKUP_NODES,
  DHT_MAX_VALUES,
  DHT_SLOW_MS
} from '../../../lib/limits.js'
import { hostsOf, idOf, nodeAt, rightNodeAt } from './support.js'

const target = idOf('00')
const token = Buffer.from('token')

/** A node of a home network: no rule about ids is for those. The smaller `distance`, the nearer. */
function near(distance: number): Contact {
  return nodeAt(`10.${distance >> 8}.${distance & 255}.1`, distance.toString(16).padStart(4, '0'))
}

const nodes = (from: number, count: number): Contact[] => Array.from({ length: count }, (_, i) => near(from + i))

/** Asks and has everybody answer at once, as `answer` says; undefined is a failure. Returns whom it asked. */
function run(lookup: Lookup, answer: (contact: Contact) => readonly Contact[] | undefined, limit = 1000): Contact[] {
  const asked: Contact[] = []
  for (let now = 0; !lookup.isDone(now) && asked.length < limit; now++) {
    for (const contact of lookup.next(now, Infinity)) {
      asked.push(contact)
      const contacts = answer(contact)
      if (contacts) lookup.onAnswer(contact, token, contacts)
      else lookup.onFailure(contact)
    }
  }
  return asked
}

const storersOf = (lookup: Lookup): string[] => hostsOf(lookup.storers().map(({ contact }) => contact))

describe('a lookup: whom it asks', () => {
  it('knows nobody, and is done', () => {
    const lookup = new Lookup(target)
    expect(lookup.next(0, Infinity)).to.deep.equal([])
    expect(lookup.isDone(0)).to.equal(true)
    expect(lookup.storers()).to.deep.equal([])
  })

  it('the nearest first, five at once', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 20).reverse())
    expect(hostsOf(lookup.next(0, Infinity))).to.deep.equal(hostsOf(nodes(1, DHT_LOOKUP_CONCURRENCY)))
    expect(lookup.next(0, Infinity)).to.deep.equal([])
    lookup.onAnswer(near(2), token, [])
    expect(lookup.next(0, Infinity)).to.deep.equal([near(6)])
    expect(lookup.asked).to.equal(DHT_LOOKUP_CONCURRENCY + 1)
  })

  it('no more than it may', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 20))
    for (const limit of [0, -1]) expect(lookup.next(0, limit)).to.deep.equal([])
    expect(lookup.next(0, 2)).to.deep.equal(nodes(1, 2))
    expect(lookup.next(0, 2)).to.deep.equal(nodes(3, 2))
    expect(lookup.asked).to.equal(4)
  })

  it('nobody twice, however often it is told', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 8))
    const asked = run(lookup, () => nodes(1, 20))
    expect(new Set(hostsOf(asked)).size).to.equal(asked.length)
    expect(asked).to.have.length(DHT_BUCKET_SIZE)
  })

  it('the nearer ones that it hears of', () => {
    const lookup = new Lookup(target)
    lookup.add([near(1000)])
    // Each knows of those half as far away.
    run(lookup, ({ id }) => nodes(Math.max(1, id.readUInt16BE(0) >> 1), DHT_BUCKET_SIZE))
    expect(storersOf(lookup)).to.deep.equal(hostsOf(nodes(1, DHT_BUCKET_SIZE)))
    expect(lookup.asked).to.be.below(60)
  })
})

describe('a lookup: when it ends', () => {
  it('is when the eight nearest have answered, and not before', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 30))
    for (let n = 1; n <= DHT_BUCKET_SIZE; n++) {
      expect(lookup.isDone(0)).to.equal(false)
      lookup.next(0, Infinity)
      lookup.onAnswer(near(n), token, [])
    }
    expect(lookup.isDone(0)).to.equal(true)
    expect(lookup.next(0, Infinity)).to.deep.equal([])
    expect(lookup.asked).to.equal(DHT_BUCKET_SIZE)
  })

  it('is later when one of them knew of a nearer one', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(10, 8))
    let told = false
    const asked = run(lookup, () => {
      const news = told ? [] : [near(1)]
      told = true
      return news
    })
    expect(asked).to.deep.include(near(1))
    expect(storersOf(lookup)[0]).to.equal(near(1).address.host)
  })

  it('is after as many others as there were failures', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 30))
    run(lookup, contact => (Number(contact.address.host.split('.')[2]) % 2 === 0 ? [] : undefined))
    expect(storersOf(lookup)).to.deep.equal(hostsOf([2, 4, 6, 8, 10, 12, 14, 16].map(near)))
    expect(lookup.answers).to.equal(8)
  })

  it('is with those who are there when they are few', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 3))
    run(lookup, () => [])
    expect(lookup.isDone(0)).to.equal(true)
    expect(lookup.answers).to.equal(3)
  })

  it('is when nobody answers at all', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 50))
    expect(run(lookup, () => undefined)).to.have.length(50)
    expect([lookup.answers, lookup.storers().length]).to.deep.equal([0, 0])
  })
})

describe('a lookup: slow nodes', () => {
  it('give their turn to others after a second', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 20))
    lookup.next(0, Infinity)
    expect(lookup.next(DHT_SLOW_MS - 1, Infinity)).to.deep.equal([])
    expect(lookup.next(DHT_SLOW_MS, Infinity)).to.deep.equal(nodes(6, DHT_LOOKUP_CONCURRENCY))
  })

  it('do not keep it from its end', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 8))
    for (let now = 0; now < 2; now++)
      for (const contact of lookup.next(now * DHT_SLOW_MS, Infinity))
        if (!contact.id.equals(near(3).id)) lookup.onAnswer(contact, token, [])
    expect(lookup.isDone(DHT_SLOW_MS - 1)).to.equal(false)
    expect(lookup.isDone(DHT_SLOW_MS)).to.equal(true)
    expect(lookup.answers).to.equal(7)
  })

  it('are not taken for the nearest that answered: as many others are asked', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 30))
    const isDead = ({ address }: Contact): boolean => Number(address.host.split('.')[2]) <= 10
    let now = 0
    for (; !lookup.isDone(now) && now < 60_000; now += 100)
      for (const contact of lookup.next(now, Infinity)) if (!isDead(contact)) lookup.onAnswer(contact, token, [])
    expect(storersOf(lookup)).to.deep.equal(hostsOf(nodes(11, DHT_BUCKET_SIZE)))
    expect(now).to.be.within(2 * DHT_SLOW_MS, 4 * DHT_SLOW_MS)
  })

  it('still count when they answer at last', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 2))
    lookup.next(0, Infinity)
    lookup.onAnswer(near(2), token, [])
    expect(lookup.isDone(DHT_SLOW_MS)).to.equal(true)
    lookup.onAnswer(near(1), token, [near(7)])
    expect(storersOf(lookup)).to.deep.equal(hostsOf(nodes(1, 2)))
    expect(lookup.isDone(DHT_SLOW_MS)).to.equal(false)
    expect(lookup.next(DHT_SLOW_MS, Infinity)).to.deep.equal([near(7)])
  })

  it('are forgotten when the answer is that there is none', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 9))
    lookup.next(0, Infinity)
    lookup.onFailure(near(1))
    expect(lookup.next(0, Infinity)).to.deep.equal([near(6)])
    lookup.onAnswer(near(2), token, [])
    // An answer and then, of another question, a failure: the answer stays.
    lookup.onFailure(near(2))
    expect(lookup.answers).to.equal(1)
  })
})

describe('a lookup: where it stores', () => {
  it('is at the nearest that gave a token', () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1, 12))
    for (let now = 0; !lookup.isDone(now); now++)
      for (const contact of lookup.next(now, Infinity))
        lookup.onAnswer(contact, contact.id.equals(near(1).id) ? undefined : token, [])
    expect(storersOf(lookup)).to.deep.equal(hostsOf(nodes(2, 7)))
    expect(lookup.storers()[0]?.token).to.equal(token)
  })

  it(`is at ${DHT_BUCKET_SIZE} nodes, also where none has an id that is its to have`, () => {
    const lookup = new Lookup(target)
    const wrong = Array.from({ length: 12 }, (_, i) => nodeAt(`45.1.${i}.1`, `00${i.toString(16).padStart(2, '0')}`))
    lookup.add(wrong)
    run(lookup, () => [])
    expect(storersOf(lookup)).to.deep.equal(hostsOf(wrong.slice(0, DHT_BUCKET_SIZE)))
    lookup.add(Array.from({ length: 100 }, (_, i) => nodeAt(`45.2.${i}.1`, `01${i.toString(16).padStart(2, '0')}`)))
    run(lookup, () => [])
    expect(lookup.asked).to.equal(2 * DHT_BUCKET_SIZE)
  })
})

describe('a lookup: liars', () => {
  it('of one network are one of them', () => {
    const lookup = new Lookup(target)
    lookup.add(Array.from({ length: 50 }, (_, i) => nodeAt(`8.8.8.${i}`, `00${i.toString(16).padStart(2, '0')}`)))
    lookup.add(
      Array.from({ length: 50 }, (_, i) => nodeAt(`2a00:1:2:3::${i + 1}`, `00${i.toString(16).padStart(2, '0')}`))
    )
    expect(run(lookup, () => [])).to.have.length(2)
  })

  it('do not keep a network from its true node: who failed gives the place back', () => {
    const lookup = new Lookup(target)
    const honest = nodeAt('8.8.8.8', '0001')
    lookup.add([nodeAt('8.8.8.9', '0000'), near(100)])
    run(lookup, ({ address }) => (address.host === '8.8.8.9' ? undefined : [honest]))
    expect(storersOf(lookup)).to.include('8.8.8.8')
  })

  it('that name silent neighbours of a true node hold up its network for a second', () => {
    const lookup = new Lookup(target)
    const honest = nodeAt('8.8.8.8', '0002')
    lookup.add([nodeAt('8.8.8.9', '0001'), honest])
    expect(lookup.next(0, Infinity)).to.have.length(1)
    expect(lookup.isDone(DHT_SLOW_MS - 1)).to.equal(false)
    expect(lookup.next(DHT_SLOW_MS, Infinity)).to.deep.equal([honest])
  })

  it('cannot lead it on through one network, each time to a nearer one', () => {
    const lookup = new Lookup(target)
    lookup.add([nodeAt('8.8.8.255', '00ff')])
    let count = 0
    const asked = run(lookup, () => [
      nodeAt(`8.8.8.${254 - count}`, `00${(254 - count++).toString(16).padStart(2, '0')}`)
    ])
    expect(asked).to.have.length(1)
  })

  it('that name hundreds of nodes that are nearest do not push out those that others named', () => {
    const lookup = new Lookup(target)
    const honest = Array.from({ length: 20 }, (_, i) => rightNodeAt(`81.${i}.3.4`))
    const crowd = (n: number): Contact[] =>
      Array.from({ length: DHT_MAX_VALUES }, (_, i) =>
        nodeAt(`45.${n}.${i}.1`, `0000${n}${i.toString(16).padStart(3, '0')}`)
      )
    // It is the first to be asked.
    const liar = near(0)
    lookup.add([liar, ...honest])
    run(lookup, ({ address }) => {
      if (address.host === liar.address.host) return crowd(1)
      return address.host.startsWith('81.') ? [] : undefined
    })
    expect(lookup.asked).to.be.below(60)
    expect(storersOf(lookup).filter(host => host.startsWith('81.'))).to.have.length.at.least(DHT_BUCKET_SIZE - 1)
  })

  it('whose ids are not theirs to choose (BEP 42) are asked last, and cost a second at most when they are silent', () => {
    const honest = Array.from({ length: 20 }, (_, i) => rightNodeAt(`81.${i}.3.4`))
    const silent = Array.from({ length: 40 }, (_, i) =>
      nodeAt(`45.1.${i}.1`, `000000${i.toString(16).padStart(2, '0')}`)
    )
    const lookup = new Lookup(target)
    lookup.add([...silent, ...honest])
    let now = 0
    let honestBy = 0
    const asked: Contact[] = []
    for (; !lookup.isDone(now) && now < 60_000; now += 50) {
      const next = lookup.next(now, Infinity)
      asked.push(...next)
      for (const contact of next.filter(({ address }) => address.host.startsWith('81.'))) {
        honestBy = now
        lookup.onAnswer(contact, token, [])
      }
    }
    expect(hostsOf(asked).filter(host => host.startsWith('81.'))).to.have.length(DHT_BUCKET_SIZE)
    expect(honestBy).to.be.at.most(100)
    expect(now - honestBy).to.be.at.most(DHT_SLOW_MS + 100)
    expect(asked.length).to.be.at.most(2 * DHT_BUCKET_SIZE)
  })

  it('whose ids are not theirs to choose (BEP 42) do not end it, and have not all that is stored', () => {
    const lookup = new Lookup(target)
    // As near as can be, each of a network of its own, all of one who answers with tokens.
    const sybils = Array.from({ length: 12 }, (_, i) =>
      nodeAt(`45.1.${i}.1`, `000000${i.toString(16).padStart(2, '0')}`)
    )
    const honest = Array.from({ length: 20 }, (_, i) => rightNodeAt(`81.${i}.3.4`)).sort((a, b) =>
      compareDistance(target, a.id, b.id)
    )
    lookup.add([...sybils, ...honest])
    const asked = hostsOf(run(lookup, () => []))
    expect(asked).to.include.members(hostsOf(honest.slice(0, DHT_BUCKET_SIZE)))
    const half = DHT_BUCKET_SIZE / 2
    expect(storersOf(lookup)).to.deep.equal([...hostsOf(sybils.slice(0, half)), ...hostsOf(honest.slice(0, half))])
  })

  it(`fill no more than ${DHT_MAX_LOOKUP_NODES} places, of which the nearest stay`, () => {
    const lookup = new Lookup(target)
    lookup.add(nodes(1000, DHT_MAX_LOOKUP_NODES))
    lookup.add(nodes(1, 10))
    lookup.add(nodes(5000, 300))
    expect(run(lookup, () => undefined)).to.have.length(DHT_MAX_LOOKUP_NODES)
  })

  it('whoever says what, it asks each address once, and ends', () => {
    const someone = fc.record({ host: fc.nat(60), hex: fc.integer({ min: 0, max: 0xffff }), isGlobal: fc.boolean() })
    const contact = someone.map(({ host, hex, isGlobal }) =>
      nodeAt(isGlobal ? `45.1.${host}.${host % 3}` : `10.1.${host}.1`, hex.toString(16).padStart(4, '0'))
    )
    const answers = fc.array(fc.option(fc.array(contact, { maxLength: 20 }), { nil: undefined }), { minLength: 1 })
    fc.assert(
      fc.property(fc.array(contact, { maxLength: 30 }), answers, (begin, says) => {
        const lookup = new Lookup(target)
        lookup.add(begin)
        let count = 0
        const asked = run(lookup, () => says[count++ % says.length])
        expect(new Set(hostsOf(asked)).size).to.equal(asked.length)
        expect(lookup.asked).to.equal(asked.length)
        expect(asked.length).to.be.below(1000)
        const storers = lookup.storers().map(({ contact: { id } }) => id)
        for (const [i, id] of storers.entries())
          if (i > 0) expect(compareDistance(target, storers[i - 1]!, id)).to.be.at.most(0)
        const right = lookup.storers().filter(({ contact: { id, address } }) => isIdOfHost(id, address.host))
        expect(storers.length).to.be.at.most(DHT_BUCKET_SIZE)
        expect(storers.length - right.length).to.be.at.most(
          Math.max(DHT_BUCKET_SIZE / 2, DHT_BUCKET_SIZE - right.length)
        )
      })
    )
  })
})
