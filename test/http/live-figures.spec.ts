import { expect } from 'chai'
import { liveFigures } from '../../lib/http/live-figures.js'
import { MAX_MAP_CELLS, MAX_MAP_CELLS_OF_ALL } from '../../lib/limits.js'
import { EMPTY_CELL, servedTorrent } from '../support/served-torrent.js'

interface Told {
  torrents: { infoHash: string; map: string; waiting: string | null; downloadRate: number }[]
}

const told = (...torrents: Parameters<typeof liveFigures>[0]): Told => JSON.parse(liveFigures(torrents)) as Told

describe('live figures', () => {
  it('tell how a torrent stands, on one line', () => {
    const torrent = servedTorrent([['a', 'x']], {
      figures: { downloadRate: 10.6, peers: 3, waiting: 'no peer\nhas piece 7' }
    })
    expect(liveFigures([torrent])).not.to.include('\n')
    expect(told(torrent).torrents[0]).to.include({ downloadRate: 11, peers: 3, waiting: 'no peer\nhas piece 7' })
    expect(told(servedTorrent([['a', 'x']])).torrents[0]?.waiting).to.equal(null)
  })

  it('draw the map a letter a cell: how much is here, what is asked for, the window, the head', () => {
    const map = [
      EMPTY_CELL,
      { ...EMPTY_CELL, here: 0.001 },
      { ...EMPTY_CELL, here: 0.999 },
      { ...EMPTY_CELL, here: 1 },
      { ...EMPTY_CELL, isAsked: true },
      { ...EMPTY_CELL, isInWindow: true },
      { ...EMPTY_CELL, isHead: true },
      { here: 1, isAsked: true, isInWindow: true, isHead: true }
    ]
    expect(told(servedTorrent([['a', 'x']], { map })).torrents[0]?.map).to.equal('ABGHIQg_')
  })

  it('cost no more for many torrents: their maps share the cells', () => {
    const asked: number[] = []
    const torrents = Array.from({ length: 1000 }, () => ({
      ...servedTorrent([['a', 'x']]),
      pieceMap: (cells: number) => {
        asked.push(cells)
        return []
      }
    }))
    liveFigures(torrents.slice(0, 1))
    expect(asked.splice(0)).to.deep.equal([MAX_MAP_CELLS])
    liveFigures(torrents)
    expect(asked.reduce((sum, cells) => sum + cells, 0)).to.be.at.most(MAX_MAP_CELLS_OF_ALL)
  })
})
