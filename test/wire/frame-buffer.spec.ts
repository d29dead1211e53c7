import { expect } from 'chai'
import fc from 'fast-check'
import { FrameBuffer, MAX_CHUNKS } from '../../lib/wire/frame-buffer.js'

const bytesOf = (buffer: FrameBuffer, length: number): Buffer => {
  const views = buffer.takeViews(length)
  const bytes = Buffer.alloc(length)
  views.copy(bytes)
  return bytes
}

describe('FrameBuffer', () => {
  it('gives back what it was given, by any steps', () => {
    const step = fc.record({
      append: fc.uint8Array({ maxLength: 50 }),
      act: fc.constantFrom('take', 'views', 'skip', 'look'),
      share: fc.double({ min: 0, max: 1, noNaN: true })
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), steps => {
        const buffer = new FrameBuffer()
        let model = Buffer.alloc(0)
        for (const { append, act, share } of steps) {
          buffer.append(Buffer.from(append))
          model = Buffer.concat([model, append])
          expect(buffer.length).to.equal(model.length)
          const length = Math.floor(share * model.length)
          if (act === 'look') {
            if (length < model.length) expect(buffer.byteAt(length)).to.equal(model[length])
            if (length + 4 <= model.length) expect(buffer.uint32At(length)).to.equal(model.readUInt32BE(length))
            continue
          }
          if (act === 'take') expect(buffer.take(length)).to.deep.equal(model.subarray(0, length))
          else if (act === 'views') expect(bytesOf(buffer, length)).to.deep.equal(model.subarray(0, length))
          else buffer.skip(length)
          model = model.subarray(length)
        }
      }),
      { numRuns: 300 }
    )
  })

  it('reads lengths unsigned', () => {
    const buffer = new FrameBuffer()
    buffer.append(Buffer.of(0x80))
    buffer.append(Buffer.of(0, 0, 1))
    expect(buffer.uint32At(0)).to.equal(0x80000001)
  })

  it('joins a flood of tiny chunks', () => {
    const buffer = new FrameBuffer()
    for (let i = 0; i < 100 * MAX_CHUNKS; i++) {
      buffer.append(Buffer.of(i & 0xff))
      expect(buffer.chunks).to.be.at.most(MAX_CHUNKS)
    }
    expect(buffer.take(100 * MAX_CHUNKS)).to.deep.equal(
      Buffer.from(Uint8Array.from({ length: 100 * MAX_CHUNKS }, (_, i) => i & 0xff))
    )
    expect(buffer.chunks).to.equal(0)
  })

  it('takes copies: the chunk may change afterwards', () => {
    const buffer = new FrameBuffer()
    const chunk = Buffer.from('abcd')
    buffer.append(chunk)
    const taken = buffer.take(2)
    chunk.fill(0)
    expect(taken.toString()).to.equal('ab')
  })
})
