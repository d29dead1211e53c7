import { expect } from 'chai'
import type { Contact, Family } from '../../../lib/discovery/dht/contact.js'
import { encodeQuery, ERRORS, parseKrpc, type Question } from '../../../lib/discovery/dht/krpc.js'
import { PeerStore } from '../../../lib/discovery/dht/peer-store.js'
import { ProvenHosts } from '../../../lib/discovery/dht/proven-hosts.js'
import { Responder } from '../../../lib/discovery/dht/responder.js'
import { Tokens } from '../../../lib/discovery/dht/tokens.js'
import {
  DHT_MAX_ANSWER_BYTES,
  DHT_MAX_ANSWER_RATIO,
  DHT_MAX_STORED_PEERS,
  DHT_PEER_MS,
  DHT_PROVEN_MS,
  DHT_TOKEN_MS,
  DHT_VALUES_TOLD
} from '../../../lib/limits.js'
import type { PeerAddress } from '../../../lib/wire/peer-address.js'
import { hostsOf, idOf, nodeAt } from './support.js'

const transaction = Buffer.from('aa')
const target = idOf('bb')
const asker = idOf('cc')
const ids = { 4: idOf('04'), 6: idOf('06') }
const from4: PeerAddress = { host: '1.2.3.4', port: 5000 }
const from6: PeerAddress = { host: '2001:db8::4', port: 5000 }
/** Both askers have shown that their addresses are their own, unless it is said that they have not. */
function setUp({ isProven = true } = {}) {
  const store = new PeerStore()
  let secrets = 0
  const tokens = new Tokens(() => Buffer.alloc(20, ++secrets), 0)
  const proven = new ProvenHosts()
  if (isProven) for (const { host } of [from4, from6]) proven.note(host, 0)
  const known: Record<Family, Contact[]> = {
    4: Array.from({ length: 8 }, (_, i) => nodeAt(`5.5.${i}.1`, `4${i}`)),
    6: Array.from({ length: 8 }, (_, i) => nodeAt(`2001:db8:${i + 1}::1`, `6${i}`))
  }
  const responder = new Responder({
    ownId: family => ids[family],
    closest: (_, family) => known[family],
    store,
    tokens,
    proven,
    random: () => 0
  })
  /** The datagram of a question, and what comes back. */
  const ask = (question: Question, from = from4, now = 0) => {
    const datagram = encodeQuery(transaction, asker, question, false)
    const message = parseKrpc(datagram)
    if (message?.type !== 'query' && message?.type !== 'fault') throw new Error('no query')
    const answer = responder.answer(message, { from, bytes: datagram.length, now })
    if (!answer) throw new Error('no answer')
    return { question: datagram, answer, message: parseKrpc(answer) }
  }
  const response = (question: Question, from = from4, now = 0) => {
    const { message } = ask(question, from, now)
    if (message?.type !== 'response') throw new Error(`not a response, but ${message?.type}`)
    return message
  }
  const announce = (
    token: Buffer,
    from = from4,
    now = 0,
    more: { port?: number; impliedPort?: boolean; isSeed?: boolean } = {}
  ) =>
    ask({ method: 'announce_peer', target, port: 7000, impliedPort: false, token, isSeed: false, ...more }, from, now)
  const tokenFor = (from = from4, now = 0) => response({ method: 'get_peers', target }, from, now).token!
  const stored = (family: Family = 4, now = 0) => store.get(target, family, Infinity, () => 0, now)
  return { store, proven, responder, ask, response, announce, tokenFor, stored }
}

function popular(options = {}) {
  const all = setUp(options)
  for (let i = 0; i < DHT_MAX_STORED_PEERS / 2; i++) {
    all.store.add(target, { host: `7.7.7.${i}`, port: 7 }, i % 2 === 0, 0)
    all.store.add(target, { host: `2001:db8::7:${i}`, port: 7 }, i % 2 === 0, 0)
  }
  return all
}

