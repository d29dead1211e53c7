import { expect } from 'chai'
import type { Response } from '../../../lib/discovery/dht/rpc.js'
import { encodeQuery } from '../../../lib/discovery/dht/krpc.js'
import { compareDistance, idWithSharedBits, type NodeId } from '../../../lib/discovery/dht/node-id.js'
import { DHT_MAX_ANSWER_RATIO } from '../../../lib/limits.js'
import { formatPeerAddress } from '../../../lib/wire/peer-address.js'
import { SimulatedDht, type SimulatedNode } from '../../support/simulated-dht.js'

/** Walks, and resolves to the peers that were found and what it cost. */
async function find(net: SimulatedDht, { dht }: SimulatedNode, target: NodeId) {
  const peers = new Set<string>()
  let firstMs: number | undefined
  const startedAt = net.clock.now()
  let isDone = false
  const walking = dht.findPeers(target, ({ peers: found }: Response) => {
    if (found.length > 0) firstMs ??= net.clock.now() - startedAt
    for (const peer of found) peers.add(formatPeerAddress(peer))
  })
  void walking.then(() => (isDone = true))
  await net.clock.advance(60_000, () => isDone)
  const result = await walking
  return { peers: [...peers], firstMs, tookMs: net.clock.now() - startedAt, ...result }
}

async function announce(net: SimulatedDht, node: SimulatedNode, target: NodeId, port = 7000): Promise<number> {
  const { storers } = await find(net, node, target)
  node.dht.announce(target, storers, port, false)
  await net.clock.advance(1000)
  return storers.length
}

