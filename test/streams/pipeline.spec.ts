import { expect } from 'chai'
import { once } from 'node:events'
import { pipeline } from 'node:stream'
import { pipeline as finished } from 'node:stream/promises'
import { StorageError } from '../../lib/errors.js'
import type { ActivePiece } from '../../lib/policy/supplier.js'
import type { BlockOutcome } from '../../lib/policy/request-book.js'
import { PieceAssembler } from '../../lib/streams/piece-assembler.js'
import type { PiecePool } from '../../lib/streams/piece-pool.js'
import { PieceVerifier } from '../../lib/streams/piece-verifier.js'
import { PieceWriter } from '../../lib/streams/piece-writer.js'
import { completePiece, poolOf, sha1, silentSupplier } from '../support/piece-fixtures.js'
import { SlowStorage } from '../support/slow-storage.js'
import { settled } from '../support/virtual-clock.js'

const MIB = 2 ** 20
const supplier = silentSupplier()

/** The three stages over a storage that waits for the test. Piece n consists of bytes n; `urgent` is what a reader waits for. */
class Line {
  readonly pool: PiecePool
  readonly storage = new SlowStorage()
  readonly bad: number[] = []
  readonly good: number[] = []
  readonly stored: number[] = []
  readonly assembler: PieceAssembler
  readonly ended: Promise<Error | undefined>
  urgent = -1
  /** Called for a block; a spec lets it complete pieces. */
  onBlock: (piece: number) => void = () => undefined
  /** Hashes wait for this. */
  hashGate: Promise<void> | undefined

  constructor(pieceLength = MIB, slots = 64) {
    this.pool = poolOf(pieceLength, slots)
    const taker = {
      onBlock: (_: unknown, piece: number): BlockOutcome => {
        this.onBlock(piece)
        return 'taken'
      }
    }
    this.assembler = new PieceAssembler(taker, index => index === this.urgent)
    const verifier = new PieceVerifier({
      sha1: async bytes => {
        await this.hashGate
        return sha1(bytes)
      },
      expected: index => sha1(Buffer.alloc(pieceLength, index)),
      onBad: piece => this.bad.push(piece.index),
      onGood: piece => this.good.push(piece.index)
    })
    const writer = new PieceWriter(this.storage, index => this.stored.push(index))
    this.ended = new Promise(resolve => {
      pipeline(this.assembler, verifier, writer, error => resolve(error ?? undefined))
    })
  }

  piece(index: number): ActivePiece {
    return completePiece(this.pool, index, supplier)
  }

  add(...indexes: number[]): void {
    for (const index of indexes) this.assembler.add(this.piece(index))
  }

  accept(piece = 0): Promise<void> | undefined {
    return this.assembler.accept(supplier, piece, 0, Buffer.alloc(1), 0).held
  }

