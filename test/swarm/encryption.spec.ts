/** Whole downloads between two of ours, for every pair of `encryption`, and what somebody on the line sees of them. */
import { expect } from 'chai'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { ProtocolError } from '../../lib/errors.js'
import { ENCRYPTIONS, type Encryption } from '../../lib/policy/encryption.js'
import { randomBytesSeeded, type TorrentSource } from '../support/make-torrent.js'
import { RecordingRelay, type Recorded } from '../support/recording-relay.js'
import { SwarmBench } from '../support/swarm-bench.js'

const source: TorrentSource = { name: 'secret.bin', data: randomBytesSeeded('secret', 300_000), pieceLength: 32_768 }
const NEEDLE = randomBytesSeeded('secret', 300_000).subarray(100_000, 100_024)

/** What can be told of a connection by who sees its bytes. */
type Seen = 'plain' | 'handshake hidden' | 'all hidden'

function seen({ there, back }: Recorded): Seen {
  if (Buffer.concat(there).subarray(1, 20).toString('latin1') === 'BitTorrent protocol') return 'plain'
  return Buffer.concat(back).includes(NEEDLE) ? 'handshake hidden' : 'all hidden'
}

/** By who dials, and then who is dialled: what is seen of the connection that serves, and on which one it is. */
const EXPECTED: Readonly<Record<Encryption, Readonly<Record<Encryption, readonly [Seen, number] | undefined>>>> = {
  off: { off: ['plain', 1], allow: ['plain', 1], prefer: ['plain', 1], require: undefined },
  allow: { off: ['plain', 1], allow: ['plain', 1], prefer: ['plain', 1], require: ['all hidden', 2] },
  prefer: { off: ['plain', 2], allow: ['handshake hidden', 1], prefer: ['all hidden', 1], require: ['all hidden', 1] },
  require: { off: undefined, allow: ['all hidden', 1], prefer: ['all hidden', 1], require: ['all hidden', 1] }
}

describe('a download between two of ours', function () {
  let bench: SwarmBench
  let relay: RecordingRelay

  beforeEach(() => {
    bench = new SwarmBench(source)
  })
  afterEach(async () => {
    await bench.close()
    await relay.close()
  })

  async function line(encryption: Encryption): Promise<string> {
    const [address] = await bench.seed({ encryption })
    relay = await RecordingRelay.to(address)
    return relay.address
  }

  for (const one of ENCRYPTIONS) {
    for (const other of ENCRYPTIONS) {
      const expected = EXPECTED[one][other]
      it(`'${one}' dials '${other}': ${expected?.join(', connection ') ?? 'in vain'}`, async () => {
        const torrent = await bench.leech([await line(other)], { encryption: one })
        if (!expected) {
          const reading = torrent.file(0).createReadStream()
          reading.on('error', () => undefined).resume()
          await once(torrent, 'dialFailed')
          expect(torrent.stats().downloaded).to.equal(0)
          return
        }
        const bytes = await buffer(torrent.file(0).createReadStream())
        expect(bytes.equals(bench.made.content)).to.equal(true)
        const [what, count] = expected
        expect(relay.connections).to.have.length(count)
        expect(seen(relay.connections[count - 1] as Recorded)).to.equal(what)
      })
    }
  }

  it('by RC4 goes to disk through readers, repeats and seeks, from several at once', async () => {
    const address = await line('require')
    const [other] = await bench.seed({ encryption: 'prefer', dir: 'another' })
    const dir = bench.folder('got')
    const torrent = await bench.leech([address, other], { encryption: 'require', dir })
    const faults: Error[] = []
    torrent.on('peerGone', (_peer, error) => {
      if (error instanceof ProtocolError) faults.push(error)
    })
    const parts = [
      [250_000, 299_999],
      [0, 99_999],
      [50_000, 280_000]
    ] as const
    const read = await Promise.all(
      parts.map(([start, end]) => buffer(torrent.file(0).createReadStream({ start, end })))
    )
    for (const [i, [start, end]] of parts.entries())
      expect(read[i]?.equals(bench.made.content.subarray(start, end + 1))).to.equal(true)
    await torrent.download()
    expect(bench.fileIn(dir, 'secret.bin').equals(bench.made.content)).to.equal(true)
    expect(faults).to.deep.equal([])
  })
})
