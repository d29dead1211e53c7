import { expect } from 'chai'
import fc from 'fast-check'
import { compareDistance, idWithSharedBits, sharedBits } from '../../../lib/discovery/dht/node-id.js'
import type { Contact } from '../../../lib/discovery/dht/contact.js'
import { RoutingTable } from '../../../lib/discovery/dht/routing-table.js'
import { DHT_BUCKET_SIZE, DHT_GOOD_MS, DHT_MAX_NODE_FAILURES } from '../../../lib/limits.js'
import { hostsOf, idOf, nodeAt, rightNodeAt } from './support.js'

const own = idOf('00')
const table = (sharesNetworks = false): RoutingTable => new RoutingTable(own, { sharesNetworks }, 0)

/** The nth node that shares exactly so many bits with us, in a network of its own that is not of the internet. */
function node(bits: number, n: number, port = 6881): Contact {
  const random = Buffer.alloc(20)
  random.writeUInt32BE(n, 16)
  return { id: idWithSharedBits(own, bits, random), address: { host: `10.${bits}.${n}.1`, port } }
}

function fill(routes: RoutingTable, bits: number, count = DHT_BUCKET_SIZE, now = 0): Contact[] {
  const nodes = Array.from({ length: count }, (_, n) => node(bits, n))
  for (const each of nodes) routes.onAnswer(each, now)
  return nodes
}

function fail(routes: RoutingTable, contact: Contact, times = DHT_MAX_NODE_FAILURES): void {
  for (let i = 0; i < times; i++) routes.onFailure(contact)
}

const has = (routes: RoutingTable, { address }: Contact): boolean => hostsOf(routes.all()).includes(address.host)

/** Nodes by how many bits they share with us. */
function counts(routes: RoutingTable): Map<number, number> {
  const result = new Map<number, number>()
  for (const { id } of routes.all()) {
    const bits = sharedBits(own, id)
    result.set(bits, (result.get(bits) ?? 0) + 1)
  }
  return result
}

describe('the routing table: who gets in', () => {
  it('is who has answered', () => {
    const routes = table()
    expect(routes.size).to.equal(0)
    expect(routes.closest(own)).to.deep.equal([])
    expect(routes.onQuery(node(0, 1), 0)).to.equal(true)
    expect(routes.size).to.equal(0)
    routes.onAnswer(node(0, 1), 0)
    expect(routes.size).to.equal(1)
    expect(routes.onQuery(node(0, 1), 0)).to.equal(false)
  })

  it('is never ourselves', () => {
    const routes = table()
    const mirror = { ...node(0, 1), id: own }
    routes.onAnswer(mirror, 0)
    expect(routes.onQuery(mirror, 0)).to.equal(false)
    routes.onFailure(mirror)
    expect(routes.size).to.equal(0)
  })

  it('is counted once', () => {
    const routes = table()
    for (let i = 0; i < 3; i++) routes.onAnswer(node(0, 1), i)
    expect(routes.size).to.equal(1)
  })

  it('are eight that are far, and any number of near ones, by splits', () => {
    const routes = table()
    for (let bits = 0; bits < 30; bits++) fill(routes, bits, 12)
    for (const [bits, count] of counts(routes)) expect(count, `${bits} bits`).to.equal(DHT_BUCKET_SIZE)
    expect(counts(routes).size).to.equal(30)
    expect(routes.size).to.equal(30 * DHT_BUCKET_SIZE)
  })

  it('the last bucket splits only when it is full', () => {
    const routes = table()
    for (let bits = 0; bits < DHT_BUCKET_SIZE; bits++) routes.onAnswer(node(bits, 1), 0)
    // One bucket, so one of them is the one to ask.
    expect(routes.questionable(DHT_GOOD_MS)).to.have.length(1)
    routes.onAnswer(node(DHT_BUCKET_SIZE, 1), 0)
    expect(routes.size).to.equal(DHT_BUCKET_SIZE + 1)
    expect(routes.questionable(DHT_GOOD_MS).length).to.be.above(1)
  })

  it('are 160 buckets at most, in the end of nodes that differ in the last bit', () => {
    const routes = table()
    for (let bits = 0; bits < 160; bits++) fill(routes, bits, 9)
    expect(routes.size).to.be.at.most(160 * DHT_BUCKET_SIZE)
    expect(counts(routes).get(159)).to.equal(1)
  })
})

