/** The machine stops after each change to the disk; whatever is found then, nothing is lost and nothing claimed that is not there. */
import { expect } from 'chai'
import { TargetFolder } from '../../lib/storage/target-folder.js'
import { FileStorage } from '../../lib/storage/file-storage.js'
import { recordName, ResumeRecord } from '../../lib/storage/resume-record.js'
import { CHECKPOINT_INTERVAL_MS } from '../../lib/limits.js'
import { ManualClock } from './manual-clock.js'
import { MemoryDisk, type Crash } from './memory-disk.js'
import { check, sampleTorrent, verified } from './sample-torrent.js'

const torrent = sampleTorrent(
  [
    { path: 'a', length: 100 },
    { path: 'theirs', length: 64 },
    { path: 'sub/b', length: 92 },
    { path: 'sub/none', length: 0 },
    { path: 'c', length: 130 }
  ],
  32
)
const lock = `/dir/${recordName(torrent.metainfo)}.lock`
const bystander = Buffer.from('a file that has nothing to do with the torrent')

async function session(disk: MemoryDisk, order: number[], finish: boolean): Promise<void> {
  const clock = new ManualClock()
  const { metainfo, geometry, all } = torrent
  const open = { dir: '/dir', metainfo, geometry, selected: all, overwrite: false, fileSystem: disk, clock }
  const storage = await FileStorage.open(open)
  try {
    const have = await check(storage, torrent)
    await storage.adopt(have)
    for (const [step, index] of order.entries()) {
      if (have.has(torrent.piece(index))) continue
      await storage.write([verified(torrent, index)])
      if (step % 3 === 2) clock.advance(CHECKPOINT_INTERVAL_MS)
    }
    if (finish) await storage.finish()
  } finally {
    await storage.close()
  }
}

function newDisk(): MemoryDisk {
  const disk = new MemoryDisk('/dir')
  disk.put('/dir/root/theirs', torrent.fileBytes(1))
  disk.put('/dir/bystander', bystander)
  return disk
}

async function expectSoundRecord(disk: MemoryDisk): Promise<number> {
  const record = await ResumeRecord.load(
    disk,
    await TargetFolder.open(disk, '/dir', { create: false }),
    torrent.metainfo
  )
  expect(record.damaged, 'record is whole or not there').to.equal(false)
  const payload = Buffer.alloc(torrent.content.length)
  for (const file of torrent.metainfo.files) disk.get(`/dir/${file.path}`)?.copy(payload, file.offset)
  let claimed = 0
  for (let n = 0; n < torrent.geometry.pieceCount; n++) {
    if (!record.hasPiece(n)) continue
    claimed++
    const start = n * torrent.geometry.pieceLength
    const bytes = payload.subarray(start, start + torrent.bytesOf(n).length)
    expect(bytes.equals(torrent.bytesOf(n)), `piece ${n} is claimed and must be there`).to.equal(true)
  }
  return claimed
}

describe('a crash at any point of a download', () => {
  const order = [5, 0, 11, 3, 2, 7, 8, 1, 12, 10, 4, 6, 9]

  for (const crash of ['kill', 'power', 'reordered'] as Crash[]) {
    it(`loses and claims nothing wrongly (${crash})`, async function () {
      this.timeout(20_000)
      const whole = newDisk()
      await session(whole, order, true)
      expect(whole.changes).to.be.greaterThan(40)
      let claimedMost = 0
      for (let cut = 1; cut <= whole.changes; cut++) {
        const disk = newDisk()
        disk.crashAfter = cut
        await session(disk, order, true).catch(() => undefined)

        const found = disk.afterCrash(crash)
        claimedMost = Math.max(claimedMost, await expectSoundRecord(found))
        found.remove(lock) // Its process, which is this one, counts as running.
        await session(found, order, true)

        expect(found.get('/dir/bystander')?.equals(bystander)).to.equal(true)
        expect(found.paths.sort(), `files after a cut at ${cut}`).to.deep.equal(
          ['/dir/bystander', ...torrent.metainfo.files.map(file => `/dir/${file.path}`)].sort()
        )
        torrent.metainfo.files.forEach((file, position) => {
          expect(found.get(`/dir/${file.path}`)?.equals(torrent.fileBytes(position)), file.path).to.equal(true)
        })
      }
      expect(claimedMost, 'checkpoints during the download').to.be.greaterThan(5)
    })
  }

  it('keeps what a clean stop had: no piece is checked that never landed', async () => {
    const disk = newDisk()
    await session(disk, order.slice(0, 6), false)
    const { metainfo, geometry, all } = torrent
    const storage = await FileStorage.open({
      dir: '/dir',
      metainfo,
      geometry,
      selected: all,
      overwrite: false,
      fileSystem: disk
    })
    const inForeign = [3, 4, 5] // Files of others are always looked at.
    expect(storage.candidates().filter(index => !inForeign.includes(index))).to.deep.equal([0, 2, 7, 11])
    await storage.close()
  })
})
