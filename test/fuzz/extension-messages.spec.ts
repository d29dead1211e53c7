import { expect } from 'chai'
import fc from 'fast-check'
import { ProtocolError } from '../../lib/errors.js'
import { MAX_PEX_PEERS } from '../../lib/limits.js'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import { PeerExtensions } from '../../lib/net/peer-extensions.js'
import type { ExtendedPeer, ExtensionHost } from '../../lib/net/peer-host.js'
import { IdleMessages } from '../../lib/policy/idle-messages.js'
import { encodeExtensionHandshake, parseExtensionHandshake } from '../../lib/wire/extension-handshake.js'
import { MetadataFetch } from '../../lib/wire/metadata-fetch.js'
import { encodeMetadataMessage, METADATA_PIECE_LENGTH, parseMetadataMessage } from '../../lib/wire/metadata-message.js'
import { encodePexMessage, parsePexMessage } from '../../lib/wire/peer-exchange.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'

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

  it('handshakes have what is in range, or are refused', async () => {
    await fuzz(
      fc.property(inputs(handshake), bytes => {
        const said = parsed(() => parseExtensionHandshake(bytes))
        if (!said) return
        for (const id of Object.values(said.ids)) expect(id).to.be.within(0, 255)
        expect(said.port ?? 1).to.be.within(1, 65_535)
        expect(said.client ?? 'x').to.match(/^[^\p{Cc}]+$/u)
      }),
      1000
    )
  })

  it('metadata is a piece, or is refused', async () => {
    await fuzz(
      fc.property(fc.oneof(inputs(metadata), inputs(request)), bytes => {
        const message = parsed(() => parseMetadataMessage(bytes))
        if (!message) return
        expect(message.piece).to.be.at.least(0)
        if (message.type === 'data') expect(message.bytes.length).to.be.at.most(METADATA_PIECE_LENGTH + 1024)
      }),
      1000
    )
  })

  it('addresses can be dialled, and are few, or are refused', async () => {
    await fuzz(
      fc.property(inputs(pex), bytes => {
        const message = parsed(() => parsePexMessage(bytes))
        if (!message) return
        expect(message.added.length).to.be.at.most(MAX_PEX_PEERS)
        for (const { address: each } of message.added) expect(each.port).to.be.within(1, 65_535)
      }),
      1000
    )
  })

  it('a whole conversation ends in answers, or as the fault of the peer', async () => {
    const speak = fc.array(
      fc.tuple(
        fc.constantFrom(0, 1, 2, 3, 255),
        fc.oneof(inputs(handshake), inputs(metadata), inputs(request), inputs(pex)),
        fc.integer({ min: 0, max: 70_000 })
      ),
      { maxLength: 8 }
    )
    await fuzz(
      fc.property(speak, spoken => {
        const sent: Buffer[] = []
        let told = 0
        const fetch = new MetadataFetch<ExtendedPeer>(asInfoHash(Buffer.alloc(20)))
        const host: ExtensionHost = {
          handshake: () => ({ ids: { ut_metadata: 1, ut_pex: 2 } }),
          metadata: () => Buffer.alloc(40_000),
          pexPeers: () => [{ address, isSeed: true, isReachable: true }],
          onHandshake: peer => {
            if (peer.said.metadataSize !== undefined) fetch.onAnnounced(peer, peer.said.metadataSize, peer.said.client)
            peer.requestMetadata(fetch.ask(peer, 0))
          },
          onMetadata: (peer, message) => {
            if (message.type === 'data') fetch.onData(peer, message, 0)
            else fetch.onReject(peer, message.piece, 0)
            return true
          },
          onPeers: (_, peers) => {
            told += peers.length
          }
        }
        const port = {
          address,
          isIncoming: false,
          idle: new IdleMessages(0),
          sendExtended: (id: number, payload: Buffer) => {
            expect(id).to.be.within(0, 255)
            sent.push(payload)
          },
          onDontHave: () => undefined,
          whenWritable: () => undefined
        }
        const extensions = new PeerExtensions(host, port, 0)
        let now = 0
        parsed(() => {
          for (const [id, payload, ms] of spoken) {
            now += ms
            void extensions.onMessage(id, payload, now)
            extensions.tick(now)
          }
        })
        expect(told).to.be.at.most(spoken.length * MAX_PEX_PEERS)
        // To each message at most: an answer, four requests, and somebody told of.
        expect(sent.length).to.be.at.most(spoken.length * 6)
      }),
      1000
    )
  })
})