describe('the routing table: one of a network', () => {
  it('takes one of an IPv4 /24', () => {
    const routes = table()
    routes.onAnswer(nodeAt('8.8.8.1', '80'), 0)
    routes.onAnswer(nodeAt('8.8.8.2', '81'), 0)
    routes.onAnswer(nodeAt('8.8.8.1', '82', 7000), 0)
    routes.onAnswer(nodeAt('8.8.9.1', '83'), 0)
    expect(hostsOf(routes.all())).to.have.members(['8.8.8.1', '8.8.9.1'])
    expect(routes.onQuery(nodeAt('8.8.8.3', '40'), 0)).to.equal(false)
  })

  it('takes one of an IPv6 /64', () => {
    const routes = table()
    routes.onAnswer(nodeAt('2a00:1:2:3::1', '80'), 0)
    routes.onAnswer(nodeAt('2a00:1:2:3:ffff::1', '81'), 0)
    routes.onAnswer(nodeAt('2a00:1:2:4::1', '82'), 0)
    expect(hostsOf(routes.all())).to.have.members(['2a00:1:2:3::1', '2a00:1:2:4::1'])
  })

  it('takes any number when tests on one machine say so', () => {
    const routes = table(true)
    for (const [host, hex, port] of [
      ['127.0.0.1', '80', 1],
      ['127.0.0.1', '81', 2],
      ['127.0.0.2', '82', 1],
      ['127.0.0.2', '83', 1]
    ] as const)
      routes.onAnswer(nodeAt(host, hex, port), 0)
    expect(routes.size).to.equal(3)
  })

  it('gives a network back when its node goes', () => {
    const routes = table()
    routes.onAnswer(nodeAt('8.8.8.1', '80'), 0)
    fail(routes, nodeAt('8.8.8.1', '80'))
    routes.onAnswer(nodeAt('8.8.8.2', '81'), 0)
    expect(hostsOf(routes.all())).to.deep.equal(['8.8.8.2'])
  })

  it('prefers ids that fit their addresses (BEP 42) when there is no room', () => {
    const routes = table()
    const wrong = Array.from({ length: DHT_BUCKET_SIZE }, (_, n) => nodeAt(`203.1.${n}.1`, `8${n}`))
    // A full last bucket would split; one near node makes it be no longer the last.
    for (const each of wrong) routes.onAnswer(each, 0)
    routes.onAnswer(node(20, 1), 0)
    const right = [0, 1, 2, 3, 4, 5, 6, 7].map(n => rightFarNode(`198.51.${n}.7`))
    for (const each of right) routes.onAnswer(each, 0)
    for (const each of right) expect(has(routes, each)).to.equal(true)
    expect(wrong.filter(each => has(routes, each))).to.deep.equal([])
    // And nobody else pushes those out again.
    routes.onAnswer(nodeAt('203.9.9.1', 'ff'), 0)
    for (const each of right) expect(has(routes, each)).to.equal(true)
  })
})

