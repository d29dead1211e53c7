import { expect } from 'chai'
import fc from 'fast-check'
import { ProtocolError } from '../../lib/errors.js'
import { MAX_PEX_PEERS } from '../../lib/limits.js'
import { encodeExtensionHandshake, parseExtensionHandshake } from '../../lib/wire/extension-handshake.js'
import { encodeMetadataMessage, METADATA_PIECE_LENGTH, parseMetadataMessage } from '../../lib/wire/metadata-message.js'
import { encodePexMessage, parsePexMessage } from '../../lib/wire/peer-exchange.js'
import { damaged, fuzzRuns } from '../support/mutation.js'

const handshake = encodeExtensionHandshake(
  {
    ids: { ut_metadata: 1, ut_pex: 2 },
    client: 'ü 1.0',
    port: 6881,
    maxRequests: 250,
    uploadOnly: true,
    metadataSize: 9
  },
  Buffer.of(1, 2, 3, 4)
)
const metadata = encodeMetadataMessage({ type: 'data', piece: 1, totalSize: 20_000, bytes: Buffer.from('some bytes') })
const request = encodeMetadataMessage({ type: 'request', piece: 3 })
const address = { host: '1.2.3.4', port: 5 }
const pex = encodePexMessage({
  added: [
    { address, isSeed: true, isReachable: true },
    { address: { host: '2600::1', port: 6 }, isSeed: false, isReachable: true }
  ],
  dropped: [address]
})

/** Ends well, or as the peer's fault. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

describe('fuzz: extension messages', () => {
  const inputs = (seed: Buffer): fc.Arbitrary<Buffer> =>
    fc.oneof(
      damaged([seed]),
      fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes))
    )

  it('handshakes have what is in range, or are refused', () => {
    fc.assert(
      fc.property(inputs(handshake), bytes => {
        const said = parsed(() => parseExtensionHandshake(bytes))
        if (!said) return
        for (const id of Object.values(said.ids)) expect(id).to.be.within(0, 255)
        expect(said.port ?? 1).to.be.within(1, 65_535)
        expect(said.client ?? 'x').to.match(/^[^\p{Cc}]+$/u)
      }),
      { numRuns: fuzzRuns(1000) }
    )
  })

  it('metadata is a piece, or is refused', () => {
    fc.assert(
      fc.property(fc.oneof(inputs(metadata), inputs(request)), bytes => {
        const message = parsed(() => parseMetadataMessage(bytes))
        if (!message) return
        expect(message.piece).to.be.at.least(0)
        if (message.type === 'data') expect(message.bytes.length).to.be.at.most(METADATA_PIECE_LENGTH + 1024)
      }),
      { numRuns: fuzzRuns(1000) }
    )
  })

  it('addresses can be dialled, and are few, or are refused', () => {
    fc.assert(
      fc.property(inputs(pex), bytes => {
        const message = parsed(() => parsePexMessage(bytes))
        if (!message) return
        expect(message.added.length).to.be.at.most(MAX_PEX_PEERS)
        for (const { address: each } of message.added) expect(each.port).to.be.within(1, 65_535)
      }),
      { numRuns: fuzzRuns(1000) }
    )
  })
})
