/** The same input has the same info-hash, made by us and by mktorrent. */
import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTorrent, type CreateOptions } from '../../lib/index.js'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { randomBytesSeeded } from '../support/make-torrent.js'
import { skipUnless, succeeds } from '../support/needs.js'

describe('createTorrent and mktorrent', () => {
  let dir: string
  before(function () {
    skipUnless(this, succeeds('mktorrent', ['-h']), 'mktorrent')
  })
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bt-mktorrent-'))
    mkdirSync(join(dir, 'folder', 'sub', 'deep'), { recursive: true })
    mkdirSync(join(dir, 'folder', 'a'))
    const put = (path: string | Buffer, length: number) => {
      const prefix = Buffer.from(`${dir}/folder/`)
      writeFileSync(Buffer.concat([prefix, Buffer.from(path)]), randomBytesSeeded(path.toString('latin1'), length))
    }
    for (const [i, path] of [
      'a.txt',
      'a/b',
      'a0',
      'Z',
      'sub/.hidden',
      'sub/deep/naïve 日本 😀',
      'sub/deep/\' "\\',
      'new\nline'
    ].entries())
      put(path, 30_000 * i + 1)
    put('sub/empty', 0)
    put(Buffer.from([0x62, 0xff, 0xfe]), 10)
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const cases: [name: string, path: string, flags: string[], options: CreateOptions][] = [
    ['a file', 'folder/sub/deep/naïve 日本 😀', [], {}],
    ['a folder with nesting and odd names', 'folder', [], {}],
    ['a private torrent', 'folder', ['-p'], { private: true }],
    ['one with a source', 'folder', ['-s', 'SRC'], { source: 'SRC' }],
    ['another name', 'folder', ['-n', 'other', '-p'], { name: 'other', private: true }]
  ]
  for (const [name, path, flags, options] of cases) {
    it(name, async () => {
      const made = join(dir, 'made.torrent')
      const args = ['-l', '15', '-a', 'http://tracker.example/announce', ...flags, '-o', made, join(dir, path)]
      const { status, stderr } = spawnSync('mktorrent', args, { encoding: 'utf8' })
      expect(status, stderr).to.equal(0)
      const theirs = parseMetainfo(readFileSync(made))
      const { metainfo } = await createTorrent(join(dir, path), { pieceLength: 32_768, ...options })
      expect(metainfo.infoBytes.toString('latin1')).to.equal(theirs.infoBytes.toString('latin1'))
      expect(metainfo.infoHash.toString('hex')).to.equal(theirs.infoHash.toString('hex'))
    })
  }
})
