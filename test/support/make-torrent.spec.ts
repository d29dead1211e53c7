import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { makeTorrent, randomBytesSeeded, writeContent } from './make-torrent.js'

const sha1 = (text: string): string => createHash('sha1').update(text).digest().toString('latin1')

describe('make-torrent', () => {
  it('writes a single-file torrent byte for byte', () => {
    const made = makeTorrent({ name: 'a', data: Buffer.from('hello'), pieceLength: 4, trackers: [['http://t/']] })
    const info = `d6:lengthi5e4:name1:a12:piece lengthi4e6:pieces40:${sha1('hell')}${sha1('o')}e`
    expect(made.torrent.toString('latin1')).to.equal(
      `d8:announce9:http://t/13:announce-listll9:http://t/ee4:info${info}e`
    )
    expect(made.infoHash).to.equal(createHash('sha1').update(info, 'latin1').digest('hex'))
    expect(made.content.toString()).to.equal('hello')
  })

  it('writes a multi-file torrent, names in UTF-8', () => {
    const files = [
      { path: ['é'], data: Buffer.from('ab') },
      { path: ['d', 'empty'], data: Buffer.alloc(0) }
    ]
    const made = makeTorrent({ name: 'm', files, pieceLength: 4, private: true, webSeeds: ['http://w/'] })
    const list = 'ld6:lengthi2e4:pathl2:é' + 'eed6:lengthi0e4:pathl1:d5:emptyeee'
    const text = Buffer.from(`d4:infod5:files${list}4:name1:m12:piece lengthi4e6:pieces20:`).toString('latin1')
    expect(made.torrent.toString('latin1')).to.equal(`${text}${sha1('ab')}7:privatei1ee8:url-listl9:http://w/ee`)
  })

  it('pads every file but the last to a piece boundary', () => {
    const files = [3, 4, 5].map(length => ({ path: [`f${length}`], data: Buffer.alloc(length, 1) }))
    const made = makeTorrent({ name: 'p', files, pieceLength: 4, padding: true })
    expect(made.content.toString('hex')).to.equal('01010100' + '01010101' + '0101010101')
    expect(made.torrent.toString('latin1')).to.include('d4:attr1:p6:lengthi1e4:pathl4:.pad1:1ee')
  })

  it('gives the same bytes for the same seed, others for another', () => {
    expect(randomBytesSeeded(1, 100)).to.deep.equal(randomBytesSeeded(1, 200).subarray(0, 100))
    expect(randomBytesSeeded(1, 100)).to.not.deep.equal(randomBytesSeeded(2, 100))
    expect(randomBytesSeeded('x', 0)).to.have.length(0)
  })

  it('writes the content where a seeder looks for it', () => {
    const dir = mkdtempSync(join(tmpdir(), 'bt-make-'))
    try {
      const single = writeContent(dir, { name: 's', data: Buffer.from('1'), pieceLength: 4 })
      expect(readFileSync(single, 'utf8')).to.equal('1')
      writeContent(dir, { name: 'm', files: [{ path: ['d', 'f'], data: Buffer.from('2') }], pieceLength: 4 })
      expect(readFileSync(join(dir, 'm', 'd', 'f'), 'utf8')).to.equal('2')
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
