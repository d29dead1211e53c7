import { expect } from 'chai'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StorageError } from '../../lib/errors.js'
import { nodeFileSystem } from '../../lib/storage/file-system.js'
import { LockFile } from '../../lib/storage/lock-file.js'
import { ownIdentity } from '../../lib/storage/process-identity.js'
import { temporaryFolder } from './sample-torrent.js'

describe('LockFile', function () {
  this.timeout(20_000)

  const dir = temporaryFolder()
  const path = () => join(dir(), 'lock')
  const take = () => LockFile.take(nodeFileSystem, path())

  async function expectLocked(): Promise<void> {
    const error: unknown = await take().catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(StorageError).with.property('code', 'ERR_BT_LOCKED')
    expect(error).to.have.property('message').that.contains(path())
  }

  it('is held by one at a time, also within a process', async () => {
    const lock = await take()
    await expectLocked()
    await lock.release()
    await lock.release()
    expect(existsSync(path())).to.equal(false)
    await (await take()).release()
  })

  it('is given to exactly one of many that come at once, also when a stale one lies there', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    for (const stale of [false, ...Array<boolean>(20).fill(true)]) {
      if (stale) await writeFile(path(), JSON.stringify({ ...(await ownIdentity()), pid }))
      const results = await Promise.allSettled(Array.from({ length: 8 }, take))
      const locks = results.filter(result => result.status === 'fulfilled')
      expect(locks).to.have.lengthOf(1)
      await locks[0]?.value.release()
      expect(await readdir(dir())).to.deep.equal([])
    }
  })

  it('is refused while the process that it names runs', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'])
    try {
      const started = existsSync('/proc/self/stat') ? await startTicks(child.pid ?? 0) : ''
      await writeFile(path(), JSON.stringify({ ...(await ownIdentity()), pid: child.pid, started }))
      await expectLocked()
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('is taken over when its process has ended, its pid has been given away, or the machine was restarted', async () => {
    const own = await ownIdentity()
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    const stale = [
      { ...own, pid },
      { ...own, boot: 'another' }
    ]
    if (own.started !== '') stale.push({ ...own, started: '1' })
    for (const identity of stale) {
      await writeFile(path(), JSON.stringify(identity))
      await (await take()).release()
    }
    expect(await readdir(dir())).to.deep.equal([])
  })

  it('is taken over when its process was killed and nobody has taken notice yet', async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    // `exec` leaves the shell's child to a program that never asks what became of it.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(line.toString())
      const identity = { ...(await ownIdentity()), pid, started: await startTicks(pid) }
      await writeFile(path(), JSON.stringify(identity))
      await expectLocked()
      process.kill(pid, 'SIGKILL')
      while (!(await readFile(`/proc/${pid}/stat`, 'latin1')).includes(') Z ')) await delay(5)
      await (await take()).release()
    } finally {
      parent.kill('SIGKILL')
    }
  })

  it('is taken over when it names nobody: left half written by a crash', async () => {
    for (const text of ['', '{"pid":', '{"pid":-1}', '7', 'null', 'x'.repeat(10_000)]) {
      await writeFile(path(), text)
      await (await take()).release()
    }
  })

  it('is taken over though another was killed while it took over', async () => {
    await writeFile(path(), JSON.stringify({ ...(await ownIdentity()), boot: 'another' }))
    await writeFile(`${path()}.takeover`, '')
    await utimes(`${path()}.takeover`, 1, 1)
    await (await take()).release()
    expect(await readdir(dir())).to.deep.equal([])
  })

  it('of another machine is respected: nobody here can tell whether it is stale', async () => {
    await writeFile(path(), JSON.stringify({ ...(await ownIdentity()), host: 'elsewhere', pid: 1 }))
    await expectLocked()
  })
})

async function startTicks(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
