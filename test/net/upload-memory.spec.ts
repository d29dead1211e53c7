import { expect } from 'chai'
import { BLOCK_LENGTH, MAX_UPLOAD_READ } from '../../lib/limits.js'
import { messageLength, UploadMemory } from '../../lib/net/upload-memory.js'
import { decode, openReader } from '../wire/decode.js'

const blocks = (count: number, length = BLOCK_LENGTH) =>
  Array.from({ length: count }, (_, i) => ({ piece: 7, begin: i * length, length }))

describe('UploadMemory', () => {
  it('is laid out as the messages that carry the blocks', () => {
    const { buffer, targets } = new UploadMemory().layOut(blocks(3, 100))
    for (const [i, target] of targets.entries()) target.fill(i)
    expect(decode(openReader(), [buffer])).to.deep.equal(
      blocks(3, 100).map(({ piece, begin, length }, i) => ({
        type: 'block',
        piece,
        begin,
        data: Buffer.alloc(length, i)
      }))
    )
  })

  it('is used again for long batches once it came back, while blocks are sent', () => {
    const memory = new UploadMemory()
    const batches = [1, 2, 3].map(() => memory.layOut(blocks(16)))
    expect(new Set(batches.map(({ buffer }) => buffer)).size).to.equal(3)
    for (const batch of batches) memory.reuse(batch)
    const again = [1, 2, 3].map(() => memory.layOut(blocks(9)).buffer)
    expect(again.filter(buffer => batches.some(batch => batch.buffer === buffer))).to.have.length(2)
    expect(again.every(buffer => buffer.length === MAX_UPLOAD_READ)).to.equal(true)
  })

  it('takes no more than a short batch is long, of which thousands may wait for one peer', () => {
    const memory = new UploadMemory()
    for (const count of [1, 2, 7]) expect(memory.layOut(blocks(count, 1)).buffer).to.have.length(count * 14)
    expect(memory.layOut(blocks(4)).buffer).to.have.length(4 * messageLength({ length: BLOCK_LENGTH }))
  })

  it('keeps nothing once nothing is sent, nor what comes back after that', () => {
    const memory = new UploadMemory()
    const [first, second] = [memory.layOut(blocks(16)), memory.layOut(blocks(16))]
    memory.reuse(first)
    memory.clear()
    memory.reuse(second)
    expect([first.buffer, second.buffer]).to.not.include(memory.layOut(blocks(16)).buffer)
  })
})
