import { expect } from 'chai'
import fc from 'fast-check'
import { Bitfield } from '../../lib/pieces/bitfield.js'

const fieldOf = (length: number, indexes: Iterable<number>): Bitfield => {
  const field = new Bitfield(length)
  for (const index of indexes) field.set(index)
  return field
}

describe('Bitfield', () => {
  it('has the first piece in the highest bit', () => {
    expect(fieldOf(10, [0, 9]).toBytes()).to.deep.equal(Buffer.of(0x80, 0x40))
  })

  it('agrees with a set of numbers, whatever is done to it', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('set', 'clear', 'fill'), fc.integer({ min: -2, max: 45 })))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), steps, (length, acts) => {
        const field = new Bitfield(length)
        const model = new Set<number>()
        for (const [act, index] of acts) {
          const isInRange = index >= 0 && index < length
          if (act === 'set') {
            expect(field.set(index)).to.equal(isInRange && !model.has(index))
            if (isInRange) model.add(index)
          } else if (act === 'clear') expect(field.clear(index)).to.equal(model.delete(index))
          else {
            field.fill()
            for (let i = 0; i < length; i++) model.add(i)
          }
        }
        expect(field.count).to.equal(model.size)
        expect(field.isComplete).to.equal(model.size === length)
        for (let i = -2; i < length + 10; i++) expect(field.has(i)).to.equal(model.has(i))
        const read = Bitfield.fromBytes(field.toBytes(), length)
        expect(read?.toBytes()).to.deep.equal(field.toBytes())
        expect(read?.count).to.equal(model.size)
      }),
      { numRuns: 300 }
    )
  })

  it('finds the next piece that is lacking, or that the other lacks, as one by one would', () => {
    const indexes = fc.array(fc.integer({ min: 0, max: 69 }))
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        indexes,
        indexes,
        fc.integer({ min: 0, max: 80 }),
        fc.integer({ min: 0, max: 69 }),
        (length, a, b, from, to) => {
          const [mine, other] = [fieldOf(length, a), fieldOf(length, b)]
          const last = Math.min(to, length - 1)
          const all = Array.from({ length }, (_, i) => i)
          const first = (isIt: (i: number) => boolean): number => all.find(i => i >= from && isIt(i)) ?? -1
          expect(mine.nextSet(from)).to.equal(first(i => mine.has(i)))
          expect(mine.nextMissingIn(other, from)).to.equal(first(i => mine.has(i) && !other.has(i)))
          expect(mine.nextMissingIn(other, from, last)).to.equal(first(i => i <= last && mine.has(i) && !other.has(i)))
          expect(mine.countIn(from, last + 1)).to.equal(all.filter(i => i >= from && i <= last && mine.has(i)).length)
          expect(mine.nextClear(from)).to.equal(first(i => !mine.has(i)))
          expect(mine.nextClear(from, last)).to.equal(first(i => i <= last && !mine.has(i)))
          const both = all.filter(index => mine.has(index) || other.has(index))
          mine.add(other)
          expect(all.filter(index => mine.has(index))).to.deep.equal(both)
          expect(mine.count).to.equal(both.length)
        }
      ),
      { numRuns: 500 }
    )
  })

  it('refuses another length from the wire', () => {
    expect(Bitfield.fromBytes(Buffer.alloc(1), 9)).to.equal(undefined)
    expect(Bitfield.fromBytes(Buffer.alloc(3), 9)).to.equal(undefined)
    expect(Bitfield.fromBytes(Buffer.alloc(2), 9)).to.be.instanceOf(Bitfield)
  })

  it('refuses every spare bit from the wire', () => {
    for (let bit = 0; bit < 7; bit++) expect(Bitfield.fromBytes(Buffer.of(0, 1 << bit), 9)).to.equal(undefined)
    expect(Bitfield.fromBytes(Buffer.of(0, 0x80), 9)?.has(8)).to.equal(true)
    expect(Bitfield.fromBytes(Buffer.of(0xff), 8)?.isComplete).to.equal(true)
  })

  it('keeps its own copy of what came from the wire', () => {
    const bytes = Buffer.of(0xff)
    const field = Bitfield.fromBytes(bytes, 8)
    bytes[0] = 0
    expect(field?.count).to.equal(8)
    expect(field?.has(3)).to.equal(true)
  })
})