describe('the routing table: who goes', () => {
  it('is who left two questions in a row unanswered', () => {
    const routes = table()
    const [first] = fill(routes, 0, 1)
    fail(routes, first!, DHT_MAX_NODE_FAILURES - 1)
    routes.onAnswer(first!, 1)
    fail(routes, first!, DHT_MAX_NODE_FAILURES - 1)
    expect(routes.size).to.equal(1)
    fail(routes, first!, 1)
    expect(routes.size).to.equal(0)
  })

  it('is not told of while it fails', () => {
    const routes = table()
    const [first, second] = fill(routes, 0, 2)
    routes.onFailure(first!)
    expect(routes.size).to.equal(2)
    expect(routes.closest(own)).to.have.length(1)
    expect(hostsOf(routes.closest(own))).to.deep.equal([second!.address.host])
  })

  it('is nobody that is in the table under another address, or not at all', () => {
    const routes = table()
    const [first] = fill(routes, 0, 1)
    fail(routes, { ...first!, address: { host: '10.99.1.1', port: 1 } }, 5)
    fail(routes, node(3, 77), 5)
    expect(routes.size).to.equal(1)
  })

  it('does not make room for who takes its name', () => {
    const routes = table()
    const [first] = fill(routes, 0, 1)
    const thief = { ...first!, address: { host: '10.99.1.1', port: 1 } }
    routes.onAnswer(thief, 5)
    expect(has(routes, first!)).to.equal(true)
    expect(has(routes, thief)).to.equal(false)
    routes.onQuery(thief, DHT_GOOD_MS)
    expect(routes.questionable(DHT_GOOD_MS)).to.have.length(1)
  })

  it('makes room when it fails and another answers', () => {
    const routes = table()
    const nodes = fill(routes, 0)
    routes.onAnswer(node(20, 1), 0)
    routes.onFailure(nodes[3]!)
    routes.onAnswer(node(0, 50), 0)
    expect(has(routes, nodes[3]!)).to.equal(false)
    expect(has(routes, node(0, 50))).to.equal(true)
    expect(routes.size).to.equal(DHT_BUCKET_SIZE + 1)
  })
})

describe('the routing table: spares', () => {
  /** A bucket that is full and cannot split, with spares. */
  function crowded(): { routes: RoutingTable; nodes: Contact[]; spares: Contact[] } {
    const routes = table()
    const nodes = fill(routes, 0)
    routes.onAnswer(node(20, 1), 0)
    const spares = Array.from({ length: 12 }, (_, n) => node(0, 100 + n))
    for (const each of spares) routes.onAnswer(each, 0)
    return { routes, nodes, spares }
  }

  it('do not count, and are not told of', () => {
    const { routes, spares } = crowded()
    expect(routes.size).to.equal(DHT_BUCKET_SIZE + 1)
    for (const each of spares) expect(has(routes, each)).to.equal(false)
  })

  it('step in when a node goes, as many as a bucket holds', () => {
    const { routes, nodes, spares } = crowded()
    for (const each of nodes) fail(routes, each)
    expect(routes.size).to.equal(DHT_BUCKET_SIZE + 1)
    expect(nodes.filter(each => has(routes, each))).to.deep.equal([])
    expect(spares.filter(each => has(routes, each))).to.have.length(DHT_BUCKET_SIZE)
    for (const each of spares.slice(0, DHT_BUCKET_SIZE)) fail(routes, each)
    expect(routes.size).to.equal(1)
  })

  it('that fail themselves are gone, and nobody steps in for them', () => {
    const { routes, nodes, spares } = crowded()
    for (const each of spares.slice(0, 4)) fail(routes, each)
    expect(routes.size).to.equal(DHT_BUCKET_SIZE + 1)
    expect(counts(routes).get(0)).to.equal(DHT_BUCKET_SIZE)
    for (const each of nodes) expect(has(routes, each)).to.equal(true)
    for (const each of nodes) fail(routes, each)
    expect(spares.slice(0, 4).filter(each => has(routes, each))).to.deep.equal([])
  })

  it('that failed lately step in after those that did not', () => {
    const { routes, nodes, spares } = crowded()
    for (const each of spares.slice(1, DHT_BUCKET_SIZE)) routes.onFailure(each)
    fail(routes, nodes[0]!)
    expect(has(routes, spares[0]!)).to.equal(true)
  })
})

