import { expect } from 'chai'
import fc from 'fast-check'
import {
  checkPieceCount,
  checkPieceLength,
  checkTrackers,
  checkWebSeeds,
  choosePieceLength,
  encodeNewTorrent,
  placeFiles
} from '../../lib/metainfo/create.js'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { MAX_PIECES } from '../../lib/limits.js'

const KIB = 1024
const elements = (path: string) => path.split('/').map(element => Buffer.from(element))
const file = (path: string, length: number) => ({ elements: elements(path), length })
const pathOf = (placed: { elements: readonly Buffer[] }) => placed.elements.map(String).join('/')

describe('choosePieceLength', () => {
  it('makes at most 2,048 pieces, between its bounds', () => {
    expect(choosePieceLength(1)).to.equal(32 * KIB)
    expect(choosePieceLength(2048 * 32 * KIB)).to.equal(32 * KIB)
    expect(choosePieceLength(2048 * 32 * KIB + 1)).to.equal(64 * KIB)
    expect(choosePieceLength(4 * 2 ** 30)).to.equal(2 * 2 ** 20)
    expect(choosePieceLength(2 ** 42)).to.equal(16 * 2 ** 20)
    expect(choosePieceLength(undefined)).to.equal(2 ** 20)
  })
})

describe('what a new torrent may not be', () => {
  const refused = (step: () => unknown) => expect(step).to.throw().with.property('code', 'ERR_BT_OPTION')

  it('a piece length that is no power of two from 16 KiB to 256 MiB', () => {
    for (const good of [16 * KIB, 2 ** 28]) expect(checkPieceLength(good)).to.equal(good)
    for (const bad of [0, -1, NaN, 8 * KIB, 3 * 16 * KIB, 2 ** 29, Infinity]) refused(() => checkPieceLength(bad))
  })

  it('too many pieces', () => {
    checkPieceCount(MAX_PIECES * 16 * KIB, 16 * KIB)
    refused(() => checkPieceCount(MAX_PIECES * 16 * KIB + 1, 16 * KIB))
  })

  it('a URL that no client could use', () => {
    checkTrackers([['http://a/x', 'udp://b:1'], ['wss://c']])
    checkWebSeeds(['https://a/x'])
    for (const bad of ['', 'a', 'file:///etc/passwd', 'javascript:1', `http://${'a'.repeat(5000)}`]) {
      refused(() => checkTrackers([[bad]]))
      refused(() => checkWebSeeds([bad]))
    }
    refused(() => checkTrackers([Array.from({ length: 101 }, (_, i) => `http://a/${i}`)]))
  })
})

describe('placeFiles', () => {
  it('sorts by the bytes of paths: a/b stands after a.txt and before a0', () => {
    const placed = placeFiles([file('a0', 1), file('a/b', 2), file('a.txt', 3), file('B', 4)], 16, false)
    expect(placed.map(pathOf)).to.deep.equal(['B', 'a.txt', 'a/b', 'a0'])
    expect(placed.map(({ offset }) => offset)).to.deep.equal([0, 4, 7, 9])
  })

  it('gives the same whatever the order of its input, and lets each file begin with a piece when asked', () => {
    const paths = fc.uniqueArray(
      fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', '.', '-', 'é') }),
      {
        maxLength: 8
      }
    )
    fc.assert(
      fc.property(paths, fc.array(fc.nat(100), { minLength: 8, maxLength: 8 }), (names, lengths) => {
        const files = names.map((name, i) => file(name, lengths[i] ?? 0))
        const placed = placeFiles(files, 16, true)
        expect(placed).to.deep.equal(placeFiles([...files].reverse(), 16, true))
        let offset = 0
        for (const each of placed) {
          expect(each.offset).to.equal(offset)
          if (!each.padding && each.length > 0) expect(offset % 16).to.equal(0)
          offset += each.length
        }
        expect(placed.at(-1)?.padding ?? false, 'none after the last').to.equal(false)
        expect(placed.filter(({ padding }) => !padding)).to.have.lengthOf(names.length)
      })
    )
  })
})

describe('encodeNewTorrent', () => {
  const hashes = Buffer.alloc(20, 7)
  const info = { name: Buffer.from('n'), isSingleFile: true, pieceLength: 16384, private: false, source: undefined }
  const around = { trackers: [], webSeeds: [] }

  it('is canonical, and as short as can be', () => {
    const bytes = encodeNewTorrent(info, placeFiles([{ elements: [], length: 5 }], 16384, false), hashes, around)
    expect(bytes.toString('latin1')).to.equal(
      `d4:infod6:lengthi5e4:name1:n12:piece lengthi16384e6:pieces20:${hashes.toString('latin1')}ee`
    )
  })

  it('says all that it was told, and is read again as that', () => {
    const files = placeFiles([file('a', 5), file('d/b', 7)], 16384, true)
    const all = { ...info, isSingleFile: false, private: true, source: 'S' }
    const bytes = encodeNewTorrent(all, files, Buffer.concat([hashes, hashes]), {
      trackers: [['http://a/1', 'http://a/2'], ['udp://b:3']],
      webSeeds: ['http://c/'],
      comment: 'why',
      createdBy: 'me',
      creationDate: 1
    })
    const read = parseMetainfo(bytes)
    expect(read).to.deep.include({
      name: 'n',
      private: true,
      comment: 'why',
      createdBy: 'me',
      creationDate: 1,
      warnings: []
    })
    expect(read.trackers).to.deep.equal([['http://a/1', 'http://a/2'], ['udp://b:3']])
    expect(read.webSeeds).to.deep.equal(['http://c/'])
    expect(read.files.map(({ path, length, padding }) => [path, length, padding])).to.deep.equal([
      ['n/a', 5, false],
      ['n/.pad/16379', 16379, true],
      ['n/d/b', 7, false]
    ])
    expect(bytes.includes('6:source1:S')).to.equal(true)
  })
})