describe('answers to other nodes', () => {
  it('bear our id of the family, the name of the question, and how we see the asker', () => {
    const { response } = setUp()
    for (const [from, family] of [
      [from4, 4],
      [from6, 6]
    ] as const) {
      const answer = response({ method: 'ping' }, from)
      expect(answer).to.deep.include({ transaction, id: ids[family], seenAs: from.host, contacts: [], peers: [] })
      expect(answer.token).to.equal(undefined)
    }
  })

  it('tell nodes of the family that the question came by, or those that are wanted (BEP 32)', () => {
    const { response } = setUp()
    for (const method of ['find_node', 'get_peers'] as const) {
      const families = (from: PeerAddress, want?: readonly Family[]) =>
        hostsOf(response({ method, target, want }, from).contacts).map(host => (host.includes(':') ? 6 : 4))
      expect(new Set(families(from4))).to.deep.equal(new Set([4]))
      expect(new Set(families(from6))).to.deep.equal(new Set([6]))
      expect(new Set(families(from4, [6]))).to.deep.equal(new Set([6]))
      expect(families(from6, [4, 6])).to.have.length(16)
    }
  })

  it('tell peers of the family that the question came by', () => {
    const { response, store } = setUp()
    store.add(target, { host: '7.7.7.7', port: 7 }, false, 0)
    store.add(target, { host: '2001:db8::7', port: 7 }, false, 0)
    expect(hostsOfPeers(response({ method: 'get_peers', target }).peers)).to.deep.equal(['7.7.7.7'])
    expect(hostsOfPeers(response({ method: 'get_peers', target }, from6).peers)).to.deep.equal(['2001:db8::7'])
    expect(response({ method: 'get_peers', target: idOf('dd') }).peers).to.deep.equal([])
  })

  it('count peers in Bloom filters only when they are asked for them (BEP 33)', () => {
    const { response, store } = setUp()
    expect(response({ method: 'get_peers', target, scrape: true }).filters).to.equal(undefined)
    store.add(target, { host: '7.7.7.7', port: 7 }, true, 0)
    expect(response({ method: 'get_peers', target }).filters).to.equal(undefined)
    expect(response({ method: 'get_peers', target, scrape: true }).filters?.seeds).to.have.length(256)
  })

  it('to what makes no sense say so', () => {
    const { responder } = setUp()
    for (const [text, code] of [
      ['d1:q4:ping1:t2:aa1:y1:qe', ERRORS.protocol],
      ['d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q3:foo1:t2:aa1:y1:qe', ERRORS.unknownMethod]
    ] as const) {
      const message = parseKrpc(Buffer.from(text))
      if (message?.type !== 'fault') throw new Error('not a fault')
      const answer = responder.answer(message, { from: from4, bytes: text.length, now: 0 })
      expect(answer && parseKrpc(answer)).to.include({ type: 'error', code })
    }
  })
})

describe('announcements of other nodes', () => {
  it('are stored for who shows the token that it was given', () => {
    const { announce, tokenFor, stored } = setUp()
    expect(announce(tokenFor()).message).to.include({ type: 'response' })
    expect(stored()).to.deep.equal([{ host: from4.host, port: 7000 }])
  })

  it('are worth error 203 with any other token, and nothing is stored', () => {
    const { announce, tokenFor, stored, store } = setUp()
    const token = tokenFor()
    const bad = [Buffer.alloc(0), Buffer.alloc(8), token.subarray(1), Buffer.concat([token, token]), tokenFor(from6)]
    for (const each of bad) expect(announce(each).message).to.include({ type: 'error', code: 203 })
    expect(announce(token, { ...from4, host: '1.2.3.5' }).message).to.include({ type: 'error', code: 203 })
    expect(stored()).to.deep.equal([])
    expect(store.torrentCount).to.equal(0)
  })

  it('are worth error 203 with a token that is too old', () => {
    const { announce, tokenFor, stored } = setUp()
    const token = tokenFor()
    expect(announce(token, from4, 2 * DHT_TOKEN_MS).message).to.include({ type: 'error', code: 203 })
    expect(stored(4, 2 * DHT_TOKEN_MS)).to.deep.equal([])
  })

  it('may come from another port of the host', () => {
    const { announce, tokenFor, stored } = setUp()
    announce(tokenFor(), { ...from4, port: 5001 }, 0, { impliedPort: true })
    expect(stored()).to.deep.equal([{ host: from4.host, port: 5001 }])
  })

  it('with port 0 are an error, unless the port is implied', () => {
    const { announce, tokenFor, stored } = setUp()
    expect(announce(tokenFor(), from4, 0, { port: 0 }).message).to.include({ type: 'error', code: 203 })
    expect(stored()).to.deep.equal([])
    announce(tokenFor(), from4, 0, { port: 0, impliedPort: true })
    expect(stored()).to.deep.equal([{ host: from4.host, port: from4.port }])
  })

  it('are for the host they come from, and nobody else can be named', () => {
    const { announce, tokenFor, stored } = setUp()
    announce(tokenFor(from6), from6)
    expect(stored(4)).to.deep.equal([])
    expect(stored(6)).to.deep.equal([{ host: from6.host, port: 7000 }])
    expect(stored(6, DHT_PEER_MS)).to.deep.equal([])
  })

  it('of seeds are counted as seeds', () => {
    const { announce, tokenFor, response } = setUp()
    announce(tokenFor(), from4, 0, { isSeed: true })
    const { filters } = response({ method: 'get_peers', target, scrape: true })
    expect(filters?.seeds.some(byte => byte !== 0)).to.equal(true)
    expect(filters?.peers.every(byte => byte === 0)).to.equal(true)
  })
})

