import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  encodeAnnounce,
  encodeConnect,
  encodeScrape,
  readAnnounce,
  readConnectionId,
  readError,
  readHead,
  readScrape
} from '../../../lib/discovery/tracker/udp-packets.js'
import { conformanceDir } from '../../support/conformance.js'
import { announceRequest, infoHash, peerId } from './support.js'

const connectionId = Buffer.from('0102030405060708', 'hex')

describe('UDP tracker datagrams', () => {
  it('connect is the 16 bytes of BEP 15', () => {
    expect(encodeConnect(0xaabbccdd).toString('hex')).to.equal('0000041727101980' + '00000000' + 'aabbccdd')
  })

  it('announce is the 98 bytes of BEP 15', () => {
    const datagram = encodeAnnounce(connectionId, 0xaabbccdd, announceRequest({ event: 'started' }))
    const fields = [
      '0102030405060708',
      '00000001',
      'aabbccdd',
      infoHash.toString('hex'),
      peerId.toString('hex'),
      '0000010000000000', // downloaded
      '0000000000000003', // left
      '0000000000000001', // uploaded
      '00000002', // started
      '00000000', // our address
      'deadbeef', // key
      '000000c8', // num_want
      '1ae1' // port
    ]
    expect(datagram.toString('hex')).to.equal(fields.join(''))
    expect(datagram).to.have.length(98)
  })

  it('URL data is split into options of 255 bytes (BEP 41)', () => {
    const options = (length: number) =>
      encodeAnnounce(connectionId, 1, announceRequest(), 'x'.repeat(length)).subarray(98)
    expect(options(0)).to.have.length(0)
    expect([...options(1)]).to.deep.equal([2, 1, 0x78])
    expect(options(255)).to.have.length(257)
    expect([...options(256).subarray(257)]).to.deep.equal([2, 1, 0x78])
  })

  it('scrape names its torrents', () => {
    const datagram = encodeScrape(connectionId, 0xaabbccdd, [infoHash, infoHash])
    const hash = infoHash.toString('hex')
    expect(datagram.toString('hex')).to.equal(`010203040506070800000002aabbccdd${hash}${hash}`)
  })

  for (const [action, shortest] of [
    [0, 16],
    [1, 20],
    [2, 8],
    [3, 8]
  ] as const) {
    it(`an answer with action ${action} has ${shortest} bytes at least`, () => {
      const datagram = Buffer.alloc(shortest)
      datagram.writeUInt32BE(action)
      datagram.writeUInt32BE(0xaabbccdd, 4)
      expect(readHead(datagram)).to.deep.equal({ action, transactionId: 0xaabbccdd })
      expect(readHead(datagram.subarray(0, shortest - 1))).to.equal(undefined)
    })
  }

  it('knows no other action', () => {
    expect(readHead(Buffer.from('0000000400000001'.padEnd(64, '0'), 'hex'))).to.equal(undefined)
    expect(readHead(Buffer.from('8000000100000001'.padEnd(64, '0'), 'hex'))).to.equal(undefined)
  })

  it('copies the connection id out of the datagram', () => {
    const datagram = Buffer.concat([Buffer.alloc(8), connectionId])
    const id = readConnectionId(datagram)
    datagram.fill(0)
    expect(id).to.deep.equal(connectionId)
  })

  it('reads peers of both families', () => {
    const head = '0000000100000001' + '00000708' + '00000002' + '00000003'
    const ipv4 = Buffer.from(`${head}010203041ae10000000000010102030400007f`, 'hex')
    expect(readAnnounce(ipv4, 4)).to.deep.equal({
      intervalMs: 1_800_000,
      leechers: 2,
      seeders: 3,
      peers: [{ host: '1.2.3.4', port: 6881 }]
    })
    const ipv6 = Buffer.from(`${head}200148600000000000000000000000011ae1`, 'hex')
    expect(readAnnounce(ipv6, 6).peers).to.deep.equal([{ host: '2001:4860::1', port: 6881 }])
  })

  it('takes 2000 peers at most', () => {
    expect(readAnnounce(Buffer.alloc(20 + 6 * 2001, 1), 4).peers).to.have.length(2000)
  })

  it('reads a scrape that is shorter than asked for', () => {
    const datagram = Buffer.from('0000000200000001' + '00000001' + '00000002' + '00000003' + '00000001', 'hex')
    expect(readScrape(datagram, 2)).to.deep.equal([{ seeders: 1, completed: 2, leechers: 3 }, undefined])
  })

  it('cuts and cleans the text of an error', () => {
    const datagram = Buffer.concat([Buffer.alloc(8), Buffer.from(`\u001b[2J${'x'.repeat(999)}`)])
    expect(readError(datagram)).to.match(/^\[2Jx{252}$/)
  })

  describe('conformance', () => {
    const folder = conformanceDir()
    if (folder === undefined) {
      it('udp-tracker-announce-response.bin (conformance data is missing)')
      return
    }
    it('reads a recorded announce answer', () => {
      const vectors = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8')) as {
        udp_tracker: { capture: string; first_bytes: Record<string, number | string> }
      }
      const { capture, first_bytes: expected } = vectors.udp_tracker
      const datagram = readFileSync(join(folder, capture))
      expect(readHead(datagram)).to.deep.equal({
        action: expected['action'],
        transactionId: Number.parseInt(String(expected['transaction_id']), 16)
      })
      const { peers, ...figures } = readAnnounce(datagram, 4)
      expect(figures).to.deep.equal({
        intervalMs: Number(expected['interval']) * 1000,
        leechers: expected['leechers'],
        seeders: expected['seeders']
      })
      expect(peers).to.have.length((datagram.length - 20) / 6)
      expect(peers[0]).to.deep.equal({ host: '46.0.63.105', port: 6881 })
    })
  })
})
