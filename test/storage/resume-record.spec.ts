import { expect } from 'chai'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { MAX_RECORD_BYTES } from '../../lib/limits.js'
import { TransferTotals } from '../../lib/policy/transfer-totals.js'
import { recordName, ResumeRecord } from '../../lib/storage/resume-record.js'
import { TargetFolder } from '../../lib/storage/target-folder.js'
import { MemoryDisk } from './memory-disk.js'
import { sampleTorrent } from './sample-torrent.js'

const torrent = sampleTorrent(
  [
    { path: 'a', length: 100 },
    { path: 'b "ü"/c', length: 250 },
    { path: 'd', length: 0 }
  ],
  32
)
const path = `/dir/${recordName(torrent.metainfo)}`

async function load(bytes?: Buffer): Promise<ResumeRecord> {
  const disk = new MemoryDisk('/dir')
  if (bytes) disk.put(path, bytes)
  return ResumeRecord.load(disk, await TargetFolder.open(disk, '/dir', { create: false }), torrent.metainfo)
}

/** A record that owns files 0 and 1 and knows pieces 0, 2 and 10. */
async function saved(): Promise<Buffer> {
  const disk = new MemoryDisk('/dir')
  const target = await TargetFolder.open(disk, '/dir', { create: false })
  const record = await ResumeRecord.load(disk, target, torrent.metainfo)
  record.mark(0, { size: 100, mtimeMs: 1.5 })
  record.mark(1, { size: -1, mtimeMs: 0 })
  for (const piece of [0, 2, 10]) record.addPiece(piece)
  await record.save()
  return Buffer.from(disk.get(path) ?? '')
}

function withChecksum(text: string): Buffer {
  return Buffer.from(`${text}sha256 ${createHash('sha256').update(text).digest('hex')}\n`)
}

const pieces = (record: ResumeRecord) => [...Array(torrent.geometry.pieceCount).keys()].filter(n => record.hasPiece(n))
const owned = (record: ResumeRecord) => [...Array(10).keys()].filter(n => record.owns(n))

