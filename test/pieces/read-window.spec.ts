import { expect } from 'chai'
import { Bitfield } from '../../lib/pieces/bitfield.js'
import { Geometry } from '../../lib/pieces/geometry.js'
import { ReadWindow } from '../../lib/pieces/read-window.js'

/** Ten pieces of 100 bytes, the last one of 50. */
const geometry = new Geometry(950, 100)
const windowOf = (start: number, end: number, readAhead = 0): ReadWindow => {
  const window = new ReadWindow(geometry, start, end, 0)
  window.readAhead = readAhead
  return window
}
const none = (): Bitfield => new Bitfield(10)

describe('ReadWindow', () => {
  it('is the piece at the position, however little may be read ahead', () => {
    const window = windowOf(250, 950)
    expect([window.first, window.last]).to.deep.equal([2, 2])
  })

  it('reaches as many bytes as may be read ahead, and into the piece that holds the last of them', () => {
    expect(windowOf(0, 950, 300)).to.include({ limit: 300, last: 2 })
    expect(windowOf(0, 950, 301)).to.include({ limit: 301, last: 3 })
    expect(windowOf(99, 950, 301)).to.include({ limit: 400, last: 3 })
    expect(windowOf(99, 950, 302)).to.include({ limit: 401, last: 4 })
  })

  it('never reaches beyond what the reader will take', () => {
    const window = windowOf(0, 201, 10_000)
    expect(window.finalPiece).to.equal(2)
    expect(window.last).to.equal(2)
    expect(windowOf(0, 200, 10_000).last).to.equal(1)
    expect(windowOf(0, 950, 10_000).last).to.equal(9)
  })

  it('moves with the reader and ends with it', () => {
    const window = windowOf(0, 950, 200)
    window.take(150, 10)
    expect([window.position, window.first, window.includes(0), window.includes(1)]).to.deep.equal([150, 1, false, true])
    window.take(800, 20)
    expect(window.isDone).to.equal(true)
    expect(window.includes(9)).to.equal(false)
    expect(window.head(none())).to.equal(undefined)
  })

  it('names the first piece that is not here', () => {
    const window = windowOf(100, 950, 300)
    const have = none()
    expect(window.head(have)).to.equal(1)
    have.set(1)
    have.set(3)
    expect(window.head(have)).to.equal(2)
    have.set(2)
    expect(window.head(have)).to.equal(undefined)
  })

  it('of an empty range wants nothing, even at the very end of the torrent', () => {
    for (const at of [0, 400, 950]) {
      const window = windowOf(at, at, 500)
      expect(window.isDone).to.equal(true)
      expect(window.first).to.be.at.most(9)
      expect(window.includes(window.first)).to.equal(false)
    }
  })

  it('learns how fast the reader takes', () => {
    const window = windowOf(0, 950)
    window.take(100, 1000)
    expect(window.takeRate).to.equal(100)
    window.take(300, 2000)
    expect(window.takeRate).to.equal(300)
    window.take(10, 2000)
    expect(window.takeRate).to.be.within(300, 400)
  })

  it('never looks back: a piece lost behind the reader is not wanted again', () => {
    const window = windowOf(0, 950, 300)
    window.frontier = 5
    expect(window.frontier).to.equal(5)
    window.take(350, 10)
    window.frontier = 1
    expect(window.frontier).to.equal(3)
  })
})
