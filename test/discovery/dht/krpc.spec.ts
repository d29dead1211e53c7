import { expect } from 'chai'
import fc from 'fast-check'
import {
  encodeError,
  encodeQuery,
  encodeResponse,
  ERRORS,
  parseKrpc,
  type KrpcMessage,
  type Question
} from '../../../lib/discovery/dht/krpc.js'
import {
  DHT_MAX_DATAGRAM,
  DHT_MAX_DEPTH,
  DHT_MAX_TOKENS,
  DHT_MAX_TOKEN_BYTES,
  DHT_MAX_VALUES
} from '../../../lib/limits.js'
import { encode, type Encodable } from '../../../lib/metainfo/bencode.js'
import { conformancePacket } from '../../support/conformance.js'
import { hostsOf, idOf, nodeAt } from './support.js'

const transaction = Buffer.from('aa')
const me = { host: '9.8.7.6', port: 6881 }
const [id, target] = [Buffer.from('abcdefghij0123456789'), Buffer.from('mnopqrstuvwxyz123456')]
const asker = idOf(id.toString('hex'))
const wanted = idOf(target.toString('hex'))

const parse = (root: Encodable): KrpcMessage | undefined => parseKrpc(encode(root))
const query = (q: Encodable, a: Encodable, more = {}) => parse({ a, q, t: 'aa', y: 'q', ...more })
const response = (r: Encodable, more = {}) => parse({ r, t: 'aa', y: 'r', ...more })
const questionOf = (message: KrpcMessage | undefined) => (message?.type === 'query' ? message.question : message?.type)
const answerOf = (message: KrpcMessage | undefined) => {
  if (message?.type !== 'response') throw new Error('no response')
  return message
}
const codeOf = (message: KrpcMessage | undefined) => (message?.type === 'fault' ? message.code : message?.type)

describe('KRPC: the examples of BEP 5', () => {
  const queries: readonly (readonly [Question, string])[] = [
    [{ method: 'ping' }, 'd1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe'],
    [
      { method: 'find_node', target: wanted },
      'd1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe'
    ],
    [
      { method: 'get_peers', target: wanted },
      'd1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe'
    ],
    [
      {
        method: 'announce_peer',
        target: wanted,
        port: 6881,
        impliedPort: true,
        token: Buffer.from('aoeusnth'),
        isSeed: false
      },
      'd1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe'
    ]
  ]
  for (const [question, text] of queries) {
    it(`${question.method} is written and read`, () => {
      expect(encodeQuery(transaction, asker, question, false).toString()).to.equal(text)
      const message = parseKrpc(Buffer.from(text))
      expect(message).to.deep.include({ type: 'query', transaction, id: asker, readOnly: false })
      expect(questionOf(message)).to.deep.include(question)
    })
  }

  it('answers are read', () => {
    const nodes = '12345678901234567890\u0001\u0002\u0003\u0004\u001a\u0061'
    const withNodes = Buffer.from(`d1:rd2:id20:0123456789abcdefghij5:nodes26:${nodes}e1:t2:aa1:y1:re`)
    expect(answerOf(parseKrpc(withNodes)).contacts).to.deep.equal([
      nodeAt('1.2.3.4', Buffer.from('12345678901234567890').toString('hex'), 0x1a61)
    ])
    const withPeers = 'd1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re'
    const { peers, token } = answerOf(parseKrpc(Buffer.from(withPeers)))
    expect(peers).to.deep.equal([
      { host: '97.120.106.101', port: 0x2e75 },
      { host: '105.100.104.116', port: 0x6e6d }
    ])
    expect(token?.toString()).to.equal('aoeusnth')
  })

  it('an error is read', () => {
    expect(parseKrpc(Buffer.from('d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee'))).to.deep.equal({
      type: 'error',
      transaction,
      code: 201,
      message: 'A Generic Error Ocurred'
    })
  })
})

