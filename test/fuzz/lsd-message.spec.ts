import { expect } from 'chai'
import fc from 'fast-check'
import { encodeLsdMessage, parseLsdMessage } from '../../lib/discovery/lsd-message.js'
import { LSD_MAX_HASHES } from '../../lib/limits.js'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'

const infoHashes = [1, 2].map(byte => asInfoHash(Buffer.alloc(20, byte)))
const message = encodeLsdMessage({ port: 6881, infoHashes, cookie: 'c' }, '239.192.152.143:6771')

describe('fuzz: announcements of local service discovery', () => {
  const lines = fc
    .array(
      fc.constantFrom('Port: 1', 'Port: 65536', 'Port:', `Infohash: ${'ab'.repeat(20)}`, 'cookie: x', ':', ' ', '\0'),
      { maxLength: 60 }
    )
    .map(each => Buffer.from(['BT-SEARCH * HTTP/1.1', ...each].join('\r\n')))
  const inputs = fc.oneof(
    damaged([message]),
    lines,
    fc.uint8Array({ maxLength: 1500 }).map(bytes => Buffer.from(bytes))
  )

  it('name a port and torrents, or are none', async () => {
    await fuzz(
      fc.property(inputs, datagram => {
        const heard = parseLsdMessage(datagram)
        if (!heard) return
        expect(heard.port).to.be.within(1, 65_535)
        expect(heard.infoHashes.length).to.be.within(1, LSD_MAX_HASHES)
        for (const infoHash of heard.infoHashes) expect(infoHash).to.have.length(20)
        expect(heard.cookie.length).to.be.at.most(64)
      }),
      2000
    )
  })
})
