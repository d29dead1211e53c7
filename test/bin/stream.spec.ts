import { expect } from 'chai'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSilentServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { TAR_END, tarHeader, tarPadding } from '../../lib/metainfo/tar-header.js'
import { makeTorrent, randomBytesSeeded } from '../support/make-torrent.js'
import { RunningProgram, eventsIn, run } from '../support/program.js'
import { Seeder } from '../support/seeder.js'

const data = randomBytesSeeded('stream', 3_000_001)

describe('bt-stream <source>', function () {
  this.timeout(30_000)
  let single: Seeder
  let multi: Seeder
  let large: Seeder

  before(async () => {
    single = await Seeder.start({ name: 'one.bin', pieceLength: 65_536, data })
    multi = await Seeder.start({
      name: 'many',
      pieceLength: 65_536,
      files: [
        { path: ['a', 'first.txt'], data: Buffer.from('first') },
        { path: ['7'], data: randomBytesSeeded('7', 200_000) },
        { path: ['empty'], data: Buffer.alloc(0) }
      ]
    })
    large = await Seeder.start({ name: 'large.bin', pieceLength: 65_536, data: randomBytesSeeded('l', 2 ** 25) })
  })
  after(async () => {
    await Promise.all([single, multi, large].map(seeder => seeder.close()))
  })

  describe('delivers', () => {
    it('the payload to a pipe, nothing else', async () => {
      const { exitCode, stdout, stderr } = await run([single.path, ...single.only])
      expect(exitCode, stderr).to.equal(0)
      expect(stdout.equals(data)).to.be.true
      expect(stderr).to.match(/^bt-stream: one\.bin: 3 MB\n(.*\n)*bt-stream: done: 3 MB verified in [\d.]+ s$/)
    })

    it('the payload to a regular file, after what is there', async () => {
      const path = join(single.folder, 'out')
      const descriptor = openSync(path, 'a')
      const { exitCode } = await run([single.path, ...single.only], { stdout: descriptor })
      await run([single.path, ...single.only], { stdout: descriptor })
      closeSync(descriptor)
      expect(exitCode).to.equal(0)
      expect(readFileSync(path).equals(Buffer.concat([data, data]))).to.be.true
    })

    it('the one file that a magnet link names, and asks when it names two', async () => {
      const link = `magnet:?xt=urn:btih:${multi.made.infoHash}&so=`
      const { exitCode, stdout, stderr } = await run([`${link}0`, ...multi.only])
      expect(exitCode, stderr).to.equal(0)
      expect(stdout.toString()).to.equal('first')
      expect((await run([`${link}0,1`, ...multi.only])).exitCode).to.equal(2)
      expect((await run([`${link}1`, '--file', '0', ...multi.only])).stdout.toString()).to.equal('first')
      const archive = await run([`${link}0`, '--tar', ...multi.only])
      expect(archive.stdout.length).to.be.above(200_000)
    })

    it('a torrent that comes from standard input', async () => {
      const { exitCode, stdout, stderr } = await run(['-', ...single.only], { input: single.made.torrent })
      expect(exitCode, stderr).to.equal(0)
      expect(stdout.equals(data)).to.be.true
    })

    it('a torrent that comes from a URL', async () => {
      const server = createServer((_request, response) => response.end(single.made.torrent)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.torrent`
      const { exitCode, stdout, stderr } = await run([url, ...single.only])
      server.close()
      expect(exitCode, stderr).to.equal(0)
      expect(stdout.equals(data)).to.be.true
    })

    it('the file that --file names without the folder of the torrent', async () => {
      const { stdout, exitCode } = await run([multi.path, ...multi.only, '--file', 'a/first.txt'])
      expect([exitCode, stdout.toString()]).to.deep.equal([0, 'first'])
    })

    it('the file that --file names by path or index; a path counts first', async () => {
      const outputs = await Promise.all(
        ['many/a/first.txt', '0', 'many/7', '2'].map(name => run([multi.path, ...multi.only, '--file', name]))
      )
      expect(outputs.map(({ exitCode, stderr }) => [exitCode, stderr.split('\n').at(-1)])).to.satisfy(
        (ends: [number, string][]) => ends.every(([exitCode]) => exitCode === 0)
      )
      const [byPath, byIndex, seven, empty] = outputs.map(({ stdout }) => stdout)
      expect(byPath?.toString()).to.equal('first')
      expect(byIndex?.toString()).to.equal('first')
      expect(seven?.equals(randomBytesSeeded('7', 200_000))).to.be.true
      expect(empty).to.have.lengthOf(0)
    })

    it('all files as a tar archive with --tar, which is long known beforehand', async () => {
      const { exitCode, stdout, stderr } = await run([multi.path, '--tar', '--json', ...multi.only])
      expect(exitCode, stderr).to.equal(0)
      const entries = [
        ['many/a/first.txt', Buffer.from('first')],
        ['many/7', randomBytesSeeded('7', 200_000)],
        ['many/empty', Buffer.alloc(0)]
      ] as const
      const modified = parseMetainfo(multi.made.torrent).creationDate ?? 0
      const parts = entries.map(([path, bytes]) => [
        tarHeader({ path, length: bytes.length, modified }),
        bytes,
        Buffer.alloc(tarPadding(bytes.length))
      ])
      expect(stdout.equals(Buffer.concat([...parts.flat(), TAR_END]))).to.be.true
      expect(eventsIn(stderr).find(({ event }) => event === 'done')).to.include({ bytes: stdout.length })
    })

    it('nothing to standard error with -q', async () => {
      expect(await run([single.path, ...single.only, '-q'])).to.include({ exitCode: 0, stderr: '' })
    })
  })

  describe('tells with --json', () => {
    it('one event a line, the figures last', async () => {
      const { exitCode, stdout, stderr } = await run([single.path, ...single.only, '--json', '-v'])
      expect(exitCode).to.equal(0)
      expect(stdout.equals(data)).to.be.true
      const events = eventsIn(stderr)
      expect(events.every(({ v, event }) => v === 1 && typeof event === 'string')).to.be.true
      expect(events.map(({ event }) => event)).to.include.members(['start', 'peer', 'progress', 'done'])
      const end = events.at(-1)
      expect(end).to.include({ event: 'end', exitCode: 0, delivered: data.length, wasted: 0 })
      expect(end?.['loopDelayP99Ms']).to.be.a('number')
      expect(end?.['firstByteMs']).to.be.a('number')
    })

    it('errors too, of every kind, and the end after them', async () => {
      const failures = [
        ['--nonsense', '--json'],
        ['--json'],
        [single.path, '--json', '--port', '65536'],
        [single.path, '--json', '--peer', 'nobody'],
        [join(single.folder, 'no.torrent'), '--json'],
        [multi.path, ...multi.only, '--json']
      ]
      const ends = await Promise.all(failures.map(args => run(args)))
      for (const { stderr, exitCode, stdout } of ends) {
        const events = eventsIn(stderr)
        expect(events.map(({ event }) => event)).to.deep.equal(['error', 'end'])
        expect(events.map(event => event['exitCode'])).to.deep.equal([exitCode, exitCode])
        expect(stdout).to.have.lengthOf(0)
      }
      expect(ends.map(({ exitCode }) => exitCode)).to.deep.equal([2, 2, 2, 2, 3, 2])
    })
  })

  describe('ends', () => {
    const exitOf = async (...args: string[]) => {
      const { exitCode, stderr, stdout } = await run(args)
      expect(stdout).to.have.lengthOf(0)
      return [exitCode, stderr] as const
    }

    it('with 2 and the list of files when a torrent has several', async () => {
      const [exitCode, stderr] = await exitOf(multi.path, ...multi.only)
      expect(exitCode).to.equal(2)
      expect(stderr)
        .to.match(/--file/)
        .and.match(/^ +0 +5 B {2}many\/a\/first\.txt$/m)
    })

    it('with 2 for a file, an option or an address that makes no sense', async () => {
      const ends = await Promise.all([
        exitOf(multi.path, ...multi.only, '--file', '3'),
        exitOf(multi.path, ...multi.only, '--file', '1', '--file', '2'),
        exitOf(multi.path, ...multi.only, '--file', '1', '--tar'),
        exitOf(single.path, '--frobnicate'),
        exitOf(single.path, '--max-memory', '0'),
        exitOf(single.path, '--peer', 'example'),
        exitOf(single.path, '--peer-timeout', '-1'),
        exitOf(single.path, '--host', 'nowhere'),
        exitOf(single.path, 'two.torrent'),
        exitOf('gte', single.path),
        exitOf('get', single.path, 'two.torrent'),
        exitOf('demo', 'two.torrent'),
        exitOf('')
      ])
      expect(ends.map(([exitCode]) => exitCode)).to.deep.equal(ends.map(() => 2))
      expect(ends.filter(([, stderr]) => !/^bt-stream: \S/.test(stderr))).to.deep.equal([])
      expect((await exitOf())[0]).to.equal(2)
    })

    it('naming the word it does not know', async () => {
      expect((await exitOf('gte', 's.torrent'))[1]).to.match(/^bt-stream: unknown command or file 'gte'$/m)
      expect((await exitOf(single.path, 'two.torrent'))[1]).to.match(/^bt-stream: one source at a time/)
    })

    it('with 3 for what is no torrent', async () => {
      const bad = await Promise.all([exitOf(import.meta.filename), exitOf(join(single.folder, 'no.torrent'))])
      expect(bad.map(([exitCode]) => exitCode)).to.deep.equal([3, 3])
      const endless = await run(['-', '--no-discovery'], { input: Buffer.alloc(17 * 2 ** 20, 'd') })
      expect(endless).to.include({ exitCode: 3 })
    })

    it('with 4 when no peer connects in time', async () => {
      const [exitCode, stderr] = await exitOf(
        single.path,
        '--no-discovery',
        '--peer',
        '127.0.0.1:1',
        '--peer-timeout',
        '1'
      )
      expect(exitCode).to.equal(4)
      expect(stderr).to.match(/no peer connected within 1 s/)
    })

    it('with 5 when peers send nothing in time', async () => {
      const source = { name: 'one.bin', pieceLength: 65_536, data }
      const empty = await Seeder.start(source, { isEmpty: true })
      const [exitCode, stderr] = await exitOf(empty.path, ...empty.only, '--stall-timeout', '1')
      await empty.close()
      expect(exitCode).to.equal(5)
      expect(stderr).to.match(/no verified byte for 1 s: no peer has piece 0/)
    })

    it('with 6 when standard output is full', async function () {
      if (!existsSync('/dev/full')) this.skip()
      const full = openSync('/dev/full', 'w')
      const { exitCode, stderr } = await run([single.path, ...single.only], { stdout: full })
      closeSync(full)
      expect(exitCode).to.equal(6)
      expect(stderr).to.match(/cannot write to standard output: no space left/)
    })

    it('with 1 and one line for a fault that nobody caught', async () => {
      const fault = `data:text/javascript,setTimeout(()=>{throw new Error('boom')},400)`
      const program = new RunningProgram([large.path, ...large.only], { env: { NODE_OPTIONS: `--import="${fault}"` } })
      expect(await program.exit()).to.equal(1)
      expect(program.lines).to.deep.equal(['bt-stream: large.bin: 33.6 MB', 'bt-stream: boom'])
    })

    it('with 141 and no word when the reader closes the pipe', async () => {
      const program = new RunningProgram([large.path, ...large.only, '-q'])
      await once(program.stdout, 'readable')
      program.stdout.destroy()
      expect(await program.exit()).to.equal(141)
      expect(program.lines).to.deep.equal([])
    })
  })

  describe('obeys', () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143]
    ] as const) {
      it(`${signal}, though nobody reads its output`, async () => {
        const program = new RunningProgram([large.path, ...large.only, '--json'])
        await once(program.stdout, 'readable')
        program.child.kill(signal)
        expect(await program.exit()).to.equal(code)
        const events = eventsIn(program.lines.join('\n'))
        expect(events.at(-1)).to.include({ event: 'end', exitCode: code })
        expect(events.map(({ event }) => event)).not.to.include('error')
      })
    }

    it('a second SIGINT at once, while a tracker is still being told', async () => {
      const silent = createSilentServer(socket => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const tracker = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/announce`
      const { torrent } = makeTorrent({ name: 'one.bin', pieceLength: 65_536, data, trackers: [[tracker]] })
      const program = new RunningProgram(['-', '--json', '--port', '0', '--host', '127.0.0.1'], { input: torrent })
      await Promise.all([program.line(/"start"/), once(silent, 'connection')])
      program.child.kill('SIGINT')
      await program.line(/"interrupted"/)
      const before = performance.now()
      program.child.kill('SIGINT')
      expect(await program.exit()).to.equal(130)
      expect(performance.now() - before).to.be.below(2000)
      silent.close()
    })
  })

  it('fetches no more than fits while nobody reads', async () => {
    const uploadedBefore = large.torrent.stats().uploaded
    const program = new RunningProgram([large.path, ...large.only, '--json', '--max-memory', '2'])
    await program.line(/"progress".*"peers":1/, 2)
    const uploaded = large.torrent.stats().uploaded - uploadedBefore
    expect(uploaded)
      .to.be.above(2 ** 20)
      .and.below(6 * 2 ** 20)
    program.child.kill('SIGTERM')
    expect(await program.exit()).to.equal(143)
  })
})