describe('KRPC: recorded packets', () => {
  it('find_node_request.bin', function () {
    const question = questionOf(parseKrpc(conformancePacket(this, 'find_node_request.bin')))
    expect(question).to.deep.include({ method: 'find_node', target: idOf('bd7b477cfbcd10f30b705da20201e7101d8df155') })
  })

  for (const name of ['get_peers_request_0.bin', 'get_peers_request_1.bin']) {
    it(name, function () {
      const datagram = conformancePacket(this, name)
      const message = parseKrpc(datagram)
      expect(questionOf(message)).to.deep.include({
        method: 'get_peers',
        target: idOf('cab507494d02ebb1178b38f2e9d7be299c86b862')
      })
      if (message?.type !== 'query') return
      expect(encodeQuery(message.transaction, message.id, message.question, false)).to.deep.equal(datagram)
    })
  }

  for (const [name, count, first, seen] of [
    ['find_node_response_1.bin', 8, '92.190.54.11:51413', undefined],
    ['find_node_response_2.bin', 16, undefined, '8.26.180.64'],
    ['find_node_response_3.bin', 16, undefined, '8.26.180.64']
  ] as const) {
    it(name, function () {
      const answer = answerOf(parseKrpc(conformancePacket(this, name)))
      expect(answer.contacts).to.have.length(count)
      const [{ host, port }] = answer.contacts.map(({ address }) => address) as [{ host: string; port: number }]
      if (first !== undefined) expect(`${host}:${port}`).to.equal(first)
      expect(answer.seenAs).to.equal(seen)
    })
  }

  it('cut anywhere are nothing', function () {
    for (const name of ['find_node_request.bin', 'get_peers_request_0.bin', 'find_node_response_2.bin']) {
      const datagram = conformancePacket(this, name)
      for (let length = 0; length < datagram.length; length++)
        expect(parseKrpc(datagram.subarray(0, length)), `${name}, ${length}`).to.equal(undefined)
      expect(parseKrpc(Buffer.concat([datagram, Buffer.from('e')]))).to.equal(undefined)
    }
  })
})

describe('KRPC: datagrams that have killed others', () => {
  it('get_peers with an integer for its info_hash', () => {
    expect(codeOf(query('get_peers', { id, info_hash: 1 }))).to.equal(ERRORS.protocol)
  })
  it('find_node with an integer for its target', () => {
    expect(codeOf(query('find_node', { id, target: 1 }))).to.equal(ERRORS.protocol)
  })
  it('get (BEP 44) with an integer for its target', () => {
    expect(codeOf(query('get', { id, target: 1 }))).to.equal(ERRORS.unknownMethod)
  })
  it('announce_peer with an integer for its token', () => {
    expect(codeOf(query('announce_peer', { id, info_hash: target, port: 1, token: 1 }))).to.equal(ERRORS.protocol)
  })

  const others: readonly Encodable[] = [
    0,
    -1,
    '',
    'x',
    [],
    ['x'],
    [[]],
    {},
    { x: 1 },
    Buffer.alloc(19),
    Buffer.alloc(21)
  ]
  const messages: Readonly<Record<string, Encodable>> = {
    ping: { a: { id }, q: 'ping', ro: 1, t: 'aa', y: 'q' },
    find_node: { a: { id, target, want: ['n4'] }, q: 'find_node', t: 'aa', y: 'q' },
    get_peers: { a: { id, info_hash: target, scrape: 1, want: ['n6'] }, q: 'get_peers', t: 'aa', y: 'q' },
    announce_peer: {
      a: { id, implied_port: 1, info_hash: target, port: 1, seed: 1, token: 'x' },
      q: 'announce_peer',
      t: 'aa',
      y: 'q'
    },
    response: {
      ip: Buffer.alloc(6, 1),
      r: {
        BFpe: Buffer.alloc(256),
        BFsd: Buffer.alloc(256),
        id,
        nodes: Buffer.alloc(26, 1),
        nodes6: Buffer.alloc(38, 1),
        token: 'x',
        values: [Buffer.alloc(6, 1)]
      },
      t: 'aa',
      y: 'r'
    },
    error: { e: [201, 'x'], t: 'aa', y: 'e' }
  }
  for (const [name, message] of Object.entries(messages)) {
    it(`${name} with something else, or nothing, in any place`, () => {
      const places = placesOf(message)
      expect(places.length).to.be.at.least(3)
      for (const place of places) {
        for (const other of [...others, undefined]) {
          const datagram = encode(changed(message, place, other))
          const parsed = parseKrpc(datagram)
          // What is still an answer or a question has its parts.
          if (parsed?.type === 'query' || parsed?.type === 'response') expect(parsed.id).to.have.length(20)
          if (parsed) expect(parsed.transaction.length).to.be.at.most(32)
        }
      }
    })
  }
})

