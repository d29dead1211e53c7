import { expect } from 'chai'
import { crc32c, peerPriority } from '../../lib/policy/peer-priority.js'
import { conformanceVectors } from '../support/conformance.js'

describe('peer priority (BEP 40)', () => {
  it('is the example of the BEP, whoever computes it', () => {
    const [a, b] = [
      { host: '123.213.32.10', port: 0 },
      { host: '98.76.54.32', port: 0 }
    ]
    expect(peerPriority(a, b)).to.equal(0xec2d7224)
    expect(peerPriority(b, a)).to.equal(0xec2d7224)
  })

  it('hashes as CRC-32C does', () => expect(crc32c(Buffer.from('123456789'))).to.equal(0xe3069283))

  it('is 0 for two families', () =>
    expect(peerPriority({ host: '1.2.3.4', port: 1 }, { host: '::1', port: 1 })).to.equal(0))

  it('is as others compute it', function () {
    interface Vector {
      client: string
      client_port: number
      peer: string
      peer_port: number
      priority: string
      note?: string
    }
    for (const vector of conformanceVectors(this, 'bep40_canonical_priority') as Vector[]) {
      const [ours, theirs] = [
        { host: vector.client, port: vector.client_port },
        { host: vector.peer, port: vector.peer_port }
      ]
      // Where a client differs from the BEP, the BEP counts.
      const [, byText = vector.priority] = /by the BEP text the value is ([0-9a-f]{8})/.exec(vector.note ?? '') ?? []
      expect(peerPriority(ours, theirs).toString(16).padStart(8, '0'), JSON.stringify(vector)).to.equal(byText)
    }
  })
})
