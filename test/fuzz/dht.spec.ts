import { expect } from 'chai'
import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeError, encodeQuery, encodeResponse, parseKrpc } from '../../lib/discovery/dht/krpc.js'
import { Dht } from '../../lib/discovery/dht/dht.js'
import { asNodeId, type NodeId } from '../../lib/discovery/dht/node-id.js'
import { encodeSavedNodes, parseSavedNodes } from '../../lib/discovery/dht/saved-nodes.js'
import { parseHostPort } from '../../lib/discovery/host-port.js'
import { DHT_MAX_DATAGRAM, DHT_MAX_TOKEN_BYTES, DHT_MAX_VALUES } from '../../lib/limits.js'
import { decode, encode } from '../../lib/metainfo/bencode.js'
import { NameLookup } from '../../lib/transport/name-lookup.js'
import type { DatagramHandler } from '../../lib/transport/udp-socket.js'
import { conformanceDir } from '../support/conformance.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'
import { VirtualClock } from '../support/virtual-clock.js'

function idOf(byte: number): NodeId {
  const id = asNodeId(Buffer.alloc(20, byte))
  if (!id) throw new Error('20 bytes are an id')
  return id
}

const t = Buffer.from('aa')
const target = idOf(7)
const token = Buffer.from('token')
const address = { host: '1.2.3.4', port: 5 }
const contacts = [
  { id: idOf(2), address },
  { id: idOf(3), address: { host: '2600::1', port: 6 } }
]

const questions = [
  encodeQuery(t, idOf(1), { method: 'ping' }, false),
  encodeQuery(t, idOf(1), { method: 'find_node', target, want: [4, 6] }, true),
  encodeQuery(t, idOf(1), { method: 'get_peers', target, want: [4], scrape: true }, false),
  encodeQuery(t, idOf(1), { method: 'announce_peer', target, port: 9, impliedPort: false, token, isSeed: true }, false)
]
const filters = { seeds: Buffer.alloc(256, 1), peers: Buffer.alloc(256) }
const answers = [
  encodeResponse(t, idOf(1), { contacts, peers: [address, { host: '2600::2', port: 7 }], token, filters }, address),
  encodeError(t, 203, 'no')
]

/** Four datagrams that end other programs, and their kind: a number where bytes are expected, and the reverse. */
const deadly = [
  { a: { id: idOf(1), info_hash: 1 }, q: 'get_peers', t, y: 'q' },
  { a: { id: idOf(1), target: 1 }, q: 'find_node', t, y: 'q' },
  { a: { id: idOf(1), target: 1 }, q: 'get', t, y: 'q' },
  { a: { id: idOf(1), info_hash: target, port: 1, token: 1 }, q: 'announce_peer', t, y: 'q' },
  { a: { id: 1 }, q: 1, t: 1, y: 'q' },
  { a: [], q: 'ping', t, y: 'q' },
  { r: { id: idOf(1), nodes: 1, values: 1, token: 1 }, ip: 1, t, y: 'r' },
  { r: { id: idOf(1), values: [1, [], {}, ''] }, t, y: 'r' },
  { e: 1, t, y: 'e' },
  { e: [[], {}], t, y: 'e' }
].map(message => encode(message))

function recorded(): Buffer[] {
  const dir = conformanceDir()
  if (dir === undefined) return []
  const packets = join(dir, 'packets')
  const names = readdirSync(packets).filter(name => /^(?:find_node|get_peers)/.test(name))
  return names.map(name => readFileSync(join(packets, name)))
}

/** A node whose datagrams go nowhere. */
function quietNode() {
  let hear: DatagramHandler = () => false
  const sent: { datagram: Buffer; to: string }[] = []
  const port = {
    handle: (given: DatagramHandler) => {
      hear = given
      return () => undefined
    },
    send: (datagram: Uint8Array, to: { host: string }) => {
      sent.push({ datagram: Buffer.from(datagram), to: to.host })
      return Promise.resolve()
    }
  }
  const clock = new VirtualClock()
  let count = 0
  const randomBytes = (length: number): Buffer => Buffer.alloc(length, ++count)
  const options = { families: [4, 6] as const, bootstrap: [], readOnly: false, sharesNetworks: false }
  const dht = new Dht({ port, clock, randomBytes, names: new NameLookup({ clock }), ...options })
  dht.start()
  return { dht, hear, sent }
}