describe('KRPC: what a query asks', () => {
  it('has an id of 20 bytes, or is worth error 203', () => {
    for (const bad of [undefined, 1, '', Buffer.alloc(19), Buffer.alloc(21), []])
      expect(codeOf(query('ping', { id: bad }))).to.equal(ERRORS.protocol)
    expect(codeOf(query('ping', 'x'))).to.equal(ERRORS.protocol)
  })

  it('is worth error 204 when nobody knows the method, and nothing when there is none', () => {
    for (const method of ['', 'put', 'vote', 'sample_infohashes', 'toString', '__proto__'])
      expect(codeOf(query(method, { id })), method).to.equal(ERRORS.unknownMethod)
    expect(query(7, { id })).to.equal(undefined)
    expect(query(['ping'], { id })).to.equal(undefined)
  })

  it('says who wants which nodes (BEP 32)', () => {
    const want = (value: Encodable) =>
      (questionOf(query('find_node', { id, target, want: value })) as { want?: unknown }).want
    expect(want(['n4'])).to.deep.equal([4])
    expect(want(['n6', 'n4', 'n6'])).to.deep.equal([4, 6])
    for (const none of [[], ['x', 4], 'n4', 4, { n4: 1 }, ['N4']]) expect(want(none)).to.equal(undefined)
  })

  it('names a port from 1 to 65535, or means the one it came from', () => {
    const announced = (port: Encodable | undefined, implied?: Encodable) =>
      query('announce_peer', { id, implied_port: implied, info_hash: target, port, token: 'x' })
    expect(questionOf(announced(1))).to.deep.include({ port: 1, impliedPort: false })
    expect(questionOf(announced(65_535, 0))).to.deep.include({ port: 65_535, impliedPort: false })
    for (const port of [0, -1, 65_536, 2 ** 40, 'x', undefined, 2n ** 62n])
      expect(codeOf(announced(port)), String(port)).to.equal(ERRORS.protocol)
    for (const port of [0, 1, undefined, 'x'])
      expect(questionOf(announced(port, 1))).to.deep.include({ impliedPort: true })
  })

  it(`has a token of ${DHT_MAX_TOKEN_BYTES} bytes at most`, () => {
    const announced = (token: Encodable) => query('announce_peer', { id, info_hash: target, port: 1, token })
    expect(questionOf(announced(Buffer.alloc(DHT_MAX_TOKEN_BYTES)))).to.have.property('token')
    expect(codeOf(announced(Buffer.alloc(DHT_MAX_TOKEN_BYTES + 1)))).to.equal(ERRORS.protocol)
  })

  it('tells of seeds and scrapes (BEP 33), and of who answers nobody (BEP 43)', () => {
    expect(questionOf(query('get_peers', { id, info_hash: target, scrape: 1 }))).to.include({ scrape: true })
    expect(questionOf(query('get_peers', { id, info_hash: target, scrape: 2 }))).to.include({ scrape: false })
    const announced = (seed: number) => query('announce_peer', { id, info_hash: target, port: 1, seed, token: 'x' })
    expect(questionOf(announced(1))).to.include({ isSeed: true })
    expect(questionOf(announced(0))).to.include({ isSeed: false })
    expect(query('ping', { id }, { ro: 1 })).to.include({ readOnly: true })
    expect(query('ping', { id }, { ro: 0 })).to.include({ readOnly: false })
  })

  it('is written so that it reads the same', () => {
    const twenty = fc
      .uint8Array({ minLength: 20, maxLength: 20 })
      .map(bytes => idOf(Buffer.from(bytes).toString('hex')))
    const want = fc.constantFrom(undefined, [4] as const, [6] as const, [4, 6] as const)
    const questions = fc.oneof(
      fc.constant<Question>({ method: 'ping' }),
      fc.record({ method: fc.constant('find_node' as const), target: twenty, want }),
      fc.record({ method: fc.constant('get_peers' as const), target: twenty, want, scrape: fc.boolean() }),
      fc.record({
        method: fc.constant('announce_peer' as const),
        target: twenty,
        port: fc.integer({ min: 1, max: 65_535 }),
        impliedPort: fc.boolean(),
        token: fc.uint8Array({ maxLength: DHT_MAX_TOKEN_BYTES }).map(bytes => Buffer.from(bytes)),
        isSeed: fc.boolean()
      })
    )
    fc.assert(
      fc.property(questions, twenty, fc.boolean(), (question, from, readOnly) => {
        const message = parseKrpc(encodeQuery(transaction, from, question, readOnly))
        expect(message).to.deep.equal({ type: 'query', transaction, id: from, readOnly, question })
      })
    )
  })
})

