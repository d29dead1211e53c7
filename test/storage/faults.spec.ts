/** What the disk and its users may do to a download. */
import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, rm, stat, symlink, truncate, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorCode } from '../../lib/errors.js'
import { BtError } from '../../lib/errors.js'
import { CHECKPOINT_BYTES, CHECKPOINT_INTERVAL_MS, MAX_OPEN_FILES } from '../../lib/limits.js'
import { FileStorage, type FileStorageOptions } from '../../lib/storage/file-storage.js'
import { recordName } from '../../lib/storage/resume-record.js'
import { failing, FaultyFileSystem } from './faulty-file-system.js'
import { ManualClock } from './manual-clock.js'
import {
  check,
  filesUnder,
  put,
  sampleTorrent,
  temporaryFolder,
  verified,
  type SampleTorrent
} from './sample-torrent.js'

const single = () => sampleTorrent([{ path: 'one.bin', length: 1000 }], 100)
const several = () =>
  sampleTorrent(
    [
      { path: 'a', length: 150 },
      { path: 'sub/b', length: 250 },
      { path: 'c', length: 200 }
    ],
    100
  )

describe('FileStorage and faults', function () {
  this.timeout(20_000)

  const dir = temporaryFolder()
  const opened: FileStorage[] = []

  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close().catch(() => undefined)
  })

  async function openStorage(torrent: SampleTorrent, more: Partial<FileStorageOptions> = {}): Promise<FileStorage> {
    const { metainfo, geometry, all } = torrent
    const storage = await FileStorage.open({ dir: dir(), metainfo, geometry, selected: all, overwrite: false, ...more })
    opened.push(storage)
    return storage
  }

  async function start(torrent: SampleTorrent, more: Partial<FileStorageOptions> = {}): Promise<FileStorage> {
    const storage = await openStorage(torrent, more)
    await storage.adopt(await check(storage, torrent))
    return storage
  }

  async function writeAllOf(storage: FileStorage, torrent: SampleTorrent): Promise<void> {
    for (let n = 0; n < torrent.geometry.pieceCount; n++) await storage.write([verified(torrent, n)])
  }

  const recordPath = (torrent: SampleTorrent) => join(dir(), recordName(torrent.metainfo))

  describe('a full disk', () => {
    it('is told before anything is made, with free and needed bytes', async () => {
      const torrent = several()
      const storage = await openStorage(torrent, { fileSystem: new FaultyFileSystem(undefined, 599) })
      const error = await rejection(storage.adopt(new Set()), 'ERR_BT_DISK_FULL')
      expect(error.message).to.match(/600 bytes more are needed, 599 bytes are free/)
      await storage.close()
      expect(await filesUnder(dir())).to.have.lengthOf(0)
    })

    it('is not told when there is just enough', async () => {
      await start(several(), { fileSystem: new FaultyFileSystem(undefined, 600) })
    })

    it('counts what is there: verified bytes need no room, the holes of a sparse file do', async () => {
      const torrent = sampleTorrent([{ path: 'one.bin', length: 2 ** 20 }], 2 ** 16)
      const first = await start(torrent)
      await first.write([verified(torrent, 15)])
      await first.close()
      expect((await stat(join(dir(), 'one.bin'))).size).to.equal(2 ** 20)
      const needed = 15 * 2 ** 16
      const short = await openStorage(torrent, { fileSystem: new FaultyFileSystem(undefined, needed - 1) })
      await rejection(short.adopt(await check(short, torrent)), 'ERR_BT_DISK_FULL')
      await short.close()
      await start(torrent, { fileSystem: new FaultyFileSystem(undefined, needed) })
    })

    for (const code of ['ENOSPC', 'EDQUOT']) {
      it(`fails that write alone (${code}): what was verified stays, the piece can be written again`, async () => {
        const torrent = single()
        const storage = await start(torrent, {
          fileSystem: new FaultyFileSystem(failing('write', code, 'one.bin', 3), 5000)
        })
        await storage.write([verified(torrent, 0)])
        await storage.write([verified(torrent, 1)])
        let released = 0
        const error = await rejection(storage.write([verified(torrent, 2, () => released++)]), 'ERR_BT_DISK_FULL')
        expect(error.message).to.match(/800 bytes more are needed, 5000 bytes are free/)
        expect(released).to.equal(1)
        expect(await storage.read(torrent.piece(2), 0, 100)).to.equal(undefined)
        await storage.write([verified(torrent, 2)])
        expect((await storage.read(torrent.piece(1), 0, 100))?.bytes.equals(torrent.bytesOf(1))).to.equal(true)
      })
    }

    it('while the record is saved is a full disk too, and the old record stays', async () => {
      const torrent = single()
      const fileSystem = new FaultyFileSystem(failing('write', 'ENOSPC', '.tmp', 2), 5000)
      const storage = await openStorage(torrent, { fileSystem })
      await storage.close()
      await rejection(
        (
          await openStorage(torrent, { fileSystem: new FaultyFileSystem(failing('write', 'ENOSPC', '.tmp'), 5000) })
        ).adopt(new Set()),
        'ERR_BT_DISK_FULL'
      )
      expect(existsSync(recordPath(torrent))).to.equal(false)
      expect(existsSync(`${recordPath(torrent)}.tmp`)).to.equal(false)
    })
  })

  it('names the limit of a file system whose files cannot be so large (EFBIG)', async () => {
    const torrent = single()
    const storage = await start(torrent, { fileSystem: new FaultyFileSystem(failing('write', 'EFBIG', 'one.bin')) })
    expect((await rejection(storage.write([verified(torrent, 9)]), 'ERR_BT_DISK')).message).to.match(/one\.bin.*4 GiB/)
  })

  it('reports an error of the disk with the path, and does not count the piece', async () => {
    const torrent = single()
    const storage = await start(torrent, { fileSystem: new FaultyFileSystem(failing('write', 'EIO', 'one.bin')) })
    expect((await rejection(storage.write([verified(torrent, 0)]), 'ERR_BT_DISK')).message).to.contain(
      join(dir(), 'one.bin')
    )
    expect(await storage.read(torrent.piece(0), 0, 10)).to.equal(undefined)
    await rejection(storage.finish(), 'ERR_BT_DISK')
  })

  it('reports an error of reading', async () => {
    const torrent = single()
    const storage = await start(torrent, { fileSystem: new FaultyFileSystem(failing('read', 'EIO', 'one.bin')) })
    await storage.write([verified(torrent, 0)])
    await rejection(storage.read(torrent.piece(0), 0, 10), 'ERR_BT_DISK')
  })

  for (const size of [1, 7, 99, 100]) {
    it(`goes on after short writes of ${size} bytes`, async () => {
      const torrent = several()
      const fileSystem = new FaultyFileSystem()
      fileSystem.maxWriteBytes = size
      const storage = await start(torrent, { fileSystem })
      await storage.write([verified(torrent, 0), verified(torrent, 1), verified(torrent, 2)])
      await writeAllOf(storage, torrent)
      await storage.finish()
      for (const [position, file] of torrent.metainfo.files.entries()) {
        expect((await readFile(join(dir(), file.path))).equals(torrent.fileBytes(position))).to.equal(true)
      }
    })
  }

  it('takes 0 bytes written for an error', async () => {
    const torrent = single()
    const fileSystem = new FaultyFileSystem()
    const storage = await start(torrent, { fileSystem })
    fileSystem.maxWriteBytes = 0
    expect((await rejection(storage.write([verified(torrent, 0)]), 'ERR_BT_DISK')).message).to.match(/0 bytes/)
  })

  it('never tries a failed sync again, writes nothing after it and claims nothing of it', async () => {
    const torrent = single()
    const clock = new ManualClock()
    const fileSystem = new FaultyFileSystem(failing('datasync', 'EIO', 'one.bin'))
    const storage = await start(torrent, { fileSystem, clock })
    await storage.write([verified(torrent, 0)])
    const before = await readFile(recordPath(torrent))
    clock.advance(CHECKPOINT_INTERVAL_MS)
    await rejection(storage.close(), 'ERR_BT_DISK')
    await rejection(storage.write([verified(torrent, 1)]), 'ERR_BT_DISK')
    expect(fileSystem.count('datasync')).to.equal(1)
    expect((await readFile(recordPath(torrent))).equals(before)).to.equal(true)
    expect(fileSystem.openFiles, 'descriptors left').to.equal(0)
    expect(existsSync(`${recordPath(torrent)}.lock`), 'lock left').to.equal(false)
  })

  describe('the record', () => {
    it('is saved after the interval, and at once when enough bytes wait', async function () {
      this.timeout(20_000)
      const torrent = sampleTorrent([{ path: 'big', length: 2 * CHECKPOINT_BYTES }], CHECKPOINT_BYTES / 8)
      const clock = new ManualClock()
      const fileSystem = new FaultyFileSystem()
      const storage = await start(torrent, { fileSystem, clock })
      const saves = () => fileSystem.count('rename', '.bt-stream')
      expect(saves()).to.equal(1)
      for (let n = 0; n < 7; n++) await storage.write([verified(torrent, n)])
      expect(fileSystem.count('datasync')).to.equal(0)
      clock.advance(CHECKPOINT_INTERVAL_MS - 1)
      expect(fileSystem.count('datasync')).to.equal(0)
      await storage.write([verified(torrent, 7)])
      await until(() => saves() === 2)
      await storage.write([verified(torrent, 8)])
      await until(() => {
        clock.advance(CHECKPOINT_INTERVAL_MS) // The save before may not have ended: then its end begins the wait.
        return saves() === 3
      })
    })
  })

  describe('read-only places', () => {
    for (const code of ['EACCES', 'EROFS']) {
      it(`are refused before anything begins (${code})`, async () => {
        const fileSystem = new FaultyFileSystem(failing('open', code, '.lock'))
        expect((await rejection(openStorage(single(), { fileSystem }), 'ERR_BT_DISK')).message).to.match(/read-only/)
      })
    }

    it('are refused when only the folder or file of one file is', async () => {
      const torrent = several()
      const storage = await openStorage(torrent, {
        fileSystem: new FaultyFileSystem(failing('access', 'EACCES', 'sub'))
      })
      expect((await rejection(storage.adopt(new Set()), 'ERR_BT_DISK')).message).to.match(/read-only/)
    })

    it('are refused by the system itself', async function () {
      if (process.getuid?.() === 0) this.skip() // root may write anywhere
      await chmod(dir(), 0o555)
      await rejection(openStorage(single()), 'ERR_BT_DISK')
      await chmod(dir(), 0o755)
    })

    it('are read from all the same: nothing is made, locked or written', async () => {
      const torrent = several()
      for (const [position, file] of torrent.metainfo.files.entries())
        await put(dir(), file.path, torrent.fileBytes(position))
      const fileSystem = new FaultyFileSystem()
      const storage = await start(torrent, { fileSystem, readOnly: true })
      expect(
        (await storage.read(torrent.piece(1), 10, 80))?.bytes.equals(torrent.bytesOf(1).subarray(10, 90))
      ).to.equal(true)
      await rejection(storage.write([verified(torrent, 0)]), 'ERR_BT_DISK')
      await storage.finish()
      await storage.close()
      for (const name of ['write', 'mkdir', 'mkdirs', 'rename', 'unlink', 'truncate'] as const) {
        expect(fileSystem.count(name), name).to.equal(0)
      }
      expect([...(await filesUnder(dir())).keys()]).to.have.lengthOf(3)
    })

    it('are an error when they are not there', async () => {
      await rejection(openStorage(single(), { readOnly: true, dir: join(dir(), 'none') }), 'ERR_BT_DISK')
      expect(existsSync(join(dir(), 'none'))).to.equal(false)
    })
  })

  describe('files that are not ours', () => {
    it('are refused by name when they do not verify, and stay as they are', async () => {
      const torrent = several()
      const theirs = Buffer.alloc(250, 'x')
      await put(dir(), 'root/sub/b', theirs)
      const storage = await openStorage(torrent)
      const error = await rejection(storage.adopt(await check(storage, torrent)), 'ERR_BT_FILE_EXISTS')
      expect(error.message).to.contain('root/sub/b')
      await storage.close()
      expect([...(await filesUnder(dir())).entries()]).to.deep.equal([['root/sub/b', theirs]])
    })

    for (const length of [0, 249, 251]) {
      it(`are refused when they have another length (${length} for 250), even with the right bytes`, async () => {
        const torrent = several()
        await put(dir(), 'root/sub/b', Buffer.concat([torrent.fileBytes(1), Buffer.from('x')]).subarray(0, length))
        const storage = await openStorage(torrent)
        await rejection(storage.adopt(await check(storage, torrent)), 'ERR_BT_FILE_EXISTS')
      })
    }

    it('go on where they are the beginning of ours, every byte of it right: nothing can be lost', async () => {
      const torrent = single()
      await put(dir(), 'one.bin', torrent.content.subarray(0, 700))
      const fileSystem = new FaultyFileSystem()
      const storage = await start(torrent, { fileSystem })
      for (const index of [7, 8, 9]) await storage.write([verified(torrent, index)])
      await storage.finish()
      expect((await readFile(join(dir(), 'one.bin'))).equals(torrent.content)).to.equal(true)
      expect(fileSystem.count('write', 'one.bin')).to.equal(3)
    })

    for (const [what, length, kept] of [
      ['ends in bytes that nothing vouches for', 701, 7],
      ['has a hole', 700, 6]
    ] as const) {
      it(`are refused when a beginning ${what}, and what overwriting would keep is said`, async () => {
        const torrent = single()
        const theirs = Buffer.from(torrent.content.subarray(0, length))
        if (kept === 6) theirs.fill(0, 200, 300)
        await put(dir(), 'one.bin', theirs)
        const refused = await openStorage(torrent)
        const error = await rejection(refused.adopt(await check(refused, torrent)), 'ERR_BT_FILE_EXISTS')
        expect(error.message).to.contain(`keeps the ${kept} of 10 pieces that are right`)
        await refused.close()
        expect((await readFile(join(dir(), 'one.bin'))).equals(theirs)).to.equal(true)
        const storage = await openStorage(torrent, { overwrite: true })
        const have = await check(storage, torrent)
        await storage.adopt(have)
        const missing = Array.from({ length: 10 }, (_, n) => n).filter(n => !have.has(torrent.piece(n)))
        expect(missing).to.have.length(10 - kept)
        for (const index of missing) await storage.write([verified(torrent, index)])
        await storage.finish()
        expect((await readFile(join(dir(), 'one.bin'))).equals(torrent.content)).to.equal(true)
      })
    }

    it('are written over and cut when that is asked for', async () => {
      const torrent = several()
      await put(dir(), 'root/sub/b', Buffer.alloc(999, 'x'))
      const storage = await start(torrent, { overwrite: true })
      await writeAllOf(storage, torrent)
      await storage.finish()
      expect((await readFile(join(dir(), 'root/sub/b'))).equals(torrent.fileBytes(1))).to.equal(true)
    })

    it('are used and never written when they verify, also where a piece of them could not be checked', async () => {
      const torrent = several()
      await put(dir(), 'root/a', torrent.fileBytes(0))
      await utimes(join(dir(), 'root/a'), 1, 1)
      const fileSystem = new FaultyFileSystem()
      const storage = await start(torrent, { fileSystem })
      expect((await storage.read(torrent.piece(0), 0, 100))?.bytes.equals(torrent.bytesOf(0))).to.equal(true)
      await writeAllOf(storage, torrent)
      await storage.finish()
      expect(fileSystem.count('write', '/a')).to.equal(0)
      expect((await stat(join(dir(), 'root/a'))).mtimeMs).to.equal(1000)
    })

    it('are refused when the missing piece turns out to differ', async () => {
      const torrent = several()
      const almost = Buffer.from(torrent.fileBytes(0))
      almost[149] = (almost[149] ?? 0) ^ 1
      await put(dir(), 'root/a', almost)
      const storage = await start(torrent)
      const error = await rejection(storage.write([verified(torrent, 1)]), 'ERR_BT_FILE_EXISTS')
      expect(error.message).to.contain('root/a')
      expect((await readFile(join(dir(), 'root/a'))).equals(almost)).to.equal(true)
    })

    it('that appear after the start are not touched', async () => {
      const torrent = single()
      const storage = await start(torrent)
      await put(dir(), 'one.bin', 'mine')
      await rejection(storage.write([verified(torrent, 0)]), 'ERR_BT_FILE_EXISTS')
      expect(await readFile(join(dir(), 'one.bin'), 'latin1')).to.equal('mine')
    })

    it('cannot be claimed by a record that a torrent brings', async () => {
      const torrent = sampleTorrent([{ path: `.${'ab'.repeat(20)}.bt-stream`, length: 10 }], 100)
      await rejection(openStorage(torrent), 'ERR_BT_PATH')
    })
  })

  describe('a choice of files', () => {
    it('makes only those, and keeps the pieces on their edges', async () => {
      const torrent = several()
      const first = await start(torrent, { selected: new Set([1]) })
      for (const n of [1, 2, 3]) await first.write([verified(torrent, n)])
      expect((await first.read(torrent.piece(1), 0, 100))?.bytes.equals(torrent.bytesOf(1))).to.equal(true)
      await first.finish()
      await first.close()
      const parts = `${recordName(torrent.metainfo)}.parts`
      expect([...(await filesUnder(dir())).keys()].sort()).to.deep.equal([parts, 'root/sub/b'])

      const again = await openStorage(torrent, { selected: new Set([1]) })
      expect(again.candidates()).to.deep.equal([1, 2, 3])
      await again.adopt(await check(again, torrent))
      await again.finish()
      await again.close()
    })

    it('can grow: the rest is added to what is there', async () => {
      const torrent = several()
      const first = await start(torrent, { selected: new Set([1]) })
      for (const n of [1, 2, 3]) await first.write([verified(torrent, n)])
      await first.finish()
      await first.close()
      const second = await start(torrent)
      for (const n of [0, 1, 4, 5]) await second.write([verified(torrent, n)])
      await second.finish()
      expect((await readFile(join(dir(), 'root/a'))).equals(torrent.fileBytes(0))).to.equal(true)
    })

    it('can change: an unfinished file stays ours while others are finished', async () => {
      const torrent = several()
      const first = await start(torrent, { selected: new Set([0, 1]) })
      await first.write([verified(torrent, 2)])
      await first.close()
      const second = await start(torrent, { selected: new Set([2]) })
      for (const n of [4, 5]) await second.write([verified(torrent, n)])
      await second.finish()
      await second.close()
      expect(existsSync(recordPath(torrent)), 'b is half done').to.equal(true)
      const third = await openStorage(torrent)
      expect(third.candidates()).to.include.members([2, 4, 5])
      await third.adopt(await check(third, torrent))
      for (const n of [0, 1, 3]) await third.write([verified(torrent, n)])
      await third.finish()
      await third.close()
      expect([...(await filesUnder(dir())).keys()].sort()).to.deep.equal(['root/a', 'root/c', 'root/sub/b'])
    })
  })

  describe('changes behind our back', () => {
    async function unfinished(torrent: SampleTorrent): Promise<void> {
      const storage = await start(torrent)
      for (const n of [0, 1, 2]) await storage.write([verified(torrent, n)])
      await storage.close()
    }

    it('an unchanged file is checked only where pieces landed, a changed one everywhere', async () => {
      const torrent = single()
      const storage = await start(torrent)
      for (const n of [0, 9]) await storage.write([verified(torrent, n)])
      await storage.close()
      const same = await openStorage(torrent)
      expect(same.candidates()).to.deep.equal([0, 9])
      await same.close()
      await utimes(join(dir(), 'one.bin'), 5, 5)
      expect((await openStorage(torrent)).candidates()).to.have.lengthOf(10)
    })

    it('a shorter or missing file is filled again', async () => {
      const torrent = single()
      await unfinished(torrent)
      await truncate(join(dir(), 'one.bin'), 150)
      const shorter = await openStorage(torrent)
      expect(shorter.candidates()).to.deep.equal([0])
      await shorter.close()
      await rm(join(dir(), 'one.bin'))
      const none = await start(torrent)
      await writeAllOf(none, torrent)
      await none.finish()
    })

    it('a file of ours that grew is refused, and cut only when overwriting is asked for', async () => {
      const torrent = single()
      const storage = await start(torrent)
      await writeAllOf(storage, torrent)
      await storage.close()
      await put(dir(), 'one.bin', Buffer.concat([torrent.content, Buffer.from('notes of mine')]))
      const again = await openStorage(torrent)
      await rejection(again.adopt(await check(again, torrent)), 'ERR_BT_FILE_EXISTS')
      await again.close()
      const cutting = await start(torrent, { overwrite: true })
      await cutting.finish()
      expect((await readFile(join(dir(), 'one.bin'))).equals(torrent.content)).to.equal(true)
    })

    it('a file removed or moved while it is written is an error with its path, not a hole', async () => {
      for (const vanish of [(path: string) => rm(path), (path: string) => rename(path, `${path}.away`)]) {
        const torrent = single()
        const storage = await start(torrent)
        await writeAllOf(storage, torrent)
        await vanish(join(dir(), 'one.bin'))
        expect((await rejection(storage.finish(), 'ERR_BT_DISK')).message).to.contain('one.bin')
        await storage.close().catch(() => undefined)
        await rm(dir(), { recursive: true })
        await mkdir(dir())
      }
    })

    it('a target folder that is another one now is an error', async () => {
      const torrent = single()
      const storage = await start(torrent)
      await rename(dir(), `${dir()}-away`)
      await mkdir(dir())
      await rejection(storage.write([verified(torrent, 0)]), 'ERR_BT_PATH')
      await rm(`${dir()}-away`, { recursive: true })
      expect(await filesUnder(dir())).to.have.lengthOf(0)
    })

    it('a file cut while it is read is an error, not zeros', async () => {
      const torrent = single()
      const storage = await start(torrent)
      await writeAllOf(storage, torrent)
      await truncate(join(dir(), 'one.bin'), 10)
      expect((await rejection(storage.read(torrent.piece(3), 0, 100), 'ERR_BT_DISK')).message).to.contain('one.bin')
    })
  })

  describe('things that are no files', () => {
    it('a folder, a FIFO, a link or a device is refused and never waited for', async () => {
      const torrent = single()
      const path = join(dir(), 'one.bin')
      const kinds: (() => Promise<unknown>)[] = [
        () => mkdir(path),
        () => Promise.resolve(execFileSync('mkfifo', [path])),
        () => symlink('/etc/passwd', path),
        () => symlink(join(dir(), 'nowhere'), path),
        () => symlink('/dev/zero', path)
      ]
      for (const make of kinds) {
        await make()
        await rejection(openStorage(torrent), 'ERR_BT_FILE_TYPE')
        expect(await filesUnder(dir()), 'nothing is left, no lock either').to.have.lengthOf(0)
        await rm(path, { recursive: true })
      }
    })

    it('the same, planted after the start', async () => {
      const torrent = single()
      const path = join(dir(), 'one.bin')
      for (const make of [
        () => mkdir(path),
        () => Promise.resolve(execFileSync('mkfifo', [path])),
        () => symlink('/dev/null', path)
      ]) {
        const storage = await start(torrent)
        await make()
        const error = await storage.write([verified(torrent, 0)]).then(
          () => undefined,
          (reason: unknown) => reason
        )
        expect(error).to.have.property('code').that.is.oneOf(['ERR_BT_FILE_TYPE', 'ERR_BT_FILE_EXISTS'])
        await storage.close()
        await rm(path, { recursive: true })
      }
    })

    it('a linked folder that leads out is refused at the start and later; nothing is made behind it', async () => {
      const torrent = several()
      const outside = join(dir(), 'outside')
      const inside = join(dir(), 'inside')
      await mkdir(outside)
      await mkdir(join(inside, 'root'), { recursive: true })
      await symlink(outside, join(inside, 'root', 'sub'))
      await rejection(openStorage(torrent, { dir: inside }), 'ERR_BT_PATH')
      await rm(join(inside, 'root', 'sub'))
      const storage = await start(torrent, { dir: inside })
      await rm(join(inside, 'root', 'sub'), { recursive: true })
      await symlink(outside, join(inside, 'root', 'sub'))
      await rejection(storage.write([verified(torrent, 2)]), 'ERR_BT_PATH')
      expect(await filesUnder(outside)).to.have.lengthOf(0)
    })

    it('a link planted where a folder must go is not followed', async () => {
      const torrent = several()
      const inside = join(dir(), 'inside')
      await mkdir(inside)
      await symlink(dir(), join(inside, 'root'))
      await rejection(openStorage(torrent, { dir: inside }), 'ERR_BT_PATH')
    })

    it('a file where a folder must go is refused', async () => {
      await put(dir(), 'root', 'a file')
      await rejection(openStorage(several()), 'ERR_BT_FILE_TYPE')
    })

    it('a link in place of the record or its temporary file is replaced, not followed', async () => {
      const torrent = single()
      await put(dir(), 'precious', 'mine')
      for (const suffix of ['', '.tmp']) await symlink(join(dir(), 'precious'), recordPath(torrent) + suffix)
      const storage = await start(torrent)
      await storage.write([verified(torrent, 0)])
      await storage.close()
      expect(await readFile(join(dir(), 'precious'), 'latin1')).to.equal('mine')
    })
  })

  describe('descriptors', () => {
    const many = () =>
      sampleTorrent(
        Array.from({ length: 100 }, (_, n) => ({ path: `f${n}`, length: 10 })),
        10
      )

    it(`are at most ${MAX_OPEN_FILES} at once, and none after close`, async () => {
      const torrent = many()
      const fileSystem = new FaultyFileSystem()
      const storage = await start(torrent, { fileSystem })
      await Promise.all([...torrent.all].map(n => storage.write([verified(torrent, n)])))
      expect(fileSystem.openFiles).to.equal(MAX_OPEN_FILES)
      expect(fileSystem.maxOpenFiles).to.equal(MAX_OPEN_FILES)
      await storage.finish()
      await storage.close()
      expect(fileSystem.openFiles).to.equal(0)
    })

    it('are not opened and closed for each piece, and neighbours are one write straight from their buffers', async () => {
      const torrent = single()
      const fileSystem = new FaultyFileSystem()
      const storage = await start(torrent, { fileSystem })
      const pieces = [0, 1, 2, 3, 4].map(n => verified(torrent, n))
      await storage.write(pieces)
      await storage.write([verified(torrent, 5)])
      const writes = fileSystem.calls.filter(call => call.name === 'write' && call.path.endsWith('one.bin'))
      expect(writes).to.have.lengthOf(2)
      const { buffers } = writes[0]?.detail as { buffers: Buffer[] }
      expect(buffers.map(buffer => buffer.buffer)).to.deep.equal(pieces.map(piece => piece.bytes.buffer))
      expect(fileSystem.count('open', 'one.bin')).to.equal(1)
    })

    it('that run out cost time, not the download', async () => {
      const torrent = many()
      const fileSystem = new FaultyFileSystem()
      fileSystem.maxDescriptors = 5
      const storage = await start(torrent, { fileSystem })
      await Promise.all([...torrent.all].map(n => storage.write([verified(torrent, n)])))
      await storage.finish()
      await storage.close()
      expect(fileSystem.maxOpenFiles).to.equal(5)
    })
  })

  it('closes twice, closes while writes are on their way, and refuses work after that', async () => {
    const torrent = single()
    const fileSystem = new FaultyFileSystem()
    const storage = await start(torrent, { fileSystem })
    const writing = storage.write([verified(torrent, 0)])
    const closing = storage.close()
    expect(storage.close()).to.equal(closing)
    await Promise.all([writing, closing])
    let released = 0
    await rejection(storage.write([verified(torrent, 1, () => released++)]), 'ERR_BT_DISK')
    expect(released).to.equal(1)
    await rejection(storage.read(torrent.piece(0), 0, 1), 'ERR_BT_DISK')
    expect(fileSystem.openFiles).to.equal(0)
    expect((await openStorage(torrent)).candidates()).to.deep.equal([0])
  })

  it('reads into ordinary memory of its own', async () => {
    const torrent = single()
    const storage = await start(torrent)
    await storage.write([verified(torrent, 0)])
    const lease = await storage.read(torrent.piece(0), 0, 100)
    expect(lease?.bytes.buffer).to.be.instanceOf(ArrayBuffer)
    expect(lease?.bytes.buffer.byteLength).to.equal(100)
  })
})

async function rejection(promise: Promise<unknown>, code: ErrorCode): Promise<BtError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason
  )
  if (!(error instanceof BtError)) throw new Error(`expected a rejection with ${code}`, { cause: error })
  expect(error.code, error.message).to.equal(code)
  return error
}

/** Waits for background work, turn by turn. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited in vain')
    await new Promise(resume => setImmediate(resume))
  }
}
