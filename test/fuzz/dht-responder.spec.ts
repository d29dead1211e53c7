import { expect } from 'chai'
import fc from 'fast-check'
import { parseKrpc } from '../../lib/discovery/dht/krpc.js'
import { asNodeId, nodeIdFor } from '../../lib/discovery/dht/node-id.js'
import { PeerStore } from '../../lib/discovery/dht/peer-store.js'
import { ProvenHosts } from '../../lib/discovery/dht/proven-hosts.js'
import { Responder } from '../../lib/discovery/dht/responder.js'
import { Tokens } from '../../lib/discovery/dht/tokens.js'
import { DHT_MAX_ANSWER_BYTES, DHT_MAX_ANSWER_RATIO, DHT_MAX_STORED_PEERS } from '../../lib/limits.js'
import { encode } from '../../lib/metainfo/bencode.js'
import { fuzz } from '../support/fuzz.js'

const id = asNodeId(Buffer.from('abcdefghij0123456789'))!
const popular = asNodeId(Buffer.from('mnopqrstuvwxyz123456'))!
const nodes = {
  4: Array.from({ length: 8 }, (_, i) => ({
    id: nodeIdFor(`1.2.${i}.4`, id),
    address: { host: `1.2.${i}.4`, port: 1 }
  })),
  6: Array.from({ length: 8 }, (_, i) => ({
    id: nodeIdFor(`2600:${i}::1`, id),
    address: { host: `2600:${i}::1`, port: 1 }
  }))
}

/** They have shown that their addresses are their own. */
const known = ['9.9.9.9', '2600::9']

/** Questions of the right form, with values of any kind. */
const value = fc.oneof(
  fc.constantFrom<string | number | string[] | Record<string, number>>(
    0,
    1,
    -1,
    '',
    'x',
    [],
    ['n4'],
    ['n4', 'n6'],
    {},
    { x: 1 }
  ),
  fc.uint8Array({ maxLength: 30 }).map(bytes => Buffer.from(bytes)),
  fc.constantFrom(id, popular)
)
const keys = ['target', 'info_hash', 'token', 'port', 'implied_port', 'want', 'scrape', 'seed']
const members = fc
  .dictionary(fc.constantFrom(...keys), value)
  .map(found => ({ id, target: popular, info_hash: popular, ...found }))
const methods = fc.constantFrom('ping', 'find_node', 'get_peers', 'get_peers', 'announce_peer', 'get', '')
const transactions = fc.uint8Array({ maxLength: 33 }).map(bytes => Buffer.from(bytes))
const questions = fc.record({
  a: fc.oneof(members, value),
  q: fc.oneof(methods, value),
  t: transactions,
  y: fc.constant('q')
})

describe('fuzz: answers of the DHT', () => {
  it('are a response or an error, of three times its length or to who is known in one packet, by the name of the question, and store nothing without a token', async () => {
    const store = new PeerStore()
    for (let i = 0; i < DHT_MAX_STORED_PEERS / 2; i++)
      for (const host of [`5.6.7.${i}`, `2a00::${i + 1}`]) store.add(popular, { host, port: 1 }, i % 2 === 0, 0)
    const before = [4, 6].map(family => store.get(popular, family as 4 | 6, Infinity, () => 0, 0))
    const proven = new ProvenHosts()
    for (const host of known) proven.note(host, 0)
    const responder = new Responder({
      ownId: () => id,
      closest: (_, family) => nodes[family],
      store,
      tokens: new Tokens(() => Buffer.alloc(20, 1), 0),
      proven,
      random: () => 0.5
    })
    await fuzz(
      fc.property(questions, fc.constantFrom(...known, '9.9.9.8', '2600::8'), (question, host) => {
        const datagram = encode(question)
        const message = parseKrpc(datagram)
        if (message?.type !== 'query' && message?.type !== 'fault') return
        const answer = responder.answer(message, { from: { host, port: 6881 }, bytes: datagram.length, now: 0 })
        if (!answer) throw new Error('no answer')
        const limit = known.includes(host) ? DHT_MAX_ANSWER_BYTES : DHT_MAX_ANSWER_RATIO * datagram.length
        expect(answer.length).to.be.at.most(limit)
        const read = parseKrpc(answer)
        expect(read?.type).to.be.oneOf(['response', 'error'])
        expect(read?.transaction).to.deep.equal(question.t)
        expect(store.torrentCount).to.equal(1)
      }),
      2000
    )
    expect([4, 6].map(family => store.get(popular, family as 4 | 6, Infinity, () => 0, 0))).to.deep.equal(before)
  })
})
