import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAnnounceResponse, parseScrapeResponse } from '../../../lib/discovery/tracker/http-response.js'
import { TrackerRefusal } from '../../../lib/discovery/tracker/tracker-fault.js'
import { TrackerError } from '../../../lib/errors.js'
import { encode, type Encodable } from '../../../lib/metainfo/bencode.js'
import { asInfoHash } from '../../../lib/metainfo/info-hash.js'
import { formatPeerAddress } from '../../../lib/wire/peer-address.js'
import { conformanceDir } from '../../support/conformance.js'

const parse = (answer: Encodable) => parseAnnounceResponse(encode(answer))

function faultOf(body: Encodable | Buffer): TrackerError {
  try {
    parseAnnounceResponse(Buffer.isBuffer(body) ? body : encode(body))
  } catch (error) {
    if (error instanceof TrackerError) return error
    throw error
  }
  throw new Error('it should have thrown')
}

describe('parseAnnounceResponse', () => {
  it('reads every field', () => {
    const answer = {
      complete: 5,
      'external ip': Buffer.from([1, 2, 3, 4]),
      incomplete: 6,
      interval: 900,
      'min interval': 300,
      peers: Buffer.from('010203041ae1', 'hex'),
      peers6: Buffer.from('20010db80000000000000000000000011ae1', 'hex'),
      'tracker id': 'abc',
      'warning message': 'careful'
    }
    expect(parse(answer)).to.deep.equal({
      peers: [
        { host: '1.2.3.4', port: 6881 },
        { host: '2001:db8::1', port: 6881 }
      ],
      names: [],
      intervalMs: 900_000,
      minIntervalMs: 300_000,
      seeders: 5,
      leechers: 6,
      warning: 'careful',
      trackerId: Buffer.from('abc'),
      externalHost: '1.2.3.4'
    })
  })

  it('reads peers as dictionaries', () => {
    const peers = [
      { ip: '1.2.3.4', port: 1 },
      { ip: '2001:DB8::1', 'peer id': 'x', port: 2 },
      { ip: 'peer.example', port: 3 }
    ]
    const response = parse({ peers })
    expect(response.peers.map(formatPeerAddress)).to.deep.equal(['1.2.3.4:1', '[2001:db8::1]:2'])
    expect(response.names).to.deep.equal([{ name: 'peer.example', port: 3 }])
  })

  it('leaves out peers that are none', () => {
    const bad: Encodable[] = [
      { ip: '1.2.3.4', port: 0 },
      { ip: '1.2.3.4', port: -1 },
      { ip: '1.2.3.4', port: 65_536 },
      { ip: '1.2.3.4', port: 2n ** 62n },
      { ip: '1.2.3.4', port: '80' },
      { ip: '1.2.3.4' },
      { port: 80 },
      { ip: 80, port: 80 },
      { ip: '', port: 80 },
      { ip: 'a b', port: 80 },
      { ip: '\u001b[31m', port: 80 },
      { ip: 'x'.repeat(254), port: 80 },
      { ip: '0.0.0.0', port: 80 },
      { ip: '224.0.0.1', port: 80 },
      { ip: '255.255.255.255', port: 80 },
      'text',
      7,
      []
    ]
    const { peers, names } = parse({ peers: [...bad, { ip: '1.2.3.4', port: 80 }] })
    expect(peers.map(formatPeerAddress)).to.deep.equal(['1.2.3.4:80'])
    expect(names).to.deep.equal([])
  })

  it('counts a peer once that is listed in many ways', () => {
    const peers = Buffer.from('010203041ae1010203041ae1', 'hex')
    const peers6 = Buffer.from('00000000000000000000ffff010203041ae1', 'hex')
    expect(parse({ peers, peers6 }).peers.map(formatPeerAddress)).to.deep.equal(['1.2.3.4:6881'])
  })

  it('takes 2000 peers and 16 names at most', () => {
    const compact = (count: number) => {
      const bytes = Buffer.alloc(6 * count, 1)
      for (let at = 0; at < count; at++) bytes.writeUInt32BE(0x01000000 + at, 6 * at)
      return bytes
    }
    expect(parse({ peers: compact(1999) }).peers).to.have.length(1999)
    expect(parse({ peers: compact(2001) }).peers).to.have.length(2000)
    const entries = (count: number) => Array.from({ length: count }, () => ({ port: 1 }))
    const last = { ip: '1.2.3.4', port: 1 }
    expect(parse({ peers: [...entries(1999), last] }).peers).to.have.length(1)
    expect(parse({ peers: [...entries(2000), last] }).peers).to.have.length(0)
    const names = Array.from({ length: 17 }, (_, index) => ({ ip: `peer${index}`, port: 1 }))
    expect(parse({ peers: names.slice(1) }).names).to.have.length(16)
    expect(parse({ peers: names }).names).to.have.length(16)
  })

  it('takes no time from a tracker that names none that makes sense', () => {
    for (const interval of [0, -1, 2n ** 60n, 'soon']) {
      expect(parse({ interval, peers: '' }).intervalMs, String(interval)).to.equal(undefined)
    }
    expect(parse({ interval: 2 ** 40, peers: '' }).intervalMs).to.equal(2 ** 40 * 1000)
  })

  it('sends no enormous tracker id back', () => {
    expect(parse({ peers: '', 'tracker id': Buffer.alloc(256) }).trackerId).to.have.length(256)
    expect(parse({ peers: '', 'tracker id': Buffer.alloc(257) }).trackerId).to.equal(undefined)
  })

  it('keeps 256 bytes of what a tracker says', () => {
    expect(parse({ peers: '', 'warning message': 'é'.repeat(300) }).warning).to.equal('é'.repeat(128))
  })

  for (const [retry, milliseconds] of [
    ['never', Infinity],
    [5, 300_000],
    ['5', 300_000],
    [-5, undefined],
    ['x', undefined]
  ] as const) {
    it(`reads retry in ${retry} (BEP 31)`, () => {
      const error = faultOf({ 'failure reason': 'no', 'retry in': retry })
      expect(error).to.be.instanceOf(TrackerRefusal).with.property('retryAfterMs', milliseconds)
    })
  }

  it('refuses nesting beyond eight levels', () => {
    const nested = (depth: number) => Buffer.from(`d5:peers0:1:x${'l'.repeat(depth - 1)}${'e'.repeat(depth - 1)}e`)
    expect(parseAnnounceResponse(nested(8)).peers).to.deep.equal([])
    expect(faultOf(nested(9))).to.have.property('code', 'ERR_BT_TRACKER_RESPONSE')
  })

  it('reads 150,000 values and no more, so that no answer holds us up', () => {
    // The dictionary, two keys, the empty peers and the list are values too.
    const listOf = (items: number) => Buffer.from(`d5:peers0:1:xl${'le'.repeat(items)}ee`)
    expect(parseAnnounceResponse(listOf(149_995)).peers).to.deep.equal([])
    expect(faultOf(listOf(149_996))).to.have.property('code', 'ERR_BT_TRACKER_RESPONSE')
  })

  for (const body of ['', 'd', 'le', 'i1e', '0:', '<html>', 'de', 'd8:completei1ee']) {
    it(`finds no answer in "${body}"`, () => {
      expect(faultOf(Buffer.from(body))).to.have.property('code', 'ERR_BT_TRACKER_RESPONSE')
    })
  }

  describe('conformance', () => {
    const folder = conformanceDir()
    if (folder === undefined) {
      it('vectors.json http_tracker (conformance data is missing)')
      return
    }
    const { http_tracker: cases } = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8')) as {
      http_tracker: Record<string, string | number | string[] | undefined>[]
    }
    for (const { body, hex, peer_entry: entry, ...expected } of cases) {
      if (typeof entry === 'string') {
        it(`drops the peer ${entry} (${String(expected['error'])})`, () => {
          const bytes = Buffer.from(`d5:peersl${entry}${entry.endsWith('ee') ? '' : 'e'}ee`)
          const response = parseAnnounceResponse(bytes)
          expect([...response.peers, ...(response.names ?? [])]).to.deep.equal([])
        })
      } else if (typeof (body ?? hex) === 'string') {
        it(String(body ?? hex), () => check(Buffer.from(String(body ?? hex), body ? 'latin1' : 'hex'), expected))
      }
    }

    function check(bytes: Buffer, expected: Record<string, string | number | string[] | undefined>): void {
      if (expected['failure'] !== undefined) {
        expect(faultOf(bytes).message).to.equal(`the tracker refused: ${String(expected['failure'])}`)
        return
      }
      const { peers, names = [], ...response } = parseAnnounceResponse(bytes)
      const found = [...peers.map(formatPeerAddress), ...names.map(({ name, port }) => `${name}:${port}`)]
      // Differs on purpose: of a list with an incomplete entry the whole ones are kept.
      if (expected['error'] !== undefined) expect(found).to.have.length(1)
      if (expected['peers'] !== undefined) expect(found).to.deep.equal(expected['peers'])
      if (expected['interval'] !== undefined) expect(response.intervalMs).to.equal(Number(expected['interval']) * 1000)
      if (expected['min_interval'] !== undefined) expect(response.minIntervalMs).to.equal(10_000)
      if (expected['warning'] !== undefined) expect(response.warning).to.equal(expected['warning'])
      if (expected['external_ip'] !== undefined) expect(response.externalHost).to.equal(expected['external_ip'])
    }
  })
})

describe('parseScrapeResponse', () => {
  const a = asInfoHash(Buffer.alloc(20, 0xfe))
  const b = asInfoHash(Buffer.alloc(20, 0x01))

  it('finds each info-hash by its bytes', () => {
    const entry = encode({ complete: 1, downloaded: 2, incomplete: 3 })
    const body = Buffer.concat([Buffer.from('d5:filesd20:'), a, entry, Buffer.from('ee')])
    expect(parseScrapeResponse(body, [b, a])).to.deep.equal([undefined, { seeders: 1, completed: 2, leechers: 3 }])
  })

  it('refuses an answer without files', () => {
    expect(() => parseScrapeResponse(Buffer.from('de'), [a])).to.throw(TrackerError)
    expect(() => parseScrapeResponse(Buffer.from('d14:failure reason2:noe'), [a])).to.throw(TrackerRefusal)
  })
})