describe('the routing table: what it tells', () => {
  it('is the nearest nodes, nearest first', () => {
    const routes = table()
    for (let bits = 0; bits < 12; bits++) fill(routes, bits)
    for (const target of [own, idOf('ff'), idOf('0123'), idOf('007f'), node(5, 3).id]) {
      const best = routes.all().sort((a, b) => compareDistance(target, a.id, b.id))
      expect(hostsOf(routes.closest(target))).to.deep.equal(hostsOf(best.slice(0, DHT_BUCKET_SIZE)))
      expect(hostsOf(routes.closest(target, 3))).to.deep.equal(hostsOf(best.slice(0, 3)))
    }
  })

  it('is all of them, those heard of lately first', () => {
    const routes = table()
    for (const [n, now] of [5, 1, 3].entries()) routes.onAnswer(node(0, n), now)
    expect(hostsOf(routes.all())).to.deep.equal(['10.0.0.1', '10.0.2.1', '10.0.1.1'])
    routes.onQuery(node(0, 1), 9)
    expect(hostsOf(routes.all())[0]).to.equal('10.0.1.1')
  })

  it('is whom to ask again, one of a bucket, after a quarter of an hour of silence', () => {
    const routes = table()
    for (const [n, now] of [5, 1, 3].entries()) routes.onAnswer(node(0, n), now)
    expect(routes.questionable(DHT_GOOD_MS)).to.deep.equal([])
    expect(hostsOf(routes.questionable(DHT_GOOD_MS + 1))).to.deep.equal(['10.0.1.1'])
    routes.onQuery(node(0, 1), DHT_GOOD_MS + 1)
    routes.onAnswer(node(0, 2), DHT_GOOD_MS + 1)
    expect(hostsOf(routes.questionable(DHT_GOOD_MS + 5))).to.deep.equal(['10.0.0.1'])
  })

  it('is what to look for where nothing changed for a quarter of an hour, once', () => {
    const routes = table()
    for (const bits of [0, 1, 2]) fill(routes, bits)
    const random = (): Uint8Array => Buffer.alloc(20, 0x55)
    expect(routes.stale(DHT_GOOD_MS - 1, random)).to.deep.equal([])
    const targets = routes.stale(DHT_GOOD_MS, random)
    expect(targets.map(id => sharedBits(own, id))).to.deep.equal(targets.map((_, bits) => bits))
    expect(targets.length).to.be.at.least(3)
    expect(routes.stale(DHT_GOOD_MS, random)).to.deep.equal([])
    routes.onAnswer(node(1, 0), DHT_GOOD_MS + 9)
    const later = routes.stale(2 * DHT_GOOD_MS, random)
    expect(later.map(id => sharedBits(own, id))).not.to.include(1)
    expect(later).to.have.length(targets.length - 1)
  })
})

describe('the routing table: whatever happens', () => {
  it('holds eight of a bucket, one of a network, and counts them right', () => {
    const event = fc.record({
      kind: fc.constantFrom('answer', 'answer', 'query', 'failure', 'failure'),
      bits: fc.nat(2),
      n: fc.nat(14),
      host: fc.nat(1)
    })
    fc.assert(
      fc.property(fc.array(event, { minLength: 50, maxLength: 400, size: 'max' }), events => {
        const routes = table()
        for (const [now, { kind, bits, n, host }] of events.entries()) {
          const contact = node(bits, n)
          const moved = { ...contact, address: { host: `10.${bits}.${n}.${1 + host}`, port: 6881 } }
          if (kind === 'answer') routes.onAnswer(moved, now)
          else if (kind === 'query') routes.onQuery(moved, now)
          else routes.onFailure(moved)
        }
        const all = routes.all()
        expect(all).to.have.length(routes.size)
        expect(new Set(hostsOf(all).map(each => each.slice(0, each.lastIndexOf('.')))).size).to.equal(all.length)
        expect(new Set(all.map(({ id }) => id.toString('hex'))).size).to.equal(all.length)
        const last = Math.max(...counts(routes).keys())
        for (const [bits, count] of counts(routes)) if (bits < last) expect(count).to.be.at.most(DHT_BUCKET_SIZE)
        expect(routes.closest(own, Infinity).length).to.be.at.most(all.length)
      })
    )
  })
})

/** A node whose id fits its address and shares no bit with us. */
function rightFarNode(host: string): Contact {
  for (let seed = 0; seed < 8; seed++) {
    const contact = rightNodeAt(host, seed)
    if (sharedBits(own, contact.id) === 0) return contact
  }
  throw new Error(`${host} has no such id`)
}