function withTransaction(datagram: Buffer, transaction: Buffer): Buffer {
  const at = datagram.indexOf('1:t2:aa')
  if (at < 0) return datagram
  const name = Buffer.concat([Buffer.from(`1:t${transaction.length}:`), transaction])
  return Buffer.concat([datagram.subarray(0, at), name, datagram.subarray(at + 7)])
}

describe('fuzz: the DHT', () => {
  const datagrams = fc.oneof(
    damaged([...questions, ...answers, ...deadly, ...recorded()]),
    fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes))
  )

  it('a datagram is a message within its limits, or none', async () => {
    await fuzz(
      fc.property(datagrams, datagram => {
        const message = parseKrpc(datagram)
        if (!message) return
        expect(message.transaction.length).to.be.at.most(32)
        if (message.type === 'error') expect(message.message).to.match(/^\P{Cc}*$/u)
        if (message.type === 'query' && message.question.method === 'announce_peer')
          expect(message.question.token.length).to.be.at.most(DHT_MAX_TOKEN_BYTES)
        if (message.type !== 'response') return
        expect(message.contacts.length).to.be.at.most(2 * DHT_MAX_VALUES)
        expect(message.peers.length).to.be.at.most(DHT_MAX_VALUES)
        for (const { port } of [...message.peers, ...message.contacts.map(contact => contact.address)])
          expect(port).to.be.within(1, 65_535)
      }),
      2000
    )
  })

  it('a node hears anything from anybody, and answers only whoever asked', async () => {
    const hosts = fc.constantFrom('1.2.3.4', '8.8.8.8', '2600::1', '2a00::9', '9.9.9.9')
    const heardBy = fc.array(fc.tuple(datagrams, hosts, fc.boolean()), { minLength: 1, maxLength: 8 })
    await fuzz(
      fc.property(heardBy, heard => {
        const { dht, hear, sent } = quietNode()
        dht.addNodes([{ host: '8.8.8.8', port: 6881 }])
        const asked = new Map<string, Buffer>()
        for (const [datagram, host, isAnswer] of heard) {
          for (const { to, datagram: said } of sent.splice(0)) asked.set(to, said)
          const question = asked.get(host)
          const transaction = question && decode(question).value.get('t')?.bytes
          // A damaged answer with the name of a question that was asked.
          const named = isAnswer && transaction ? withTransaction(datagram, transaction) : datagram
          expect(hear(named, { host, port: 6881 })).to.equal(named[0] === 0x64)
          for (const { to, datagram: said } of sent) {
            if (parseKrpc(said)?.type !== 'query') expect(to).to.equal(host)
            expect(said.length).to.be.at.most(DHT_MAX_DATAGRAM)
          }
        }
        dht.close()
      }),
      1000
    )
  })

  it('a file of nodes holds some, or none', async () => {
    const file = encodeSavedNodes({ ids: new Map([[4, idOf(1)]]), contacts })
    await fuzz(
      fc.property(damaged([file]), bytes => {
        const { ids, contacts: nodes } = parseSavedNodes(bytes)
        for (const id of ids.values()) expect(id).to.have.length(20)
        for (const node of nodes) expect(node.address.port).to.be.within(1, 65_535)
      }),
      1000
    )
  })

  it('a text names a node, or none', async () => {
    const texts = fc.string({ unit: fc.constantFrom(...Array.from('[]:.019afz-_ \n%/'), '::', ':80'), maxLength: 30 })
    await fuzz(
      fc.property(texts, text => {
        const node = parseHostPort(text)
        if (node) expect(node.host).to.match(/^[^\s[\]/]+$/)
      }),
      1000
    )
  })
})
