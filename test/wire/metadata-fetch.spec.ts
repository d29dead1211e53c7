import { expect } from 'chai'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { ProtocolError } from '../../lib/errors.js'
import { MAX_METADATA_SIZES, METADATA_PATIENCE_MS, METADATA_REQUESTS, METADATA_REST_MS } from '../../lib/limits.js'
import { asInfoHash } from '../../lib/metainfo/info-hash.js'
import { MetadataFetch } from '../../lib/wire/metadata-fetch.js'
import { METADATA_PIECE_LENGTH } from '../../lib/wire/metadata-message.js'
import { randomBytesSeeded } from '../support/make-torrent.js'

const PIECE = METADATA_PIECE_LENGTH
const fetchOf = (metadata: Buffer): MetadataFetch<string> =>
  new MetadataFetch(asInfoHash(createHash('sha1').update(metadata).digest()))
const pieceOf = (metadata: Buffer, piece: number) =>
  ({
    type: 'data',
    piece,
    totalSize: metadata.length,
    bytes: metadata.subarray(piece * PIECE, (piece + 1) * PIECE)
  }) as const

describe('MetadataFetch', () => {
  const metadata = randomBytesSeeded('metadata', 3 * PIECE + 100)

  for (const length of [1, PIECE - 1, PIECE, PIECE + 1, 4 * PIECE]) {
    it(`ends with ${length} bytes of one peer`, () => {
      const bytes = randomBytesSeeded('m', length)
      const fetch = fetchOf(bytes)
      fetch.onAnnounced('a', length)
      let found: Buffer | undefined
      for (const piece of fetch.ask('a', 0)) found = fetch.onData('a', pieceOf(bytes, piece), 1)
      expect(found?.equals(bytes)).to.equal(true)
    })
  }

  it('asks several peers at once, each first for what nobody else was asked for', () => {
    const fetch = fetchOf(metadata)
    for (const peer of ['a', 'b']) fetch.onAnnounced(peer, metadata.length)
    const asked = [...fetch.ask('a', 0), ...fetch.ask('b', 0)]
    expect(asked.slice(0, METADATA_REQUESTS)).to.have.members([0, 1, 2, 3])
    expect(new Set(asked).size).to.equal(4)
    expect(fetch.ask('a', 0)).to.deep.equal([])
  })

  it("asks rTorrent's library for one piece at a time, which two at once would silence", () => {
    const fetch = fetchOf(metadata)
    fetch.onAnnounced('r', metadata.length, 'libTorrent 0.13.8')
    fetch.onAnnounced('l', metadata.length, 'libtorrent/2.0.8.0')
    expect(fetch.ask('r', 0)).to.deep.equal([0])
    expect(fetch.ask('r', 0)).to.deep.equal([])
    expect(fetch.ask('l', 0)).to.have.length(METADATA_REQUESTS)
    fetch.onData('r', pieceOf(metadata, 0), 1)
    expect(fetch.ask('r', 1)).to.have.length(1)
  })

  it('takes an empty piece for a refusal, as rTorrent sends it at the end of full ones', () => {
    const fetch = fetchOf(metadata)
    fetch.onAnnounced('r', metadata.length, 'libTorrent 0.13.8')
    expect(fetch.ask('r', 0)).to.deep.equal([0])
    expect(fetch.onData('r', { ...pieceOf(metadata, 0), bytes: Buffer.alloc(0) }, 1)).to.equal(undefined)
    expect(fetch.ask('r', 1)).to.deep.equal([])
    expect(fetch.ask('r', 1 + METADATA_REST_MS)).to.deep.equal([0])
  })

  it('is not held up by one that is silent', () => {
    const fetch = fetchOf(metadata)
    fetch.onAnnounced('mute', metadata.length)
    expect(fetch.ask('mute', 0)).to.have.length(4)
    fetch.onAnnounced('a', metadata.length)
    let found: Buffer | undefined
    for (const piece of fetch.ask('a', 5)) found = fetch.onData('a', pieceOf(metadata, piece), 5)
    expect(found?.equals(metadata)).to.equal(true)
  })

  it('lets a peer that answers nothing, or refuses, rest, and takes its late answer', () => {
    const fetch = fetchOf(metadata)
    fetch.onAnnounced('a', metadata.length)
    fetch.ask('a', 0)
    fetch.expire(METADATA_PATIENCE_MS - 1)
    expect(fetch.ask('a', METADATA_PATIENCE_MS)).to.deep.equal([])
    fetch.expire(METADATA_PATIENCE_MS)
    expect(fetch.ask('a', METADATA_PATIENCE_MS)).to.deep.equal([])
    expect(fetch.onData('a', pieceOf(metadata, 1), METADATA_PATIENCE_MS + 1)).to.equal(undefined)
    const later = METADATA_PATIENCE_MS + METADATA_REST_MS
    expect(fetch.ask('a', later)).to.deep.equal([0, 2, 3])
    fetch.onReject('a', 0, later)
    expect(fetch.ask('a', later + METADATA_REST_MS - 1)).to.deep.equal([])
    expect(fetch.ask('a', later + METADATA_REST_MS)).to.deep.equal([0, 2, 3])
  })

  it('blames who sends what was not asked for, of a wrong length, or of another size', () => {
    const fetch = fetchOf(metadata)
    fetch.onAnnounced('a', metadata.length)
    const faults = [
      () => fetch.onData('stranger', pieceOf(metadata, 0), 0),
      () => fetch.onData('a', pieceOf(metadata, 0), 0),
      () => {
        fetch.ask('a', 0)
        fetch.onData('a', { ...pieceOf(metadata, 9), bytes: Buffer.alloc(0) }, 0)
      },
      () => fetch.onData('a', { ...pieceOf(metadata, 0), totalSize: metadata.length - 1 }, 0),
      () => fetch.onData('a', { ...pieceOf(metadata, 1), bytes: Buffer.alloc(5) }, 0),
      () => {
        fetch.onData('a', pieceOf(metadata, 2), 0)
        fetch.onData('a', pieceOf(metadata, 2), 0)
      }
    ]
    for (const fault of faults) expect(fault).to.throw(ProtocolError)
  })

  it('finds one liar alone guilty, and none of several', () => {
    const lie = randomBytesSeeded('lie', metadata.length)
    const fetch = fetchOf(metadata)
    fetch.onAnnounced('liar', metadata.length)
    for (const piece of fetch.ask('liar', 0)) fetch.onData('liar', pieceOf(lie, piece), 0)
    expect(fetch.failures).to.equal(1)
    expect(fetch.takeGuilty()).to.deep.equal(['liar'])
    expect(fetch.takeGuilty()).to.deep.equal([])
    expect(fetch.ask('liar', 0)).to.deep.equal([])
    const mixed = fetchOf(metadata)
    for (const peer of ['a', 'liar']) mixed.onAnnounced(peer, metadata.length)
    mixed.onData('a', pieceOf(metadata, mixed.ask('a', 0)[0] ?? 0), 0)
    for (const piece of mixed.ask('liar', 0)) mixed.onData('liar', pieceOf(lie, piece), 0)
    expect(mixed.failures).to.equal(1)
    expect(mixed.takeGuilty()).to.deep.equal([])
  })

  it('fetches what most announce, and what few announce as well', () => {
    const fetch = fetchOf(metadata)
    for (let i = 0; i < 10; i++) for (let j = 0; j <= i; j++) fetch.onAnnounced(`${i}.${j}`, 1000 + i)
    fetch.onAnnounced('true', metadata.length)
    const served = Array.from({ length: 10 }, (_, i) => fetch.ask(`${i}.0`, 0).length > 0)
    expect(served.filter(Boolean)).to.have.length(MAX_METADATA_SIZES)
    expect(served.slice(-MAX_METADATA_SIZES).every(Boolean)).to.equal(true)
    for (let i = 0; i < 10; i++) for (let j = 0; j <= i; j++) fetch.onGone(`${i}.${j}`)
    let found: Buffer | undefined
    for (const piece of fetch.ask('true', 0)) found = fetch.onData('true', pieceOf(metadata, piece), 0)
    expect(found?.equals(metadata)).to.equal(true)
  })

  it('is not held up by any number of sizes whose peers are silent', () => {
    const fetch = fetchOf(metadata)
    for (let i = 0; i < MAX_METADATA_SIZES; i++)
      for (const twin of 'ab') fetch.onAnnounced(`mute ${i}${twin}`, 1000 + i)
    for (let i = 0; i < MAX_METADATA_SIZES; i++) for (const twin of 'ab') fetch.ask(`mute ${i}${twin}`, 0)
    fetch.onAnnounced('a', metadata.length)
    expect(fetch.ask('a', 0)).to.deep.equal([])
    fetch.expire(METADATA_PATIENCE_MS)
    let found: Buffer | undefined
    for (const piece of fetch.ask('a', METADATA_PATIENCE_MS))
      found = fetch.onData('a', pieceOf(metadata, piece), 10_001)
    expect(found?.equals(metadata)).to.equal(true)
  })

  it('ends with one honest peer among any liars, however their answers mix', () => {
    const kinds = fc.array(fc.constantFrom('liar', 'mute', 'refuses', 'leaves'), { maxLength: 6 })
    fc.assert(
      fc.property(kinds, fc.integer({ min: 0, max: 6 }), fc.array(fc.nat(), { maxLength: 60 }), (others, at, order) => {
        const all = [...others.slice(0, at), 'honest', ...others.slice(at)]
        const peers = new Map(all.map((kind, i) => [`${kind}${i}`, kind]))
        const fetch = fetchOf(metadata)
        const lie = randomBytesSeeded('lie', metadata.length)
        for (const peer of peers.keys()) fetch.onAnnounced(peer, metadata.length)
        let found: Buffer | undefined
        for (let turn = 0; turn < 200 && !found; turn++) {
          const now = turn * 1000
          const names = [...peers.keys()]
          const first = (order[turn % Math.max(1, order.length)] ?? 0) % Math.max(1, names.length)
          for (const peer of [...names.slice(first), ...names.slice(0, first)]) {
            for (const piece of fetch.ask(peer, now)) {
              const kind = peers.get(peer)
              if (kind === 'honest') found ??= fetch.onData(peer, pieceOf(metadata, piece), now)
              if (kind === 'liar') found ??= fetch.onData(peer, pieceOf(lie, piece), now)
              if (kind === 'refuses') fetch.onReject(peer, piece, now)
              if (kind === 'leaves') fetch.onGone(peer)
              if (found || fetch.takeGuilty().includes(peer)) break
            }
          }
          fetch.expire(now)
        }
        expect(found?.equals(metadata)).to.equal(true)
      }),
      { numRuns: 100 }
    )
  })
})
