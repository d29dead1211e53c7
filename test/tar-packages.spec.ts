/** The archive of a torrent, read by what Node programs read tar with. */
import { expect } from 'chai'
import { pipeline } from 'node:stream/promises'
import { buffer } from 'node:stream/consumers'
import { Parser } from 'tar'
import { extract } from 'tar-stream'
import type { Torrent } from '../lib/torrent.js'
import { randomBytesSeeded } from './support/make-torrent.js'
import { SwarmBench } from './support/swarm-bench.js'

const source = {
  name: 'Ordner – 森',
  pieceLength: 32_768,
  files: [
    { path: ['a.txt'], data: Buffer.from('short') },
    { path: ['leer'], data: Buffer.alloc(0) },
    { path: ['d'.repeat(90), 'e'.repeat(90), `${'f'.repeat(90)}.bin`], data: randomBytesSeeded('deep', 100_001) },
    { path: ['größe – 木.bin'], data: randomBytesSeeded('names', 512) }
  ]
}
const expected = source.files.map(({ path, data }): [string, string] => [
  `${source.name}/${path.join('/')}`,
  data.toString('hex')
])

describe('the archive of a torrent', () => {
  let bench: SwarmBench
  let torrent: Torrent
  beforeEach(async () => {
    bench = new SwarmBench(source)
    torrent = await bench.leech([(await bench.seed())[0]])
  })
  afterEach(() => bench.close())

  it('is read by tar-stream', async () => {
    const entries: [string, string][] = []
    const reader = extract()
    reader.on('entry', ({ name, type }, stream, next) => {
      buffer(stream).then(bytes => {
        if (type === 'file') entries.push([name, bytes.toString('hex')])
        next()
      }, next)
    })
    await pipeline(torrent.createTarStream(), reader)
    expect(entries).to.deep.equal(expected)
  })

  it('is read by tar', async () => {
    const entries: [string, string][] = []
    const warnings: string[] = []
    const parser = new Parser({
      strict: true,
      onReadEntry: entry => {
        const chunks: Buffer[] = []
        entry.on('data', chunk => chunks.push(chunk))
        entry.on('end', () => entries.push([entry.path, Buffer.concat(chunks).toString('hex')]))
      }
    })
    parser.on('warn', (code: string) => warnings.push(code))
    for await (const chunk of torrent.createTarStream() as AsyncIterable<Buffer>) parser.write(chunk)
    parser.end()
    expect(entries).to.deep.equal(expected)
    expect(warnings).to.deep.equal([])
  })
})
