import { expect } from 'chai'
import fc from 'fast-check'
import { UdpTracker } from '../../lib/discovery/tracker/udp-tracker.js'
import {
  ACTIONS,
  readAnnounce,
  readConnectionId,
  readError,
  readHead,
  readScrape
} from '../../lib/discovery/tracker/udp-packets.js'
import { NameLookup } from '../../lib/transport/name-lookup.js'
import type { DatagramHandler } from '../../lib/transport/udp-socket.js'
import { formatPeerAddress, parsePeerAddress } from '../../lib/wire/peer-address.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'
import { VirtualClock } from '../support/virtual-clock.js'

const SEEDS = [
  Buffer.from('00000000aabbccdd0102030405060708', 'hex'),
  Buffer.from('00000001aabbccdd000007080000000200000003010203041ae1050607081ae1', 'hex'),
  Buffer.from('00000002aabbccdd000000010000000200000003', 'hex'),
  Buffer.from('00000003aabbccdd6e6f7065', 'hex')
]
const inputs = fc.oneof(
  damaged(SEEDS),
  fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes))
)

describe('fuzz: UDP tracker datagrams', () => {
  it('are read or passed over', async () => {
    await fuzz(
      fc.property(inputs, fc.constantFrom(4 as const, 6 as const), (datagram, family) => {
        switch (readHead(datagram)?.action) {
          case ACTIONS.connect:
            expect(readConnectionId(datagram)).to.have.length(8)
            break
          case ACTIONS.announce:
            for (const peer of readAnnounce(datagram, family).peers) {
              expect(parsePeerAddress(formatPeerAddress(peer))).to.deep.equal(peer)
            }
            break
          case ACTIONS.scrape:
            expect(readScrape(datagram, 3)).to.have.length(3)
            break
          case ACTIONS.error:
            expect(readError(datagram)).not.to.match(/\p{Cc}/u)
            break
          case undefined:
        }
      }),
      2000
    )
  })

  it('that nobody asked for are claimed by nobody', async () => {
    let handler: DatagramHandler = () => true
    const port = {
      handle: (given: DatagramHandler) => {
        handler = given
        return () => undefined
      },
      send: () => Promise.resolve()
    }
    const clock = new VirtualClock()
    new UdpTracker({ port, names: new NameLookup({ clock }), clock })
    await fuzz(
      fc.property(inputs, datagram => !handler(datagram, { host: '1.2.3.4', port: 1 })),
      500
    )
  })
})
