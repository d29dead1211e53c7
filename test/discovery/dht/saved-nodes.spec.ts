import { expect } from 'chai'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeContacts, type Contact } from '../../../lib/discovery/dht/contact.js'
import {
  encodeSavedNodes,
  parseSavedNodes,
  readSavedNodes,
  writeSavedNodes,
  type SavedNodes
} from '../../../lib/discovery/dht/saved-nodes.js'
import { DHT_MAX_SAVED_BYTES, DHT_MAX_SAVED_NODES } from '../../../lib/limits.js'
import { encode } from '../../../lib/metainfo/bencode.js'
import { rejection } from '../../support/rejection.js'
import { hostsOf, idOf, nodeAt } from './support.js'

const nothing: SavedNodes = { ids: new Map(), contacts: [] }
const nodes: SavedNodes = {
  ids: new Map([
    [4, idOf('44')],
    [6, idOf('66')]
  ]),
  contacts: [nodeAt('1.2.3.4', 'aa'), nodeAt('5.6.7.8', 'bb', 1), nodeAt('2001:db8::1', 'cc', 65_535)]
}
const many = (count: number): Contact[] =>
  Array.from({ length: count }, (_, i) => nodeAt(`1.2.${i >> 8}.${i & 255}`, 'aa'))

describe('saved nodes of the DHT: the bytes', () => {
  it('are read as they were written', () => {
    expect(parseSavedNodes(encodeSavedNodes(nodes))).to.deep.equal(nodes)
    expect(parseSavedNodes(encodeSavedNodes(nothing))).to.deep.equal(nothing)
    const one = { ids: new Map([[6 as const, idOf('66')]]), contacts: [] }
    expect(parseSavedNodes(encodeSavedNodes(one))).to.deep.equal(one)
  })

  it(`hold ${DHT_MAX_SAVED_NODES} nodes of a family at most, the first ones, within the limit of the file`, () => {
    const contacts = [
      ...many(DHT_MAX_SAVED_NODES + 1),
      ...Array.from({ length: 300 }, (_, i) => nodeAt(`2001:db8::${i + 1}`, 'bb'))
    ]
    const bytes = encodeSavedNodes({ ids: nodes.ids, contacts })
    expect(bytes.length).to.be.below(DHT_MAX_SAVED_BYTES)
    const read = parseSavedNodes(bytes).contacts
    expect(read).to.have.length(2 * DHT_MAX_SAVED_NODES)
    expect(hostsOf(read.slice(0, DHT_MAX_SAVED_NODES))).to.deep.equal(hostsOf(many(DHT_MAX_SAVED_NODES)))
    const tooMany = encode({ nodes4: encodeContacts(many(DHT_MAX_SAVED_NODES + 1), 4) })
    expect(parseSavedNodes(tooMany).contacts).to.have.length(DHT_MAX_SAVED_NODES)
  })

  it('give what makes sense of what does not', () => {
    const good = encodeContacts([nodeAt('1.2.3.4', 'aa')], 4)
    for (const [value, found] of [
      [{ id4: Buffer.alloc(19), nodes4: good }, 1],
      [{ id4: 7, id6: [], nodes4: good, nodes6: good }, 1],
      [{ nodes4: Buffer.concat([good, Buffer.alloc(1)]) }, 0],
      [{ nodes4: 7 }, 0],
      [{ nodes4: [good] }, 0],
      [{ nodes: good }, 0],
      [{ nodes4: encodeContacts([nodeAt('224.0.0.1', 'aa'), nodeAt('0.0.0.0', 'bb')], 4) }, 0]
    ] as const) {
      const { ids, contacts } = parseSavedNodes(encode(value))
      expect([ids.size, contacts.length]).to.deep.equal([0, found])
    }
  })

  it('cut anywhere, or of another kind, are nothing', () => {
    const bytes = encodeSavedNodes(nodes)
    for (let length = 0; length < bytes.length; length++)
      expect(parseSavedNodes(bytes.subarray(0, length))).to.deep.equal(nothing)
    for (const text of ['', 'le', 'i1e', '1:x', 'de', '{}', '\u0000', 'd'.repeat(9999), 'l'.repeat(65_000)])
      expect(parseSavedNodes(Buffer.from(text)), text.slice(0, 9)).to.deep.equal(nothing)
  })
})

describe('saved nodes of the DHT: the file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'saved-nodes-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const path = (): string => join(folder, 'cache', 'deep', 'nodes')

  it('is read as it was written, in folders that are made', async () => {
    await writeSavedNodes(path(), nodes)
    expect(await readSavedNodes(path())).to.deep.equal(nodes)
    await writeSavedNodes(path(), nothing)
    expect(await readSavedNodes(path())).to.deep.equal(nothing)
    expect(await readdir(join(folder, 'cache', 'deep'))).to.deep.equal(['nodes'])
  })

  it("is nobody else's to read", async function () {
    if (process.platform === 'win32') this.skip()
    await writeSavedNodes(path(), nodes)
    expect((await stat(path())).mode & 0o777).to.equal(0o600)
  })

  it('is nothing when it is not there, or a folder', async () => {
    expect(await readSavedNodes(path())).to.deep.equal(nothing)
    expect(await readSavedNodes(folder)).to.deep.equal(nothing)
    expect(await readSavedNodes('')).to.deep.equal(nothing)
    expect(await readSavedNodes('a\u0000b')).to.deep.equal(nothing)
  })

  it(`is nothing when it is longer than ${DHT_MAX_SAVED_BYTES} bytes`, async () => {
    const ofLength = (length: number): Buffer => {
      const rest = encode({ id4: idOf('44'), z: Buffer.alloc(10_000) }).length - 10_000
      return encode({ id4: idOf('44'), z: Buffer.alloc(length - rest) })
    }
    const file = join(folder, 'nodes')
    await writeFile(file, ofLength(DHT_MAX_SAVED_BYTES))
    expect((await readSavedNodes(file)).ids.size).to.equal(1)
    await writeFile(file, ofLength(DHT_MAX_SAVED_BYTES + 1))
    expect(await readSavedNodes(file)).to.deep.equal(nothing)
  })

  it('stays as it was when it cannot be written, and nothing is left beside it', async () => {
    const file = join(folder, 'nodes')
    await mkdir(join(file, 'in the way'), { recursive: true })
    expect(await rejection(writeSavedNodes(file, nodes))).to.be.instanceOf(Error)
    expect(await readdir(folder)).to.deep.equal(['nodes'])
    const under = join(folder, 'a file')
    await writeFile(under, 'x')
    expect(await rejection(writeSavedNodes(join(under, 'nodes'), nodes))).to.be.instanceOf(Error)
    expect(await readFile(under, 'utf8')).to.equal('x')
  })

  it('is whole when two write it at once', async () => {
    const other = { ids: nodes.ids, contacts: many(DHT_MAX_SAVED_NODES) }
    for (let i = 0; i < 10; i++) {
      await Promise.all([
        writeSavedNodes(path(), nodes),
        writeSavedNodes(path(), other),
        writeSavedNodes(path(), nodes)
      ])
      expect((await readSavedNodes(path())).contacts.length).to.be.oneOf([3, DHT_MAX_SAVED_NODES])
    }
    expect(await readdir(join(folder, 'cache', 'deep'))).to.deep.equal(['nodes'])
  })
})