describe('ResumeRecord', function () {
  this.timeout(20_000)

  it('is read as it was saved', async () => {
    const record = await load(await saved())
    expect(record.damaged).to.equal(false)
    expect(pieces(record)).to.deep.equal([0, 2, 10])
    expect(owned(record)).to.deep.equal([0, 1])
    expect(record.markOf(0)).to.deep.equal({ size: 100, mtimeMs: 1.5 })
    expect(record.markOf(2)).to.equal(undefined)
  })

  it('is empty when there is none', async () => {
    const record = await load()
    expect([record.damaged, record.whole, pieces(record), owned(record)]).to.deep.equal([false, false, [], []])
  })

  it('cut at any byte claims no piece; its whole lines still say which files are ours', async () => {
    const bytes = await saved()
    for (let length = 0; length < bytes.length; length++) {
      const record = await load(bytes.subarray(0, length))
      expect(record.damaged, `at ${length}`).to.equal(true)
      expect(pieces(record)).to.deep.equal([])
      expect(record.markOf(0)).to.equal(undefined)
      expect([0, 1]).to.include.members(owned(record))
    }
    expect(owned(await load(bytes.subarray(0, bytes.length - 1)))).to.deep.equal([0, 1])
  })

  it('with any byte changed claims no piece and no file that is not its own', async () => {
    const bytes = await saved()
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ flip
        const record = await load(changed)
        expect(pieces(record)).to.deep.equal([])
        expect([0, 1]).to.include.members(owned(record))
      }),
      { numRuns: 300 }
    )
  })

  it('says which files are ours also when its first lines are broken', async () => {
    const text = (await saved()).toString()
    for (const broken of ['"pieces":"', '"infoHash"'])
      expect(owned(await load(Buffer.from(text.replace(broken, '"\0'))))).to.deep.equal([0, 1])
  })

  it('of another torrent, version or shape is ignored, though its sum is right', async () => {
    const text = (await saved()).toString().split('sha256')[0] ?? ''
    const hash = torrent.metainfo.infoHash.toString('hex')
    const wrong: [string, string][] = [
      ['record 1', 'record 2'],
      [hash, 'ab'.repeat(20)],
      ['"pieceCount":11', '"pieceCount":12'],
      ['"pieces":"', '"pieces":"AAAA'],
      ['"pieces":"', '"pieces":7,"x":"']
    ]
    expect((await load(withChecksum(text))).whole).to.equal(true)
    for (const [from, to] of wrong) {
      expect(text).to.contain(from)
      const record = await load(withChecksum(text.replace(from, to)))
      expect(record.whole, to).to.equal(false)
      expect(pieces(record)).to.deep.equal([])
    }
  })

  it('owns no path but those of its torrent, at their positions', async () => {
    const text = (await saved()).toString().split('sha256')[0] ?? ''
    for (const line of [
      '[2,1,1,"../../etc/passwd"]',
      '[2,1,1,"a"]',
      '[99,1,1,"a"]',
      '[-1,1,1,"a"]',
      '[2,1,1]',
      '[2,"1",1,"d"]',
      '{}',
      'null'
    ]) {
      expect(owned(await load(withChecksum(`${text}${line}\n`))), line).to.deep.equal([0, 1])
    }
    expect(owned(await load(withChecksum(`${text}[2,1,1,"d"]\n`)))).to.deep.equal([0, 1, 2])
  })

  it('is read up to its largest size and not beyond', async function () {
    this.timeout(20_000)
    const bytes = await saved()
    const lines = bytes.toString().split('sha256')[0] ?? ''
    const fill = MAX_RECORD_BYTES - bytes.length
    const largest = withChecksum(`${lines}${' '.repeat(fill - 1)}\n`)
    expect(largest).to.have.lengthOf(MAX_RECORD_BYTES)
    expect((await load(largest)).whole).to.equal(true)
    const beyond = await load(withChecksum(`${lines}${' '.repeat(fill)}\n`))
    expect([beyond.damaged, owned(beyond)]).to.deep.equal([true, []])
  })

  describe('keeps what was taken and given', () => {
    const open = async (disk: MemoryDisk, given = 0): Promise<[ResumeRecord, TransferTotals]> => {
      const target = await TargetFolder.open(disk, '/dir', { create: false })
      const totals = new TransferTotals()
      const record = await ResumeRecord.load(disk, target, torrent.metainfo, totals)
      totals.session = () => ({ uploaded: given, downloaded: 1 })
      return [record, totals]
    }

    it('through sessions', async () => {
      const disk = new MemoryDisk('/dir')
      for (const given of [7, 0, 5]) {
        const [record] = await open(disk, given)
        record.mark(0, { size: 100, mtimeMs: 1.5 })
        await record.save()
      }
      expect((await open(disk))[1].now).to.deep.equal({ uploaded: 12, downloaded: 4 })
    })

    it('also when nothing else is new at the end, and makes no record for it', async () => {
      const disk = new MemoryDisk('/dir')
      await (await open(disk, 3))[0].saveTotals()
      expect(disk.get(path)).to.equal(undefined)
      disk.put(path, await saved())
      await (await open(disk, 3))[0].saveTotals()
      expect((await open(disk))[1].now.uploaded).to.equal(3)
    })

    it('and reads a record without it, or with nonsense, as if nothing had been', async () => {
      const text = (await saved()).toString().split('sha256')[0] ?? ''
      for (const head of ['', ',"uploaded":-1,"downloaded":0', ',"uploaded":"7","downloaded":0']) {
        const disk = new MemoryDisk('/dir')
        disk.put(path, withChecksum(text.replace(',"uploaded":0,"downloaded":0', head)))
        const [record, totals] = await open(disk)
        expect([record.whole, totals.now.uploaded], head).to.deep.equal([true, 0])
      }
    })
  })

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async bytes => {
        const record = await load(Buffer.from(bytes))
        expect([record.damaged, owned(record), pieces(record)]).to.deep.equal([true, [], []])
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 200) }
    )
  })
})
