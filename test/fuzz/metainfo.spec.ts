import { expect } from 'chai'
import fc from 'fast-check'
import { MetainfoError } from '../../lib/errors.js'
import { parseMetainfo, type Metainfo } from '../../lib/metainfo/metainfo.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'
import { file, folderTorrent, singleFileTorrent } from '../support/sample-torrent.js'

const SEEDS = [
  singleFileTorrent(
    { private: 1 },
    { announce: 'http://t/announce', 'announce-list': [['http://a'], ['udp://b']], 'url-list': 'http://s' }
  ),
  folderTorrent(
    [file('a', 9), file('b/../c', 0), file('.pad/1', 16_375, { attr: 'p' }), file('A', 2)],
    {},
    { comment: 'x', 'creation date': 1 }
  ),
  folderTorrent([file('a', 9), file('l', 0, { attr: 'l', 'symlink path': ['a'] })], {
    'meta version': 2,
    'file tree': {
      a: { '': { length: 9, 'pieces root': Buffer.alloc(32, 1) } },
      l: { '': { attr: 'l', 'symlink path': ['a'] } }
    }
  })
]

function checkPromises(metainfo: Metainfo): void {
  let offset = 0
  for (const each of metainfo.files) {
    expect(each.offset).to.equal(offset)
    offset += each.length
    for (const element of each.path.split('/')) expect(element).to.not.match(/^\.{0,2}$|[\\\0\n]/)
  }
  expect(offset).to.equal(metainfo.length)
  expect(metainfo.pieceHashes).to.have.length(20 * Math.ceil(metainfo.length / metainfo.pieceLength))
  const written = metainfo.files.filter(each => !each.padding).map(each => each.path.toLowerCase())
  expect(new Set(written).size).to.equal(written.length)
  for (const words of [metainfo.name, metainfo.comment ?? '', ...metainfo.warnings, ...metainfo.trackers.flat()]) {
    expect(words).to.not.match(/\p{Cc}/u)
  }
}

describe('fuzz: parseMetainfo', () => {
  it('keeps every promise of Metainfo, or refuses with a coded error', async () => {
    await fuzz(
      fc.property(damaged(SEEDS), bytes => {
        try {
          checkPromises(parseMetainfo(bytes))
        } catch (error) {
          if (!(error instanceof MetainfoError)) throw error
          expect(error.code).to.match(/^ERR_BT_(BENCODE|METAINFO)/)
        }
      }),
      3000
    )
  })
})
