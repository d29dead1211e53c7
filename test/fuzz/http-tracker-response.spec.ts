import { expect } from 'chai'
import fc from 'fast-check'
import { parseAnnounceResponse, parseScrapeResponse } from '../../lib/discovery/tracker/http-response.js'
import { TrackerError } from '../../lib/errors.js'
import { encode } from '../../lib/metainfo/bencode.js'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import { formatPeerAddress, parsePeerAddress } from '../../lib/wire/peer-address.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'

const hash = asInfoHash(Buffer.alloc(20, 0x61))
const SEEDS = [
  encode({
    complete: 3,
    'external ip': Buffer.from([1, 2, 3, 4]),
    interval: 1800,
    'min interval': 60,
    peers: Buffer.from('010203041ae1050607081ae1', 'hex'),
    peers6: Buffer.alloc(36, 0x20),
    'tracker id': 'id',
    'warning message': 'careful'
  }),
  encode({
    interval: 1,
    peers: [
      { ip: '1.2.3.4', port: 6881 },
      { ip: 'name.example', port: 1 },
      { ip: '::1', port: 2 }
    ]
  }),
  encode({ 'failure reason': 'no such torrent', 'retry in': 'never' }),
  encode({ files: { [hash.toString('latin1')]: { complete: 1, downloaded: 2, incomplete: 3 } } })
]

/** What `read` gives, or undefined for a proper refusal; anything else fails the test. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    expect(error).to.be.instanceOf(TrackerError)
    if (error instanceof Error) expect(error.message).not.to.match(/\p{Cc}/u)
    return undefined
  }
}

describe('fuzz: HTTP tracker answers', () => {
  it('give peers that can be dialled, or a TrackerError', async () => {
    const inputs = fc.oneof(
      damaged(SEEDS),
      fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))
    )
    await fuzz(
      fc.property(inputs, bytes => {
        const response = attempt(() => parseAnnounceResponse(bytes))
        for (const peer of response?.peers ?? []) expect(parsePeerAddress(formatPeerAddress(peer))).to.deep.equal(peer)
        for (const time of [response?.intervalMs, response?.minIntervalMs])
          if (time !== undefined) expect(time).above(0)
        attempt(() => parseScrapeResponse(bytes, [hash]))
      }),
      2000
    )
  })
})
