import { expect } from 'chai'
import fc from 'fast-check'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAX_TOTALS_BYTES } from '../../lib/limits.js'
import { TotalsFile } from '../../lib/storage/totals-file.js'
import { rejection } from '../support/rejection.js'
import { sampleTorrent } from './sample-torrent.js'

const { infoHash } = sampleTorrent([{ path: 'a', length: 1 }], 16).metainfo

describe('TotalsFile', () => {
  let folder: string
  let file: TotalsFile
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'bt-totals-')), 'state', 'totals')
    file = new TotalsFile(folder, infoHash)
  })
  afterEach(() => rmSync(join(folder, '..', '..'), { recursive: true, force: true }))

  const put = (bytes: Uint8Array | string): void =>
    writeFileSync(join(folder, `${infoHash.toString('hex')}.json`), bytes)

  it('is read as it was written, and is alone in its folder', async () => {
    expect(await file.read()).to.equal(undefined)
    await file.write({ uploaded: 3, downloaded: Number.MAX_SAFE_INTEGER })
    await file.write({ uploaded: 4, downloaded: 5 })
    expect(await file.read()).to.deep.equal({ uploaded: 4, downloaded: 5 })
    expect(readdirSync(folder)).to.deep.equal([`${infoHash.toString('hex')}.json`])
  })

  it('is read up to its largest size and not beyond', async () => {
    await file.write({ uploaded: 1, downloaded: 2 })
    const text = '{"uploaded":1,"downloaded":2}'
    put(text.padEnd(MAX_TOTALS_BYTES))
    expect(await file.read()).to.deep.equal({ uploaded: 1, downloaded: 2 })
    put(text.padEnd(MAX_TOTALS_BYTES + 1))
    expect(await file.read()).to.equal(undefined)
  })

  it('may hold any bytes', async () => {
    await file.write({ uploaded: 1, downloaded: 2 })
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.json()), async content => {
        put(content)
        expect(await file.read()).to.equal(undefined)
      }),
      { numRuns: 100 }
    )
  })

  it('rejects when it cannot be written', async () => {
    writeFileSync(join(folder, '..', '..', 'plain'), '')
    const other = new TotalsFile(join(folder, '..', '..', 'plain', 'totals'), infoHash)
    expect(await rejection(other.write({ uploaded: 1, downloaded: 1 }))).to.have.property('code', 'ENOTDIR')
    expect(await other.read()).to.equal(undefined)
  })
})