describe('a DHT of our nodes', function () {
  this.timeout(60_000)
  const nets: SimulatedDht[] = []
  const grown = async (count: number, options = {}): Promise<SimulatedDht> => {
    const net = new SimulatedDht(options)
    nets.push(net)
    await net.grow(count)
    return net
  }
  afterEach(() => {
    for (const net of nets.splice(0)) net.close()
  })

  it('finds in any node what any other has announced, in few steps', async () => {
    const net = await grown(300)
    const costs: number[] = []
    for (let i = 0; i < 20; i++) {
      const [target, announcer] = [net.randomId(), net.pick()]
      expect(await announce(net, announcer, target)).to.equal(8)
      const { peers, asked, firstMs } = await find(net, net.pick(), target)
      expect(peers).to.deep.equal([`${announcer.address.host}:7000`])
      expect(firstMs).to.be.below(1000)
      costs.push(asked)
    }
    expect(Math.max(...costs)).to.be.below(60)
  })

  for (const wrongIds of [0.5, 1]) {
    it(`finds it as soon where ${100 * wrongIds} % of the ids do not follow addresses (BEP 42)`, async () => {
      const net = await grown(200, { wrongIds })
      for (let i = 0; i < 10; i++) {
        const [target, announcer] = [net.randomId(), net.pick()]
        expect(await announce(net, announcer, target)).to.equal(8)
        const { peers, asked, tookMs } = await find(net, net.pick(), target)
        expect(peers).to.deep.equal([`${announcer.address.host}:7000`])
        expect(asked).to.be.below(60)
        expect(tookMs).to.be.below(2000)
      }
    })
  }

  it('stores at the nodes that are nearest of all', async () => {
    const net = await grown(150)
    const target = net.randomId()
    const ids = net.nodes.map(({ dht }) => dht.save().ids.get(4)!).sort((a, b) => compareDistance(target, a, b))
    const { storers } = await find(net, net.pick(), target)
    const found = storers.map(({ contact }) => contact.id.toString('hex'))
    const best = ids.slice(0, 8).map(id => id.toString('hex'))
    // The walker itself may be one of them, and asks itself nothing.
    expect(found.filter(id => best.includes(id)).length).to.be.at.least(7)
  })

  it('finds through lost datagrams and nodes that have left', async () => {
    const net = await grown(200, { loss: 0.05, seed: 7 })
    const target = net.randomId()
    const announcer = net.pick()
    await announce(net, announcer, target)
    for (const [i, { dht }] of net.nodes.entries()) if (i % 5 === 0 && net.nodes[i] !== announcer) dht.close()
    const { peers, tookMs } = await find(net, net.nodes[1]!, target)
    expect(peers).to.include(`${announcer.address.host}:7000`)
    expect(tookMs).to.be.below(15_000)
  })

  it('asks no more than 20 questions a second, however much is looked for', async () => {
    const net = await grown(100)
    const node = net.add(
      net.nodes.slice(0, 3).map(({ address }) => address),
      { readOnly: true }
    )
    const walks = Array.from({ length: 10 }, () => node.dht.findPeers(net.randomId(), () => undefined))
    let isDone = false
    void Promise.all(walks).then(() => (isDone = true))
    let before = node.sent.count
    for (let second = 0; second < 60; second++) {
      await net.clock.advance(1000, () => isDone)
      // A second's worth may have been saved up before.
      expect(node.sent.count - before).to.be.at.most(second === 0 ? 40 : 21)
      before = node.sent.count
    }
    expect(isDone).to.equal(true)
  })

  it('is read-only when told: asks, finds and announces, and answers nobody', async () => {
    const net = await grown(60)
    const node = net.add([net.nodes[0]!.address], { readOnly: true })
    const target = net.randomId()
    await announce(net, node, target)
    expect((await find(net, net.nodes[5]!, target)).peers).to.deep.equal([`${node.address.host}:7000`])
    await net.clock.advance(5000)
    const knows = net.nodes
      .slice(0, 60)
      .filter(({ dht }) => dht.save().contacts.some(({ address }) => address.host === node.address.host))
    expect(knows).to.deep.equal([])
  })

  it('stores nothing for who shows a token that was given to another', async () => {
    const net = await grown(60)
    const [target, thief] = [net.randomId(), net.nodes[7]!]
    const { storers } = await find(net, net.nodes[3]!, target)
    thief.dht.announce(target, storers, 9999, false)
    await net.clock.advance(2000)
    expect((await find(net, net.nodes[9]!, target)).peers).to.deep.equal([])
  })

  it('sends three times as many bytes at most to an address that somebody else puts on his questions', async () => {
    const net = await grown(60)
    const [node, target, victim] = [net.nodes[3]!, net.randomId(), { host: '10.200.0.1', port: 6881 }]
    const faker = net.port(victim)
    let [heard, said] = [0, 0]
    net.tamper = (datagram, from, to) => {
      if (from.host === victim.host) heard += datagram.length
      if (to.host === victim.host) said += datagram.length
      // What is sent to the victim is seen by nobody.
      return to.host === victim.host ? undefined : datagram
    }
    const own = node.dht.save().ids.get(4)!
    for (let i = 0; i < 45; i++) {
      const question = { method: i % 2 === 0 ? 'get_peers' : 'find_node', target } as const
      // Each time another node, so near that there is a place for it.
      const id = idWithSharedBits(own, i, net.randomBytes(20))
      void faker.send(encodeQuery(net.randomBytes(2), id, question, false), node.address)
      await net.clock.advance(300)
    }
    await net.clock.advance(60_000)
    expect(said).to.be.within(heard, DHT_MAX_ANSWER_RATIO * heard)
  })

  it('has for its next start the nodes that it knows, and its name', async () => {
    const net = await grown(60)
    const { dht } = net.add([net.nodes[0]!.address])
    await net.clock.advance(5000)
    const saved = dht.save()
    expect(saved.contacts.length).to.be.above(8)
    expect(saved.ids.get(4)?.length).to.equal(20)
  })

  it('tries the bootstrap again until somebody answers', async () => {
    const net = new SimulatedDht()
    nets.push(net)
    const unborn = { host: '10.1.1.1', port: 6881 }
    const node = net.add([unborn])
    await net.clock.advance(40_000)
    expect(node.dht.nodeCount).to.equal(0)
    expect(node.sent.count).to.be.within(2, 5)
    net.add()
    await net.clock.advance(40_000)
    expect(node.dht.nodeCount).to.equal(1)
  })

  it('does not believe who answers from elsewhere, or to another question', async () => {
    const net = await grown(30)
    const [victim, target] = [net.nodes[2]!, net.randomId()]
    // Every answer to it is doubled by one of somebody else, with peers of his own.
    const liar = net.port({ host: '10.9.9.1', port: 1 })
    net.tamper = (datagram, from, to) => {
      if (to.host === victim.address.host && from.host !== '10.9.9.1') void liar.send(datagram, to)
      return datagram
    }
    const { answers, asked } = await find(net, victim, target)
    expect(answers).to.be.at.most(asked)
    expect(victim.dht.save().contacts.some(({ address }) => address.host === '10.9.9.1')).to.equal(false)
  })

  it('leaves nothing running when it is closed', async () => {
    const net = await grown(20)
    const node = net.nodes[3]!
    let isDone = false
    void node.dht.findPeers(net.randomId(), () => undefined).then(() => (isDone = true))
    node.dht.close()
    await net.clock.advance(1)
    expect(isDone).to.equal(true)
    const { count } = node.sent
    await net.clock.advance(120_000)
    expect(node.sent.count).to.equal(count)
  })
})
