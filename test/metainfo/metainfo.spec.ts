import { expect } from 'chai'
import { createHash } from 'node:crypto'
import {
  MAX_COMMENT_BYTES,
  MAX_FILE_LENGTH,
  MAX_PATH_DEPTH,
  MAX_PIECES,
  MAX_PIECE_LENGTH,
  MAX_TORRENT_BYTES,
  MAX_TRACKERS,
  MAX_URL_BYTES,
  MAX_WEB_SEEDS
} from '../../lib/limits.js'
import { encode, type Encodable } from '../../lib/metainfo/bencode.js'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { file, folderTorrent, singleFileTorrent, type Dictionary } from '../support/sample-torrent.js'
import { metainfoErrorOf } from '../support/thrown.js'

const parse = (bytes: Uint8Array, windows = false) => parseMetainfo(bytes, { windows })
const refusal = (bytes: Uint8Array) => metainfoErrorOf(() => parse(bytes))
const paths = (bytes: Uint8Array) => parse(bytes).files.map(each => each.path)
const withRoot = (root: Dictionary) => parse(singleFileTorrent({}, root))

describe('parseMetainfo', () => {
  it('reads a torrent of one file', () => {
    const metainfo = parse(
      singleFileTorrent(
        { private: 1 },
        { announce: 'http://t/announce', comment: 'hello', 'created by': 'me', 'creation date': 1_700_000_000 }
      )
    )
    expect(metainfo).to.deep.include({
      name: 'temp',
      singleFile: true,
      pieceLength: 16_384,
      length: 425,
      private: true,
      files: [{ path: 'temp', length: 425, offset: 0, padding: false }],
      trackers: [['http://t/announce']],
      webSeeds: [],
      comment: 'hello',
      createdBy: 'me',
      creationDate: 1_700_000_000,
      warnings: []
    })
    expect(metainfo.pieceHashes.equals(Buffer.alloc(20, 1))).to.equal(true)
  })

  it('reads a folder: offsets, empty files, padding that is counted and never written', () => {
    const metainfo = parse(
      folderTorrent([
        file('a', 10),
        file('b/c', 0),
        file('.pad/16374', 16_374, { attr: 'p' }),
        file('d', 5, { attr: 'xh' })
      ])
    )
    expect(metainfo.singleFile).to.equal(false)
    expect(metainfo.length).to.equal(16_389)
    expect(metainfo.files).to.deep.equal([
      { path: 'temp/a', length: 10, offset: 0, padding: false },
      { path: 'temp/b/c', length: 0, offset: 10, padding: false },
      { path: 'temp/.pad/16374', length: 16_374, offset: 10, padding: true },
      { path: 'temp/d', length: 5, offset: 16_384, padding: false }
    ])
    expect(metainfo.warnings).to.deep.equal([])
  })

  it('keeps nothing of the bytes it was given', () => {
    const bytes = singleFileTorrent()
    const metainfo = parse(bytes)
    const { infoHash, infoBytes, pieceHashes } = metainfo
    bytes.fill(0)
    expect(createHash('sha1').update(infoBytes).digest().equals(infoHash)).to.equal(true)
    expect(pieceHashes.equals(Buffer.alloc(20, 1))).to.equal(true)
  })

  it('hashes info as it stands, also when it is not canonical', () => {
    const info = `d6:lengthi0425e6:pieces20:${'x'.repeat(20)}4:name1:a12:piece lengthi16384ee`
    const metainfo = parse(Buffer.from(`d4:info${info}e`))
    expect(metainfo.infoHash.toString('hex')).to.equal(createHash('sha1').update(info).digest('hex'))
    expect(metainfo.warnings).to.deep.equal([
      'not canonical bencode: leading zero at byte 16',
      'not canonical bencode: unsorted keys at byte 53'
    ])
  })

  describe('refuses what is not a .torrent', () => {
    it('at its first byte', () => {
      expect(refusal(Buffer.from('<!DOCTYPE html>')).message).to.equal("not a .torrent file (starts with '<')")
      expect(refusal(Buffer.from([0x1f, 0x8b])).message).to.equal('not a .torrent file (starts with byte 0x1f)')
      expect(refusal(Buffer.from('\u001b[31m')).message).to.include('byte 0x1b')
      expect(refusal(Buffer.alloc(0)).message).to.include('empty')
      expect(refusal(Buffer.from('<')).code).to.equal('ERR_BT_BENCODE')
    })

    it('when the top or info is of another kind', () => {
      for (const bytes of [
        encode('a string'),
        encode([]),
        encode(7),
        encode({}),
        encode({ info: [] }),
        encode({ info: 'x' })
      ]) {
        expect(refusal(bytes).code).to.equal('ERR_BT_METAINFO')
      }
    })

    it('when it is too large', () => {
      const torrent = (size: number) => {
        const rest = singleFileTorrent({}, { comment: '' }).length + 6
        return singleFileTorrent({}, { comment: Buffer.alloc(size - rest, 'x') })
      }
      expect(parse(torrent(MAX_TORRENT_BYTES)).name).to.equal('temp')
      expect(refusal(torrent(MAX_TORRENT_BYTES + 1)).code).to.equal('ERR_BT_METAINFO_TOO_LARGE')
    })

    it('but forgives bytes after it', () => {
      const metainfo = parse(Buffer.concat([singleFileTorrent(), Buffer.from('\r\n')]))
      expect(metainfo.warnings).to.deep.equal(['bytes ignored after the end of the torrent: 2'])
    })
  })

  describe('checks pieces', () => {
    it('piece length', () => {
      for (const value of [undefined, '16384', 0, -16_384, MAX_PIECE_LENGTH + 1, 2n ** 62n]) {
        expect(refusal(singleFileTorrent({ 'piece length': value })).message).to.include("'piece length'")
      }
      expect(parse(singleFileTorrent({ 'piece length': MAX_PIECE_LENGTH })).pieceLength).to.equal(MAX_PIECE_LENGTH)
    })

    it('pieces', () => {
      for (const value of [undefined, 5, [], {}]) {
        expect(refusal(singleFileTorrent({ pieces: value })).message).to.include("'pieces' is missing")
      }
      for (const size of [0, 19, 21, 40]) {
        expect(refusal(singleFileTorrent({ pieces: Buffer.alloc(size) })).message).to.include(
          `'pieces' has ${size} bytes, but 1 pieces need 20`
        )
      }
    })

    it('two pieces keys, next to each other or not', () => {
      const pieces = `6:pieces20:${'x'.repeat(20)}`
      const info = (head: string, tail: string) => `d${head}6:lengthi1e4:name1:a12:piece lengthi1e${tail}e`
      for (const each of [info('', pieces + pieces), info(pieces, pieces)]) {
        expect(refusal(Buffer.from(`d4:info${each}e`)).message).to.include("'pieces' is there 2 times")
      }
      const otherTwice = parse(Buffer.from(`d4:info${info('', `${pieces}7:privatei0e7:privatei1e`)}e`))
      expect(otherTwice.private).to.equal(false)
      expect(otherTwice.warnings.join()).to.include('duplicate key')
    })

    it('their number', () => {
      const torrent = (length: number) => singleFileTorrent({ length, 'piece length': 1, pieces: Buffer.alloc(20) })
      expect(refusal(torrent(MAX_PIECES)).message).to.include(`${MAX_PIECES} pieces need`)
      expect(refusal(torrent(MAX_PIECES + 1)).message).to.include(`the limit is ${MAX_PIECES}`)
    })
  })

  describe('checks files', () => {
    it('lengths', () => {
      for (const length of [undefined, -1, '425', [425], MAX_FILE_LENGTH + 1, 2n ** 63n - 1n]) {
        expect(refusal(singleFileTorrent({ length })).message).to.include("'length'")
        expect(refusal(folderTorrent([{ path: ['a'], length }, file('b')])).message).to.include("'length' of file 0")
      }
      expect(refusal(singleFileTorrent({ length: MAX_FILE_LENGTH })).message).to.include('pieces; the limit is')
      expect(refusal(folderTorrent([file('a', MAX_FILE_LENGTH), file('b', 1)], { pieces: '' })).message).to.include(
        'together'
      )
    })

    it('that there is something to download', () => {
      expect(refusal(singleFileTorrent({ length: 0, pieces: '' })).code).to.equal('ERR_BT_METAINFO')
      for (const files of [[], [file('a', 0), file('b', 0)], [file('p', 9, { attr: 'p' })]]) {
        expect(refusal(folderTorrent(files)).message).to.include('not one byte')
      }
      expect(paths(folderTorrent([file('a', 0), file('b', 1)]))).to.deep.equal(['temp/a', 'temp/b'])
    })

    it('paths', () => {
      for (const path of [undefined, [], 'a', ['a', 7], [['a']], {}]) {
        expect(refusal(folderTorrent([{ length: 1, path }])).message).to.include('file 0')
      }
      for (const files of ['x', 7, {}, [7], ['x']])
        expect(refusal(singleFileTorrent({ files })).code).to.equal('ERR_BT_METAINFO')
    })

    it('depth of folders', () => {
      const deep = (depth: number) => folderTorrent([file(Array(depth).fill('d').join('/'))])
      expect(paths(deep(MAX_PATH_DEPTH))[0]).to.have.length(5 + 2 * MAX_PATH_DEPTH - 1)
      expect(refusal(deep(MAX_PATH_DEPTH + 1)).message).to.include('more than 100 elements')
    })

    it('files, not length, when both are there', () => {
      expect(parse(folderTorrent([file('a', 2)], { length: 425 })).length).to.equal(2)
    })
  })

  describe('makes names safe', () => {
    it('of the torrent', () => {
      const name = (value: Encodable) => parse(singleFileTorrent({ name: value }))
      expect(name('../../x').files[0]?.path).to.equal('....x')
      expect(name('a\nb\u001b[31m\u202e').name).to.equal('a_b_[31m')
      expect(name(Buffer.from([0x61, 0xff, 0xfe, 0x62])).name).to.equal('a_b')
      expect(name('').name).to.equal(name('').infoHash.toString('hex'))
      expect(name('..').name).to.match(/^[0-9a-f]{40}$/)
      expect(name('..').warnings.join()).to.include('name made safe')
      for (const value of [undefined, 7, [], '\0\0'])
        expect(refusal(singleFileTorrent({ name: value })).message).to.include("'name'")
    })

    it('of files, and says so once', () => {
      const metainfo = parse(folderTorrent([file('../b'), file('c'), { length: 1, path: ['', '..'] }, file('C')]))
      expect(metainfo.files.map(each => each.path)).to.deep.equal(['temp/_/b', 'temp/c', 'temp/_/_', 'temp/C.1'])
      expect(metainfo.warnings).to.deep.equal(['file names made safe or distinct: 3, the first: temp/_/b'])
    })

    it('for Windows, there', () => {
      const bytes = folderTorrent([file('con.txt'), file('a:b '), file('ok')], { name: 'nul' })
      expect(parse(bytes, true).files.map(each => each.path)).to.deep.equal(['_nul/_con.txt', '_nul/a_b', '_nul/ok'])
      expect(parse(bytes).warnings).to.deep.equal([])
    })

    it('and prefers those that are said to be UTF-8', () => {
      const bytes = folderTorrent([{ length: 1, path: [Buffer.from([0xe9])], 'path.utf-8': ['é'] }], {
        name: Buffer.from([0xe9]),
        'name.utf-8': 'É'
      })
      expect(paths(bytes)).to.deep.equal(['É/é'])
    })

    it('and leaves out symbolic links', () => {
      const link = file('link', 425, { attr: 'l', 'symlink path': ['..', 'etc', 'passwd'] })
      const metainfo = parse(folderTorrent([file('a', 10), link], { pieces: Buffer.alloc(20) }))
      expect(metainfo.length).to.equal(10)
      expect(metainfo.files[1]).to.deep.equal({ path: 'temp/link', length: 0, offset: 10, padding: true })
      expect(metainfo.warnings).to.deep.equal(['symbolic links left out: 1'])
      expect(refusal(folderTorrent([file('a', 10), { ...link, 'symlink path': [7] }])).message).to.include(
        'symlink path'
      )
      expect(parse(folderTorrent([file('a', 10, { attr: 'l' })])).files[0]).to.include({ length: 10, padding: false })
    })
  })

  describe('takes what it can of the optional parts', () => {
    it('trackers in tiers, announce only without them', () => {
      const list = [['http://a', ' udp://b \n'], [], ['http://a', 'http://c']]
      expect(withRoot({ announce: 'http://z', 'announce-list': list }).trackers).to.deep.equal([
        ['http://a', 'udp://b'],
        ['http://c']
      ])
      for (const empty of [[], [[]], [['']], 'x', 7, ['http://flat']]) {
        expect(withRoot({ announce: 'http://z', 'announce-list': empty }).trackers).to.deep.equal([['http://z']])
      }
      expect(withRoot({ announce: '' })).to.deep.include({ trackers: [], warnings: [] })
      expect(withRoot({ announce: [] })).to.deep.include({
        trackers: [],
        warnings: ['unusable tracker entries ignored: 1']
      })
      const mixed = withRoot({ 'announce-list': [['http://a', 7, 'http://b\u0000'], 'x'] })
      expect(mixed.trackers).to.deep.equal([['http://a']])
      expect(mixed.warnings).to.deep.equal(['unusable tracker entries ignored: 3'])
    })

    it('web seeds as a string or a list', () => {
      expect(withRoot({ 'url-list': 'http://s/a b' }).webSeeds).to.deep.equal(['http://s/a%20b'])
      expect(withRoot({ 'url-list': ['http://s', 'http://s', '', 7] }).webSeeds).to.deep.equal(['http://s'])
      expect(withRoot({ 'url-list': '' })).to.deep.include({ webSeeds: [], warnings: [] })
      expect(withRoot({ 'url-list': {} }).warnings).to.have.length(1)
      const folder = folderTorrent([file('a'), file('b')], {}, { 'url-list': ['http://s', 'http://t/'] })
      expect(parse(folder).webSeeds).to.deep.equal(['http://s/', 'http://t/'])
    })

    it('a bounded number of URLs of bounded length', () => {
      const urls = (count: number) => Array.from({ length: count }, (_, i) => `http://t/${i}`)
      expect(withRoot({ 'announce-list': [urls(MAX_TRACKERS)] })).to.deep.include({ warnings: [] })
      const trackers = withRoot({ 'announce-list': urls(MAX_TRACKERS + 2).map(url => [url]) })
      expect(trackers.trackers).to.have.length(MAX_TRACKERS)
      expect(trackers.warnings).to.deep.equal(['tracker URLs ignored beyond the first 100: 2'])
      expect(withRoot({ 'url-list': urls(MAX_WEB_SEEDS) }).warnings).to.deep.equal([])
      expect(withRoot({ 'url-list': urls(MAX_WEB_SEEDS + 1) }).webSeeds).to.have.length(MAX_WEB_SEEDS)
      const long = (length: number) => 'http://'.padEnd(length, 'x')
      expect(withRoot({ announce: long(MAX_URL_BYTES) }).trackers).to.have.length(1)
      expect(withRoot({ announce: long(MAX_URL_BYTES + 1) }).trackers).to.have.length(0)
    })

    it('words, short and without controls', () => {
      expect(withRoot({ comment: 'a\r\nb\u001b[2J\u202e\u0000c' }).comment).to.equal('a b[2Jc')
      expect(withRoot({ comment: 'x'.repeat(MAX_COMMENT_BYTES) }).comment).to.have.length(MAX_COMMENT_BYTES)
      expect(withRoot({ 'created by': 'x'.repeat(9_000_000) }).createdBy).to.have.length(MAX_COMMENT_BYTES)
      expect(withRoot({ comment: 'x'.repeat(MAX_COMMENT_BYTES - 1) + 'é' }).comment).to.have.length(
        MAX_COMMENT_BYTES - 1
      )
      expect(withRoot({ comment: 'old', 'comment.utf-8': 'new' }).comment).to.equal('new')
      expect(withRoot({ comment: 7 })).to.deep.include({
        comment: undefined,
        warnings: ["ignored 'comment', which is not a string"]
      })
    })

    it('dates and flags', () => {
      for (const date of ['now', -1, 2n ** 60n, []]) {
        expect(withRoot({ 'creation date': date })).to.deep.include({
          creationDate: undefined,
          warnings: ["ignored 'creation date', which is not a date"]
        })
      }
      const isPrivate = (value: Encodable) => parse(singleFileTorrent({ private: value })).private
      expect([0, 1, 2, '1'].map(isPrivate)).to.deep.equal([false, true, true, false])
    })
  })

  it('is not slowed down by a hostile file', () => {
    const info = singleFileTorrent().subarray(1, -1).toString('latin1')
    const junk = (each: string, count: number) => Buffer.from(`d1:al${each.repeat(count)}e${info}e`, 'latin1')
    const cases = [
      junk('0:', 2_900_000),
      junk('le', 2_900_000),
      junk('d1:z0:1:y0:1:z0:e', 400_000),
      folderTorrent(Array.from({ length: 50_000 }, (_, i) => file(`f${i}`))),
      folderTorrent(Array.from({ length: 8_000 }, (_, i) => file(`${i}${'/d'.repeat(99)}`)))
    ]
    for (const bytes of cases) {
      const before = performance.now()
      expect(parse(bytes).length).to.be.greaterThan(0)
      expect(performance.now() - before).to.be.below(3000)
    }
  }).timeout(30_000)
})
