/** Real .torrent files with what other clients say of them, and each of the small ones damaged at every byte. */
import { expect } from 'chai'
import { readFileSync, readdirSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { decode } from '../../lib/metainfo/bencode.js'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { conformanceDir } from '../support/conformance.js'
import { metainfoErrorOf } from '../support/thrown.js'

interface Expectation {
  num_files?: number
  file_paths?: Record<string, string>
  renamed_files?: Record<string, string>
  file_sizes?: Record<string, number>
  trackers?: Record<string, string>
  url_seeds?: string[]
  creation_date?: number
  symlinks?: Record<string, string>
}

interface Entry {
  file: string
  verdict: 'valid' | 'error'
  kind: 'v1' | 'v2' | 'hybrid'
  expect?: Expectation
  info_sha1: string
  v1_files_count: number
  /** At most twelve of them; an entry may have no length. */
  v1_files: { length: unknown; attr?: string }[]
}

const dir = conformanceDir()
const parse = (bytes: Buffer) => parseMetainfo(bytes, { windows: false })

describe('parseMetainfo: conformance torrents', () => {
  if (!dir) return void it.skip('the conformance data is missing')
  const entries = (JSON.parse(readFileSync(`${dir}/torrents.json`, 'utf8')) as { torrents: Entry[] }).torrents

  for (const entry of entries) {
    it(`${entry.file}: ${entry.verdict}, ${entry.kind}`, () => {
      const bytes = readFileSync(`${dir}/torrents/${entry.file}`)
      if (entry.verdict === 'error') {
        expect(metainfoErrorOf(() => parse(bytes)).code).to.match(/^ERR_BT_(BENCODE|METAINFO|METAINFO_V2_ONLY)$/)
      } else if (entry.kind === 'v2') {
        expect(metainfoErrorOf(() => parse(bytes)).code).to.equal('ERR_BT_METAINFO_V2_ONLY')
      } else {
        agrees(parse(bytes), entry)
      }
    })
  }
})

function agrees(metainfo: ReturnType<typeof parse>, entry: Entry): void {
  const said = entry.expect ?? {}
  const file = (index: string) => metainfo.files[Number(index)]
  expect(metainfo.infoHash.toString('hex')).to.equal(entry.info_sha1)
  expect(metainfo.files).to.have.length(said.num_files ?? entry.v1_files_count)
  for (const [i, { length, attr }] of entry.v1_files.entries()) {
    expect(metainfo.files[i]?.length).to.equal(length ?? 0)
    expect(metainfo.files[i]?.padding).to.equal(/[pl]/.test(attr ?? ''))
  }
  for (const [i, path] of Object.entries({ ...said.file_paths, ...said.renamed_files })) {
    expect(file(i)?.path).to.equal(path)
  }
  for (const [i, size] of Object.entries(said.file_sizes ?? {})) expect(file(i)?.length).to.equal(size)
  for (const i of Object.keys(said.symlinks ?? {})) expect(file(i)).to.include({ length: 0, padding: true })
  if (said.trackers) expect(metainfo.trackers.flat()).to.deep.equal(Object.values(said.trackers))
  if (said.url_seeds) expect(metainfo.webSeeds).to.deep.equal(said.url_seeds)
  if (said.creation_date) expect(metainfo.creationDate).to.equal(said.creation_date)
}

describe('parseMetainfo: torrents with their content', () => {
  if (!dir) return void it.skip('the conformance data is missing')
  const contents = new Map([
    ['alice', ['alice.txt']],
    ['leaves', ['Leaves of Grass by Walt Whitman.epub']],
    ['leaves-metadata', ['Leaves of Grass by Walt Whitman.epub']],
    ['numbers', ['1.txt', '2.txt', '3.txt']],
    ['folder', undefined],
    ['lots-of-numbers', undefined]
  ])
  for (const [name, files] of contents) {
    it(`${name}: the piece hashes are those of the files, in order, at their paths`, () => {
      const metainfo = parse(readFileSync(`${dir}/payloads/${name}.torrent`))
      if (files) expect(metainfo.files.map(file => file.path.split('/').at(-1))).to.deep.equal(files)
      const content = Buffer.concat(metainfo.files.map(file => readFileSync(`${dir}/payloads/${file.path}`)))
      expect(content.length).to.equal(metainfo.length)
      const hashes: Buffer[] = []
      for (let offset = 0; offset < content.length; offset += metainfo.pieceLength) {
        hashes.push(
          createHash('sha1')
            .update(content.subarray(offset, offset + metainfo.pieceLength))
            .digest()
        )
      }
      expect(Buffer.concat(hashes).equals(metainfo.pieceHashes)).to.equal(true)
    })
  }

  it('corrupt: refused for want of a name', () => {
    expect(metainfoErrorOf(() => parse(readFileSync(`${dir}/payloads/corrupt.torrent`))).message).to.include("'name'")
  })
})

describe('parseMetainfo: damaged torrents', () => {
  if (!dir) return void it.skip('the conformance data is missing')
  const parsesOrRefuses = (bytes: Buffer) => {
    let metainfo
    try {
      metainfo = parse(bytes)
    } catch (error) {
      expect(error).to.have.property('name', 'MetainfoError')
      return false
    }
    for (const file of metainfo.files) expect(file.path.split('/')).to.not.include.members(['..'])
    return true
  }
  for (const name of readdirSync(`${dir}/torrents`).filter(each => each.endsWith('.torrent'))) {
    const bytes = readFileSync(`${dir}/torrents/${name}`)
    if (bytes.length > 600) continue

    it(`${name}: every prefix is refused`, () => {
      const { end } = decode(bytes, { allowTrailing: true })
      for (let length = 0; length < end; length++) expect(parsesOrRefuses(bytes.subarray(0, length))).to.equal(false)
    })

    it(`${name}: no change of one byte does worse than refuse it`, () => {
      for (let i = 0; i < bytes.length; i++) {
        for (const byte of Buffer.from('09-:eidl/\0\xff', 'latin1')) {
          const changed = Buffer.from(bytes)
          changed[i] = byte
          parsesOrRefuses(changed)
        }
      }
    })
  }
})
