import { expect } from 'chai'
import { encodeResponse, parseKrpc } from '../../../lib/discovery/dht/krpc.js'
import { Rpc, type Outcome } from '../../../lib/discovery/dht/rpc.js'
import { Allowance } from '../../../lib/discovery/dht/traffic-limits.js'
import type { DatagramPort } from '../../../lib/transport/udp-socket.js'
import { EventClock } from '../../support/simulated-dht.js'
import { hostsOf, idOf, nodeAt } from './support.js'

describe('what a node of the internet answers', () => {
  it('is heard without nodes and peers of private networks, which would be our own', () => {
    const clock = new EventClock()
    const sent: Buffer[] = []
    const port: DatagramPort = {
      handle: () => () => undefined,
      send: datagram => {
        sent.push(Buffer.from(datagram))
        return Promise.resolve()
      }
    }
    const allowance = new Allowance(20, 0)
    const rpc = new Rpc({ port, clock, randomBytes: count => Buffer.alloc(count, 7), allowance, readOnly: false })
    for (const [host, expected] of [
      ['8.8.8.8', ['9.9.9.9']],
      ['10.0.0.1', ['9.9.9.9', '192.168.0.1']]
    ] as const) {
      let outcome: Outcome
      const to = { host, port: 1 }
      rpc.ask(idOf('aa'), to, { method: 'get_peers', target: idOf('bb') }, found => (outcome = found))
      const asked = parseKrpc(sent.pop()!)
      const answer = {
        contacts: [nodeAt('9.9.9.9', '01'), nodeAt('192.168.0.1', '02')],
        peers: [
          { host: '9.9.9.9', port: 2 },
          { host: '192.168.0.1', port: 2 }
        ]
      }
      const response = parseKrpc(encodeResponse(asked!.transaction, idOf('cc'), answer, to))
      if (response?.type !== 'response') throw new Error('no response')
      expect(rpc.onMessage(response, to)).to.equal(true)
      expect(hostsOf(outcome!.contacts)).to.deep.equal(expected)
      expect(outcome!.peers.map(peer => peer.host)).to.deep.equal(expected)
    }
    rpc.close()
  })
})
