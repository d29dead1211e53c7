import { expect } from 'chai'
import fc from 'fast-check'
import { bytesOfPeers, fitContacts, peersThatFit } from '../../../lib/discovery/dht/answer-room.js'
import { encodeResponse } from '../../../lib/discovery/dht/krpc.js'
import { idOf, nodeAt } from './support.js'

const to = { host: '1.2.3.4', port: 1 }
const empty = encodeResponse(Buffer.from('aa'), idOf('aa'), {}, to).length
const contact = fc
  .record({ n: fc.nat(255), isIpv6: fc.boolean() })
  .map(({ n, isIpv6 }) => nodeAt(isIpv6 ? `2600::${n + 1}` : `8.8.8.${n}`, 'ab'))

describe('the room of an answer', () => {
  it('is never exceeded by the nodes that fit, and would be by one more', () => {
    fc.assert(
      fc.property(fc.array(contact, { maxLength: 16 }), fc.nat(700), (contacts, room) => {
        const { contacts: fitting, left } = fitContacts(contacts, room)
        const bytes = encodeResponse(Buffer.from('aa'), idOf('aa'), { contacts: fitting }, to).length - empty
        // A shorter number before the nodes of each family leaves a byte.
        expect(room - left - bytes).to.be.within(0, 2)
        expect(left).to.be.at.least(0)
        if (fitting.length < contacts.length) expect(left).to.be.below(38 + '6:nodes6999:'.length)
      })
    )
  })

  it('is never exceeded by the peers that fit, and would be by one more', () => {
    for (const [family, host] of [
      [4, '8.8.8.8'],
      [6, '2600::8']
    ] as const) {
      const length = (count: number): number => {
        const peers = Array.from({ length: count }, (_, i) => ({ host, port: i + 1 }))
        return encodeResponse(Buffer.from('aa'), idOf('aa'), { peers }, to).length - empty
      }
      for (let room = 0; room < 500; room++) {
        const count = peersThatFit(room, family)
        expect(length(count)).to.equal(bytesOfPeers(count, family))
        expect(length(count)).to.be.at.most(room)
        expect(length(count + 1)).to.be.above(room)
      }
    }
  })
})
