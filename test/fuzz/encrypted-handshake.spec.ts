import { expect } from 'chai'
import fc from 'fast-check'
import { Decryptor } from '../../lib/net/mse/decryptor.js'
import type { Done } from '../../lib/net/mse/handshake.js'
import { torrentMark } from '../../lib/net/mse/secrets.js'
import { BOTH, fixed, INFO_HASH, Side } from '../support/encrypted-handshakes.js'
import { chunkings } from '../support/feeds.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'
import { protocolFault } from '../support/protocol-error.js'

const initiator = (): Side => Side.initiator({ ...fixed(1, 40), initialPayload: Buffer.from('first words') })
const responder = (): Side => Side.responder(BOTH, fixed(2, 40))

/** All that each side says in a handshake that goes well. */
function honestWords(): [Buffer, Buffer] {
  const [one, other] = [initiator(), responder()]
  const hello = one.words()
  other.hear(hello)
  const answer = other.words()
  one.hear(answer)
  const request = one.words()
  other.hear(request)
  return [Buffer.concat([hello, request]), Buffer.concat([answer, other.words()])]
}

/** What one side makes of the chunks: what it said, and how it ended. */
function outcome(side: Side, chunks: readonly Buffer[]): unknown[] {
  const fault = protocolFault(() => side.hear(...chunks))
  return [side.words(), fault ?? described(side.done)]
}

function described(done: Done | undefined): unknown {
  return done && [done.agreement.method, done.agreement.initialLength, done.rest]
}

/** What the stage behind a socket makes of the chunks: what it answers, passes on, and how it ends. */
function passed(chunks: readonly Buffer[]): unknown[] {
  const [answered, read]: [Buffer[], Buffer[]] = [[], []]
  const torrentFor = (mark: Buffer) =>
    mark.equals(torrentMark(INFO_HASH)) ? { infoHash: INFO_HASH, methods: BOTH } : undefined
  const stage = Decryptor.responder({ ...fixed(2, 40), torrentFor, send: bytes => answered.push(bytes) })
  stage.on('error', () => undefined)
  for (const chunk of chunks) {
    if (stage.errored) break
    stage.write(Buffer.from(chunk))
    for (let words = stage.read() as Buffer | null; words; words = stage.read() as Buffer | null) read.push(words)
  }
  return [Buffer.concat(answered), Buffer.concat(read), (stage.errored as { code?: string } | null)?.code]
}

describe('fuzz: encrypted handshake', () => {
  const [toResponder, toInitiator] = honestWords()

  it('of who dials us, plain or encrypted, is read the same for any split', async () => {
    const plain = Buffer.from('\x13BitTorrent protocol and what follows it', 'latin1')
    const honest = Buffer.concat([toResponder, Buffer.from('more')])
    const inputs = fc.oneof(damaged([plain, honest]), fc.constantFrom(plain, honest))
    const split = inputs.chain(bytes => fc.tuple(fc.constant(bytes), chunkings(bytes)))
    await fuzz(
      fc.property(split, ([bytes, chunks]) => {
        expect(passed(chunks)).to.deep.equal(passed([bytes]))
      }),
      300
    )
  })

  for (const [name, side, words] of [
    ['responder', responder, toResponder],
    ['initiator', initiator, toInitiator]
  ] as const) {
    it(`a ${name} ends in an agreement or a ProtocolError, the same for any split`, async () => {
      const noise = fc.uint8Array({ maxLength: 800 }).map(bytes => Buffer.from(bytes))
      const behindKey = noise.map(bytes => Buffer.concat([words.subarray(0, 96), bytes]))
      const inputs = fc.oneof(damaged([words]), noise, behindKey)
      const split = inputs.chain(bytes => fc.tuple(fc.constant(bytes), chunkings(bytes)))
      await fuzz(
        fc.property(split, ([bytes, chunks]) => {
          expect(outcome(side(), chunks)).to.deep.equal(outcome(side(), [bytes]))
        }),
        300
      )
    })
  }
})
