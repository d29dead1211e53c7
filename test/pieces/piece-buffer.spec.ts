import { expect } from 'chai'
import fc from 'fast-check'
import { BLOCK_LENGTH } from '../../lib/limits.js'
import { Geometry } from '../../lib/pieces/geometry.js'
import { PieceBuffer } from '../../lib/pieces/piece-buffer.js'

interface Peer {
  readonly name: string
}

const peers: Peer[] = ['a', 'b', 'c'].map(name => ({ name }))
const [a, b] = peers as [Peer, Peer, Peer]
const FIRST = new Geometry(1, 1).pieceAt(0)

function makePiece(length: number, suspects?: (Peer | undefined)[]): PieceBuffer<Peer> {
  return new PieceBuffer<Peer>(FIRST, length, { bytes: Buffer.alloc(length), release: () => undefined }, suspects)
}

const block = (byte: number, length = BLOCK_LENGTH): Buffer => Buffer.alloc(length, byte)

describe('PieceBuffer', () => {
  it('counts what is missing and what nobody was asked for as one by one would, after any steps', () => {
    const step = fc.record({
      act: fc.constantFrom('ask', 'giveBack', 'receive'),
      block: fc.integer({ min: 0, max: 4 }),
      peer: fc.integer({ min: 0, max: 2 })
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 5 }), (steps, from) => {
        const piece = makePiece(4 * BLOCK_LENGTH + 100)
        const holders = Array.from({ length: 5 }, () => new Set<Peer>())
        const senders = new Array<Peer | undefined>(5).fill(undefined)
        for (const { act, block: at, peer: number } of steps) {
          const peer = peers[number] ?? a
          if (act === 'ask') {
            piece.ask(at, peer)
            holders[at]?.add(peer)
          } else if (act === 'giveBack') {
            piece.giveBack(at, peer)
            holders[at]?.delete(peer)
          } else {
            expect(piece.receive(at, peer, block(at, piece.lengthOf(at)))).to.equal(senders[at] === undefined)
            senders[at] ??= peer
          }
          const open = holders.map((set, i) => set.size === 0 && senders[i] === undefined)
          expect(piece.unrequested).to.equal(open.filter(Boolean).length)
          expect(piece.missing).to.equal(senders.filter(sender => sender === undefined).length)
          expect(piece.isComplete).to.equal(senders.every(Boolean))
          expect(piece.nextUnrequested()).to.equal(open.indexOf(true))
          expect(piece.nextUnrequested(from)).to.equal(open.indexOf(true, from))
        }
        expect([...piece.senders]).to.deep.equal(senders)
        holders.forEach((set, i) => expect(piece.holders(i)).to.have.members([...set]))
      }),
      { numRuns: 300 }
    )
  })

  it('puts blocks in their places, the short last one too', () => {
    const piece = makePiece(BLOCK_LENGTH + 3)
    expect(piece.blockCount).to.equal(2)
    expect(piece.lengthOf(1)).to.equal(3)
    piece.receive(1, a, block(2, 3))
    piece.receive(0, b, block(1))
    expect(piece.bytes).to.deep.equal(Buffer.concat([block(1), block(2, 3)]))
    expect(piece.senders).to.deep.equal([b, a])
  })

  it('keeps the first of two answers', () => {
    const piece = makePiece(BLOCK_LENGTH)
    expect(piece.receive(0, a, block(1))).to.equal(true)
    expect(piece.receive(0, b, block(2))).to.equal(false)
    expect(piece.bytes).to.deep.equal(block(1))
    expect(piece.senders).to.deep.equal([a])
  })

  it('shows only its own bytes of a longer slot', () => {
    const slot = Buffer.alloc(2 * BLOCK_LENGTH, 9)
    const piece = new PieceBuffer<Peer>(FIRST, 5, { bytes: slot, release: () => undefined })
    expect(piece.bytes).to.have.length(5)
  })

  it('remembers who may have spoilt a block', () => {
    const piece = makePiece(2 * BLOCK_LENGTH, [a, undefined])
    expect(piece.isSuspect(0, a)).to.equal(true)
    expect(piece.isSuspect(0, b)).to.equal(false)
    expect(piece.isSuspect(1, a)).to.equal(false)
  })
})
