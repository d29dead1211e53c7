import { expect } from 'chai'
import { buffer } from 'node:stream/consumers'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTorrent } from '../../lib/torrent-open.js'
import { FakeTracker } from '../support/fake-tracker.js'
import { makeTorrent, randomBytesSeeded } from '../support/make-torrent.js'
import { until } from '../support/peer-bench.js'
import { eventsIn, run, RunningProgram } from '../support/program.js'
import { Seeder } from '../support/seeder.js'

const data = randomBytesSeeded('seed command', 2 ** 20)

describe('bt-stream seed', function () {
  this.timeout(30_000)
  let seeder: Seeder
  let dir: string

  before(async () => {
    seeder = await Seeder.start({ name: 'seeded.bin', pieceLength: 65_536, data })
    dir = join(seeder.folder, 'seeder')
  })
  after(() => seeder.close())

  const args = (...more: string[]): string[] => {
    const quiet = ['--no-tracker', '--no-dht', '--no-lsd', '--host', '127.0.0.1', '--port', '0', '--json']
    return ['seed', seeder.path, '--dir', dir, ...quiet, ...more]
  }
  const portOf = async (program: RunningProgram): Promise<number> =>
    (JSON.parse(await program.line(/"listening"/)) as { port: number }).port
  const leech = async (port: number): Promise<void> => {
    const options = { peers: [`127.0.0.1:${port}`], discovery: false, peerTimeoutMs: 0 }
    const torrent = await openTorrent(seeder.path, options)
    try {
      expect((await buffer(torrent.file(0).createReadStream())).equals(data)).to.equal(true)
    } finally {
      await torrent.close()
    }
  }

  it('ends with 0 when it has given what --ratio says, and not before', async () => {
    const program = new RunningProgram(args('--ratio', '1.5', '--super-seed'))
    const port = await portOf(program)
    await leech(port)
    expect(program.child.exitCode).to.equal(null)
    await leech(port)
    await program.line(/"seeded"/)
    expect(await program.exit()).to.equal(0)
    const event = eventsIn(program.lines.join('\n')).find(({ event: name }) => name === 'seeded')
    expect(event).to.deep.include({ uploaded: 2 * 2 ** 20, ratio: 2 })
  })

  it('remembers after kill -9 what it gave, and counts it for --ratio; trackers hear of each session alone', async () => {
    const tracker = await FakeTracker.listen()
    const torrent = join(seeder.folder, 'tracked.torrent')
    writeFileSync(
      torrent,
      makeTorrent({ name: 'seeded.bin', pieceLength: 65_536, data, trackers: [[tracker.httpUrl]] }).torrent
    )
    const totals = join(seeder.folder, 'totals')
    const all = args('--ratio', '1.5', '--totals', totals).filter(arg => arg !== '--no-tracker')
    all[1] = torrent
    try {
      const first = new RunningProgram(all)
      await leech(await portOf(first))
      const kept = join(totals, `${seeder.made.infoHash}.json`)
      await until(() => existsSync(kept) && readFileSync(kept, 'utf8').includes(`"uploaded":${2 ** 20},`))
      first.child.kill('SIGKILL')
      await first.exit()
      const second = new RunningProgram(all)
      await leech(await portOf(second))
      await second.line(/"seeded"/)
      expect(await second.exit()).to.equal(0)
      const event = eventsIn(second.lines.join('\n')).find(({ event: name }) => name === 'seeded')
      expect(event).to.deep.include({ uploaded: 2 ** 20, ratio: 2 })
      const told = tracker.announces.map(({ event: name, uploaded }) => [name, uploaded])
      expect(told).to.deep.equal([
        ['started', 0],
        ['started', 0],
        ['stopped', 2 ** 20]
      ])
    } finally {
      await tracker.close()
    }
  })

  it('ends with 0 when --time is over', async () => {
    const { exitCode, stderr } = await run(args('--time', '0.01'))
    expect(exitCode, stderr).to.equal(0)
    expect(eventsIn(stderr).some(({ event }) => event === 'seeded')).to.equal(true)
  })

  it('says what it gave when it is stopped', async () => {
    const program = new RunningProgram(args())
    await leech(await portOf(program))
    program.child.kill('SIGINT')
    expect(await program.exit()).to.equal(130)
    const event = eventsIn(program.lines.join('\n')).find(({ event: name }) => name === 'seeded')
    expect(event).to.include({ uploaded: 2 ** 20, ratio: 1 })
  })

  it('gives no more than --upload-limit lets it', async () => {
    const program = new RunningProgram(args('--upload-limit', '1MiB', '--ratio', '1'))
    const port = await portOf(program)
    const startedAt = performance.now()
    await leech(port)
    expect(performance.now() - startedAt).to.be.within(650, 2500)
    expect(await program.exit()).to.equal(0)
  })

  it('refuses figures that make no sense', async () => {
    for (const wrong of [
      ['--ratio', '0'],
      ['--ratio', 'much'],
      ['--time', '-1'],
      ['--upload-limit', '1.5'],
      ['--upload-limit', '1MB']
    ])
      expect((await run(args(...wrong))).exitCode, wrong.join(' ')).to.equal(2)
  })
})
