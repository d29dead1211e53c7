import { expect } from 'chai'
import { encode, type Encodable } from '../../lib/metainfo/bencode.js'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { file, folderTorrent, type Dictionary } from '../support/sample-torrent.js'
import { metainfoErrorOf } from '../support/thrown.js'

const ROOT = Buffer.alloc(32, 7)
const leaf = (length: number, more: Dictionary = {}): Encodable => ({
  '': { length, 'pieces root': length > 0 ? ROOT : undefined, ...more }
})

const FILES = [file('a', 10), file('.pad/1', 16_374, { attr: 'p' }), file('d/b', 5), file('d/c', 0)]
const TREE = { a: leaf(10), d: { b: leaf(5), c: leaf(0) } }

const hybrid = (info: Dictionary = {}, files = FILES) =>
  folderTorrent(files, { 'meta version': 2, 'file tree': TREE, ...info })
const parse = (bytes: Buffer) => parseMetainfo(bytes, { windows: false })
const refusal = (bytes: Buffer) => metainfoErrorOf(() => parse(bytes))

describe('hybrid torrents', () => {
  it('run as v1 when both halves name the same files', () => {
    expect(parse(hybrid()).files.map(each => each.path)).to.deep.equal([
      'temp/a',
      'temp/.pad/1',
      'temp/d/b',
      'temp/d/c'
    ])
    const one = { name: 'x', length: 3, files: undefined, pieces: Buffer.alloc(20), 'file tree': { x: leaf(3) } }
    expect(parse(hybrid(one)).singleFile).to.equal(true)
    expect(refusal(hybrid({ ...one, 'file tree': { y: leaf(3) } })).message).to.include('differ')
  })

  it('are refused when the halves differ', () => {
    const trees: Encodable[] = [
      { a: leaf(10), d: { b: leaf(5) } },
      { a: leaf(10), d: { b: leaf(5), c: leaf(0), e: leaf(0) } },
      { a: leaf(11), d: { b: leaf(5), c: leaf(0) } },
      { A: leaf(10), d: { b: leaf(5), c: leaf(0) } },
      { a: leaf(10), b: leaf(5), d: { c: leaf(0) } },
      { a: leaf(10), d: { b: leaf(5), c: leaf(0, { attr: 'l', 'symlink path': ['a'] }) } },
      {}
    ]
    for (const tree of trees)
      expect(refusal(hybrid({ 'file tree': tree })).message).to.match(/halves differ|halves? has|half has/)
    const reordered = [file('d/b', 5), file('.pad/1', 16_379, { attr: 'p' }), file('a', 10), file('d/c', 0)]
    expect(refusal(hybrid({}, reordered)).message).to.include('differ at file 0')
  })

  it('are refused when a file does not begin with a piece', () => {
    const shifted = [file('a', 10), file('.pad/1', 16_373, { attr: 'p' }), file('d/b', 5), file('d/c', 0)]
    expect(refusal(hybrid({}, shifted)).message).to.include('does not begin with a piece')
  })

  it('are refused when the tree is broken', () => {
    const trees: (Encodable | undefined)[] = [
      undefined,
      [],
      { a: 7 },
      { a: { '': 7 } },
      { a: { '': {} } },
      { '': leaf(10), a: leaf(10) },
      { a: { '': { length: 10, 'pieces root': ROOT }, b: leaf(1) } },
      { a: { '': { length: 10 } } },
      { a: leaf(10, { 'pieces root': Buffer.alloc(31, 7) }) },
      { a: leaf(10, { 'pieces root': Buffer.alloc(32) }) },
      { a: leaf(10, { attr: 'p' }) },
      { a: leaf(-1) }
    ]
    for (const tree of trees) expect(refusal(hybrid({ 'file tree': tree })).message).to.include("'file tree'")
  })

  it('need a piece length that v2 takes', () => {
    const pieces = Buffer.alloc(20 * 3)
    const files = [file('a', 40_000)]
    const tree = { a: leaf(40_000) }
    expect(parse(hybrid({ pieces, 'file tree': tree }, files)).pieceLength).to.equal(16_384)
    for (const [pieceLength, count] of [
      [16_385, 3],
      [24_576, 2],
      [8192, 5]
    ] as const) {
      const changed = { 'piece length': pieceLength, pieces: Buffer.alloc(20 * count), 'file tree': tree }
      expect(refusal(hybrid(changed, files)).message).to.include('powers of two')
    }
  })

  it('must be canonical', () => {
    const bytes = Buffer.from(hybrid().toString('latin1').replace('6:lengthi10e', '6:lengthi010e'), 'latin1')
    expect(refusal(bytes).message).to.include('leading zero').and.to.include('v2')
  })
})

describe('v2 torrents', () => {
  it('are refused by name', () => {
    const info = { 'file tree': TREE, 'meta version': 2, name: 'temp', 'piece length': 16_384 }
    const error = refusal(encode({ info }))
    expect(error.code).to.equal('ERR_BT_METAINFO_V2_ONLY')
    expect(error.message).to.include('v2')
  })

  it('of a later version need a newer client', () => {
    expect(refusal(hybrid({ 'meta version': 3 })).message).to.include('newer client')
    for (const version of ['2', 0, -2])
      expect(refusal(hybrid({ 'meta version': version })).message).to.include("'meta version'")
    expect(parse(hybrid({ 'meta version': 1, 'file tree': 'ignored' })).files).to.have.length(4)
  })
})