describe('the length of answers', () => {
  it('is hardly that of the question when there is nothing to tell', () => {
    const { ask } = setUp()
    for (const question of [
      { method: 'ping' },
      { method: 'announce_peer', target, port: 1, impliedPort: false, token: Buffer.alloc(8), isSeed: false }
    ] as const) {
      const { question: asked, answer } = ask(question)
      expect(answer.length).to.be.at.most(asked.length + 30)
    }
  })

  it('of nodes is four times that of the question at most', () => {
    const { ask } = setUp()
    for (const method of ['find_node', 'get_peers'] as const) {
      const { question, answer } = ask({ method, target })
      expect(answer.length, method).to.be.below(4 * question.length)
    }
  })

  for (const [name, from] of [
    ['IPv4', from4],
    ['IPv6', from6]
  ] as const) {
    it(`is ${DHT_MAX_ANSWER_BYTES} bytes at most, whatever is asked for by ${name}`, () => {
      const { ask } = popular()
      for (const want of [undefined, [4], [6], [4, 6]] as const) {
        for (const scrape of [false, true]) {
          const { answer, message } = ask({ method: 'get_peers', target, want, scrape }, from)
          expect(answer.length, `${String(want)} ${scrape}`).to.be.at.most(DHT_MAX_ANSWER_BYTES)
          if (message?.type !== 'response') throw new Error('no response')
          // What is needed is there: nodes to go on, a token, some peers.
          expect(message.contacts.length).to.be.at.least(8)
          expect(message.token).to.have.length(8)
          expect(message.peers.length).to.be.within(1, DHT_VALUES_TOLD)
          expect(message.filters !== undefined).to.equal(scrape)
        }
      }
    })
  }

  it(`of IPv4 tells ${DHT_VALUES_TOLD} peers`, () => {
    const { response } = popular()
    expect(response({ method: 'get_peers', target }).peers).to.have.length(DHT_VALUES_TOLD)
  })
})

describe('answers to who may have put the address of another on his question', () => {
  const wants = [undefined, [4], [6], [4, 6]] as const
  const askers = [
    ['IPv4', from4],
    ['IPv6', from6]
  ] as const

  it('are three times as long as the question at most, whatever is asked', () => {
    const { ask } = popular({ isProven: false })
    for (const [, from] of askers)
      for (const want of wants) {
        const questions: Question[] = [
          { method: 'ping' },
          { method: 'find_node', target, want },
          { method: 'get_peers', target, want },
          { method: 'get_peers', target: idOf('dd'), want },
          { method: 'get_peers', target, want, scrape: true },
          { method: 'announce_peer', target, port: 1, impliedPort: false, token: Buffer.alloc(8), isSeed: false }
        ]
        for (const question of questions) {
          const { question: asked, answer } = ask(question, from)
          expect(answer.length, `${question.method} ${String(want)}`).to.be.at.most(DHT_MAX_ANSWER_RATIO * asked.length)
        }
      }
  })

  for (const [name, from] of askers) {
    it(`have peers, a token and nodes to go on with, by ${name}`, () => {
      const { response } = popular({ isProven: false })
      const { peers, contacts, token } = response({ method: 'get_peers', target }, from)
      expect(peers.length).to.be.at.least(from === from4 ? 12 : 4)
      expect(contacts.length).to.be.at.least(from === from4 ? 3 : 2)
      expect(token).to.have.length(8)
    })
  }

  it('have nodes in place of peers when there are none', () => {
    const { response } = popular({ isProven: false })
    expect(response({ method: 'get_peers', target: idOf('dd') }).contacts).to.have.length.at.least(7)
    expect(response({ method: 'find_node', target }).contacts).to.have.length.at.least(7)
    expect(response({ method: 'find_node', target }, from6).contacts).to.have.length.at.least(5)
  })

  it('have nodes of both families when both are wanted', () => {
    const { response } = popular({ isProven: false })
    const hosts = hostsOf(response({ method: 'find_node', target, want: [4, 6] }).contacts)
    for (const isIpv6 of [false, true])
      expect(hosts.filter(host => host.includes(':') === isIpv6)).to.have.length.at.least(3)
  })

  it('are shorter by what else is sent there, and none when nothing is left', () => {
    const { responder } = popular({ isProven: false })
    const datagram = encodeQuery(transaction, asker, { method: 'find_node', target }, false)
    const message = parseKrpc(datagram)
    if (message?.type !== 'query') throw new Error('no query')
    const asked = { from: from4, bytes: datagram.length, now: 0 }
    const length = (alsoSentBytes: number) => responder.answer(message, { ...asked, alsoSentBytes })?.length
    expect(length(58)).to.be.at.most(3 * datagram.length - 58)
    expect(length(3 * datagram.length - 20)).to.equal(undefined)
  })

  it('are long once it gave back its token, for a quarter of an hour', () => {
    const { ask, announce, tokenFor, response } = popular({ isProven: false })
    expect(announce(Buffer.alloc(8)).message).to.include({ type: 'error' })
    expect(response({ method: 'get_peers', target }).peers).to.have.length.below(DHT_VALUES_TOLD)
    announce(tokenFor())
    const full = ask({ method: 'get_peers', target }, from4, DHT_PROVEN_MS - 1)
    expect(full.message).to.have.property('peers').with.length(DHT_VALUES_TOLD)
    const late = ask({ method: 'get_peers', target }, from4, DHT_PROVEN_MS)
    expect(late.answer.length).to.be.at.most(3 * late.question.length)
    expect(response({ method: 'get_peers', target }, { ...from4, host: '1.2.3.5' }).peers).to.have.length.below(20)
  })
})

function hostsOfPeers(peers: readonly PeerAddress[]): string[] {
  return peers.map(({ host }) => host)
}