  /** Lets what is ready happen, over as many turns as the stages need. */
  async settle(): Promise<void> {
    for (let i = 0; i < 200; i++) await settled()
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('the pipeline of pieces', () => {
  let line: Line
  beforeEach(() => {
    line = new Line()
  })
  afterEach(async () => {
    line.assembler.destroy()
    await line.ended
    line.storage.hurry()
    await line.settle()
    expect(line.pool.usedBytes, 'every credit came back').to.equal(0)
  })

  it('stores what is right and tells of it', async () => {
    line.storage.hurry()
    line.add(1, 2, 3)
    await line.settle()
    expect(line.good).to.deep.equal([1, 2, 3])
    expect(line.stored).to.have.members([1, 2, 3])
    expect(line.pool.usedBytes).to.equal(0)
  })

  it('never lets a wrong piece through, and goes on after it', async () => {
    line.storage.hurry()
    const wrong = line.piece(2)
    wrong.bytes[MIB - 1] = 0xff
    line.add(1)
    line.assembler.add(wrong)
    line.add(3)
    await line.settle()
    expect(line.bad).to.deep.equal([2])
    expect(line.stored).to.have.members([1, 3])
    expect(line.storage.written.flat()).to.not.include(2)
    expect(line.pool.usedBytes).to.equal(0)
  })

  it('shows a failed piece its bytes before their memory is used again', async () => {
    const wrong = line.piece(5)
    wrong.bytes[0] = 0xff
    let seen: number | undefined
    line.bad.push = () => (seen = line.pool.usedBytes)
    line.assembler.add(wrong)
    await line.settle()
    expect(seen).to.equal(MIB)
  })

  it('holds peers when more waits than the mark, and releases all of them when it does not', async () => {
    line.onBlock = index => line.add(index)
    let index = 0
    let held: Promise<void> | undefined
    while (held === undefined) {
      held = line.accept(index++)
      await line.settle()
      if (index > 60) throw new Error('nothing is ever held')
    }
    expect(line.assembler.isHolding).to.equal(true)
    // Stages hold 2 writes, 8 and 4 pieces; 8 MiB may wait besides.
    expect(index).to.be.within(9, 30)
    line.onBlock = () => undefined
    let released = 0
    for (const promise of [held, line.accept(), line.accept()]) void promise?.then(() => released++)
    await line.settle()
    expect(released).to.equal(0)
    line.storage.hurry()
    await line.settle()
    expect(released).to.equal(3)
    expect(line.assembler.isHolding).to.equal(false)
    expect(line.accept()).to.equal(undefined)
    expect(line.stored).to.have.length(index)
  })

  it('takes the piece a reader waits for before those that came earlier', async () => {
    line.add(...range(0, 30))
    await line.settle()
    line.urgent = 29
    line.storage.hurry()
    await line.settle()
    expect(line.good.indexOf(29)).to.be.below(line.good.indexOf(28))
    expect(line.stored).to.have.members(range(0, 30))
  })

  it('merges neighbours into one write, in order, whatever order they came in', async () => {
    line.add(10, 20)
    await line.settle()
    line.add(7, 5, 6)
    await line.settle()
    line.storage.hurry()
    await line.settle()
    expect(line.storage.written).to.deep.include([5, 6, 7])
  })

  it('merges no more than 4 MiB', async () => {
    line.add(10, 20)
    await line.settle()
    line.add(...range(0, 8))
    await line.settle()
    line.storage.hurry()
    await line.settle()
    const runs = line.storage.written.filter(run => run.every(index => index < 8)).map(run => run.length)
    expect(runs.reduce((sum, length) => sum + length)).to.equal(8)
    expect(Math.max(...runs)).to.equal(4)
  })

  it('starts no more than two writes', async () => {
    line.add(0, 2, 4, 6, 8, 10)
    await line.settle()
    expect(line.storage.pending).to.have.length(2)
  })

  it('ends with the storage error: nobody stays held, every credit comes back', async () => {
    line.add(...range(0, 40))
    await line.settle()
    const held = line.accept()
    expect(held).to.not.equal(undefined)
    const error = new StorageError('ERR_BT_DISK_FULL', 'no room')
    ;(await line.storage.nextWrite()).fail(error)
    expect(await line.ended).to.equal(error)
    await held
    expect(line.accept()).to.equal(undefined)
  })

  it('destroyed in the middle of everything releases all', async () => {
    let open = (): void => undefined
    line.hashGate = new Promise(resolve => (open = resolve))
    line.add(...range(0, 40))
    await line.settle()
    const held = line.accept()
    line.assembler.destroy()
    await held
    open()
    await line.ended
    line.add(50)
    expect(line.stored).to.deep.equal([])
  })

  it('destroyed while the writer is full has what waits there written, and then released', async () => {
    line.add(...range(0, 40).map(index => 2 * index))
    await line.settle()
    line.assembler.destroy()
    await line.ended
    await line.settle()
    line.storage.hurry()
    await line.settle()
    expect(line.pool.usedBytes).to.equal(0)
    expect(line.storage.written.flat().length).to.be.greaterThan(4)
  })
})

describe('PieceVerifier', () => {
  it('fails when hashing fails, and gives the memory back', async () => {
    const pool = poolOf(MIB, 2)
    const failure = new Error('no more threads')
    const verifier = new PieceVerifier({
      sha1: () => Promise.reject(failure),
      expected: () => Buffer.alloc(20),
      onBad: () => undefined,
      onGood: () => undefined
    })
    verifier.write(completePiece(pool, 0))
    expect(await once(verifier, 'error')).to.deep.equal([failure])
    expect(pool.usedBytes).to.equal(0)
  })

  it('hashes four pieces at once, not five', async () => {
    const pool = poolOf(MIB, 8)
    let hashing = 0
    const verifier = new PieceVerifier({
      sha1: () => {
        hashing++
        return new Promise(() => undefined)
      },
      expected: () => Buffer.alloc(20),
      onBad: () => undefined,
      onGood: () => undefined
    })
    for (let i = 0; i < 8; i++) verifier.write(completePiece(pool, i))
    for (let i = 0; i < 5; i++) await settled()
    expect(hashing).to.equal(4)
    verifier.destroy()
  })

  it('and the writer end after the last write, when their source ends', async () => {
    const pool = poolOf(MIB, 8)
    const storage = new SlowStorage()
    const stored: number[] = []
    const pieces = [1, 2, 3].map(index => completePiece(pool, index))
    const verifier = new PieceVerifier({
      sha1: bytes => Promise.resolve(sha1(bytes)),
      expected: index => sha1(Buffer.alloc(MIB, index)),
      onBad: () => undefined,
      onGood: () => undefined
    })
    let hasEnded = false
    const ended = finished(pieces, verifier, new PieceWriter(storage, index => stored.push(index))).then(
      () => (hasEnded = true)
    )
    for (let left = 3; left > 0; left--) {
      const write = await storage.nextWrite()
      expect(hasEnded).to.equal(false)
      write.finish()
    }
    await ended
    expect(stored).to.have.members([1, 2, 3])
    expect(pool.usedBytes).to.equal(0)
  })
})
