import { expect } from 'chai'
import fc from 'fast-check'
import { ReceiveBuffers } from '../../lib/transport/receive-buffers.js'

/** As a socket reads: at most what there is room for. */
function read(buffers: ReceiveBuffers, wanted: number, fill: (place: Buffer) => void = () => undefined): Buffer {
  const place = buffers.next()
  const length = Math.min(wanted, place.length)
  fill(place.subarray(0, length))
  return buffers.take(length)
}

describe('receive buffers', () => {
  it('give what was read, in place', () => {
    const buffers = new ReceiveBuffers()
    expect(read(buffers, 5, place => void place.write('hello')).toString()).to.equal('hello')
    expect(read(buffers, 6, place => void place.write(' world')).toString()).to.equal(' world')
    expect(buffers.receivedBytes).to.equal(11)
  })

  it('are few when all is handled at once, however much is read', () => {
    const buffers = new ReceiveBuffers()
    buffers.handledBytes = () => buffers.receivedBytes
    const memory = new Set<ArrayBufferLike>()
    for (let i = 0; i < 1000; i++) memory.add(read(buffers, 65_536).buffer)
    expect(memory.size).to.be.at.most(2)
  })

  it('are shared by small chunks', () => {
    const buffers = new ReceiveBuffers()
    const memory = new Set<ArrayBufferLike>()
    for (let i = 0; i < 12; i++) memory.add(read(buffers, 1000).buffer)
    expect(memory.size).to.equal(1)
  })

  it('are larger for a peer that fills them', () => {
    const buffers = new ReceiveBuffers()
    const small = buffers.next().length
    read(buffers, small)
    expect(buffers.next().length).to.be.greaterThan(small)
    read(buffers, 1)
    expect(buffers.next().length).to.be.greaterThan(small)
  })

  it('never write over a byte that is still needed', () => {
    const steps = fc.array(
      fc.record({ length: fc.integer({ min: 1, max: 70_000 }), handled: fc.double({ min: 0, max: 1, noNaN: true }) }),
      {
        maxLength: 60
      }
    )
    fc.assert(
      fc.property(steps, all => {
        const buffers = new ReceiveBuffers()
        let handled = 0
        buffers.handledBytes = () => handled
        const chunks: { bytes: Buffer; end: number; mark: number }[] = []
        for (const [at, step] of all.entries()) {
          const bytes = read(buffers, step.length, place => void place.fill(at % 251))
          chunks.push({ bytes, end: buffers.receivedBytes, mark: at % 251 })
          for (const chunk of chunks.filter(({ end }) => end > handled)) {
            expect(chunk.bytes[0]).to.equal(chunk.mark)
            expect(chunk.bytes.at(-1)).to.equal(chunk.mark)
          }
          handled += Math.floor((buffers.receivedBytes - handled) * step.handled)
        }
      })
    )
  })
})