describe('KRPC: what a response holds', () => {
  it('has an id of 20 bytes', () => {
    for (const bad of [undefined, 1, Buffer.alloc(19), Buffer.alloc(21)])
      expect(response({ id: bad })).to.equal(undefined)
    expect(response([])).to.equal(undefined)
    expect(response({ id })).to.deep.include({ type: 'response', contacts: [], peers: [] })
  })

  it('has whole nodes, or is none', () => {
    for (const length of [0, 26, 52]) expect(response({ id, nodes: Buffer.alloc(length, 1) })).not.to.equal(undefined)
    for (const length of [1, 25, 27, 38, 51])
      expect(response({ id, nodes: Buffer.alloc(length, 1) })).to.equal(undefined)
    for (const length of [1, 26, 37, 39]) expect(response({ id, nodes6: Buffer.alloc(length, 1) })).to.equal(undefined)
  })

  it('has peers of either family among its values, and nothing else', () => {
    const values = [
      Buffer.from('010203041ae1', 'hex'),
      Buffer.from('20010db8000000000000000000000001' + '1ae1', 'hex'),
      Buffer.from('010203040000', 'hex'),
      Buffer.from('e00000011ae1', 'hex'),
      Buffer.alloc(7),
      Buffer.alloc(0),
      1,
      [],
      {}
    ]
    expect(answerOf(response({ id, values })).peers).to.deep.equal([
      { host: '1.2.3.4', port: 6881 },
      { host: '2001:db8::1', port: 6881 }
    ])
  })

  it(`has ${DHT_MAX_VALUES} peers at most`, () => {
    const values = Array.from({ length: DHT_MAX_VALUES + 1 }, (_, i) => Buffer.of(1, 2, i >> 8, i & 255, 1, 1))
    expect(answerOf(response({ id, values })).peers).to.have.length(DHT_MAX_VALUES)
  })

  it('has its token or, when that is too long, none', () => {
    const tokenOf = (token: Encodable) => answerOf(response({ id, token })).token
    expect(tokenOf(Buffer.alloc(DHT_MAX_TOKEN_BYTES))).to.have.length(DHT_MAX_TOKEN_BYTES)
    expect(tokenOf(Buffer.alloc(DHT_MAX_TOKEN_BYTES + 1))).to.equal(undefined)
    expect(tokenOf(1)).to.equal(undefined)
  })

  it('has Bloom filters of 256 bytes, both or none', () => {
    const filter = Buffer.alloc(256, 1)
    expect(answerOf(response({ id, BFsd: filter, BFpe: filter })).filters).to.deep.equal({
      seeds: filter,
      peers: filter
    })
    for (const bad of [undefined, 1, Buffer.alloc(255), Buffer.alloc(257)]) {
      expect(answerOf(response({ id, BFsd: filter, BFpe: bad })).filters).to.equal(undefined)
      expect(answerOf(response({ id, BFsd: bad, BFpe: filter })).filters).to.equal(undefined)
    }
  })

  it('says as whom it sees us (BEP 42)', () => {
    const seen = (hex: string) => answerOf(response({ id }, { ip: Buffer.from(hex, 'hex') })).seenAs
    expect(seen('010203041ae1')).to.equal('1.2.3.4')
    expect(seen('20010db8000000000000000000000001' + '1ae1')).to.equal('2001:db8::1')
    for (const hex of ['', '01020304', '010203041ae100', '20010db8000000000000000000000001'])
      expect(seen(hex)).to.equal(undefined)
  })

  it('is written so that it reads the same', () => {
    const contacts = [nodeAt('1.2.3.4', 'aa'), nodeAt('2001:db8::1', 'bb'), nodeAt('5.6.7.8', 'cc')]
    const peers = [
      { host: '1.2.3.4', port: 1 },
      { host: '2001:db8::2', port: 65_535 }
    ]
    const filters = { seeds: Buffer.alloc(256, 1), peers: Buffer.alloc(256, 2) }
    const token = Buffer.from('token')
    const answer = answerOf(parseKrpc(encodeResponse(transaction, asker, { contacts, peers, token, filters }, me)))
    expect(hostsOf(answer.contacts)).to.deep.equal(['1.2.3.4', '5.6.7.8', '2001:db8::1'])
    expect(answer).to.deep.include({ transaction, id: asker, peers, token, filters, seenAs: me.host })
  })
})

describe('KRPC: errors', () => {
  it('are written so that they read the same', () => {
    expect(encodeError(transaction, 203, 'no').toString()).to.equal('d1:eli203e2:noe1:t2:aa1:y1:ee')
    expect(parseKrpc(encodeError(transaction, 203, 'no'))).to.deep.equal({
      type: 'error',
      transaction,
      code: 203,
      message: 'no'
    })
  })

  it('are errors however odd, with a text that is short and clean', () => {
    for (const e of [undefined, 1, 'x', [], ['x', 1], {}, [1], [2n ** 62n, 'x']])
      expect(parse({ e, t: 'aa', y: 'e' })).to.include({ type: 'error' })
    const text = parse({ e: [1, `\u001b[2J\u202e${'x'.repeat(999)}`], t: 'aa', y: 'e' })
    expect(text).to.include({ message: `[2J${'x'.repeat(93)}` })
  })
})

describe('KRPC: limits', () => {
  it('a transaction has 32 bytes at most, and any content', () => {
    for (const length of [0, 1, 32]) {
      const t = Buffer.alloc(length, 0xff)
      expect(parse({ a: { id }, q: 'ping', t, y: 'q' })?.transaction).to.deep.equal(t)
    }
    expect(parse({ a: { id }, q: 'ping', t: Buffer.alloc(33), y: 'q' })).to.equal(undefined)
    expect(parse({ a: { id }, q: 'ping', t: 1, y: 'q' })).to.equal(undefined)
    expect(parse({ a: { id }, q: 'ping', y: 'q' })).to.equal(undefined)
  })

  it('only q, r and e are messages', () => {
    for (const y of ['', 'x', 'qq', 1, [], undefined])
      expect(parse({ a: { id }, q: 'ping', t: 'aa', y })).to.equal(undefined)
    for (const root of [1, 'd', [], {}, ['q']]) expect(parse(root)).to.equal(undefined)
  })

  it(`a datagram has ${DHT_MAX_DATAGRAM} bytes at most`, () => {
    const ofLength = (length: number): Buffer => {
      const empty = encode({ a: { id }, q: 'ping', t: 'aa', y: 'q', z: Buffer.alloc(1000) }).length - 1000
      return encode({ a: { id }, q: 'ping', t: 'aa', y: 'q', z: Buffer.alloc(length - empty) })
    }
    expect(ofLength(DHT_MAX_DATAGRAM)).to.have.length(DHT_MAX_DATAGRAM)
    expect(parseKrpc(ofLength(DHT_MAX_DATAGRAM))).not.to.equal(undefined)
    expect(parseKrpc(ofLength(DHT_MAX_DATAGRAM + 1))).to.equal(undefined)
  })

  it(`values are nested ${DHT_MAX_DEPTH} deep and ${DHT_MAX_TOKENS} in all at most`, () => {
    const nested = (depth: number): Encodable => (depth === 0 ? 1 : [nested(depth - 1)])
    const withMore = (z: Encodable) => parse({ a: { id }, q: 'ping', t: 'aa', y: 'q', z })
    expect(withMore(nested(DHT_MAX_DEPTH - 1))).not.to.equal(undefined)
    expect(withMore(nested(DHT_MAX_DEPTH))).to.equal(undefined)
    // The message itself has 13: the dictionary, its five keys, four other values; the arguments, their key and value; and the list.
    const list = (count: number): Encodable => Array.from({ length: count }, () => 1)
    expect(withMore(list(DHT_MAX_TOKENS - 14))).not.to.equal(undefined)
    expect(withMore(list(DHT_MAX_TOKENS))).to.equal(undefined)
  })

  it('keeps no view on the datagram, which may be written over', () => {
    const datagram = encodeQuery(
      transaction,
      asker,
      {
        method: 'announce_peer',
        target: wanted,
        port: 1,
        impliedPort: false,
        token: Buffer.from('xyz'),
        isSeed: false
      },
      false
    )
    const message = parseKrpc(datagram)
    const before = JSON.stringify(message)
    datagram.fill(0)
    expect(JSON.stringify(message)).to.equal(before)
  })
})

/** The way to each value of a message: keys, and places of lists. */
function placesOf(value: Encodable, place: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (Array.isArray(value)) return [place, ...value.flatMap((each, i) => placesOf(each as Encodable, [...place, i]))]
  if (typeof value !== 'object' || Buffer.isBuffer(value)) return [place]
  return [place, ...Object.entries(value).flatMap(([key, each]) => placesOf(each as Encodable, [...place, key]))]
}

/** With something else there; undefined takes a value out, or makes it an empty text where that cannot be. */
function changed(
  value: Encodable,
  [first, ...rest]: readonly (string | number)[],
  other: Encodable | undefined
): Encodable {
  if (first === undefined) return other ?? ''
  const entries = Object.entries(value as Record<string, Encodable>).flatMap(([key, each]) => {
    if (key !== String(first)) return [[key, each] as const]
    if (rest.length === 0 && other === undefined) return []
    return [[key, changed(each, rest, other)] as const]
  })
  return Array.isArray(value) ? entries.map(([, each]) => each) : Object.fromEntries(entries)
}
