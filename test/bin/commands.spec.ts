import { expect } from 'chai'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { makeTorrent, randomBytesSeeded, writeContent, type TorrentSource } from '../support/make-torrent.js'
import { PROGRAM, RunningProgram, eventsIn, run } from '../support/program.js'
import { Seeder } from '../support/seeder.js'

/** What wipes the line, as part of a pattern. */
const WIPE = '\r\u001b\\[K'
const first = randomBytesSeeded('first', 300_000)
const second = randomBytesSeeded('second', 200_000)
const source: TorrentSource = {
  name: 'many',
  pieceLength: 65_536,
  files: [
    { path: ['first'], data: first },
    { path: ['sub', 'second'], data: second }
  ],
  trackers: [['http://tracker.example/announce']]
}

describe('bt-stream get, info, seed', function () {
  this.timeout(30_000)
  let seeder: Seeder
  let folder: string

  before(async () => {
    seeder = await Seeder.start(source)
    folder = seeder.folder
  })
  after(() => seeder.close())

  describe('get', () => {
    it('brings all files, and fetches nothing a second time', async () => {
      const dir = join(folder, 'all')
      const { exitCode, stdout, stderr } = await run(['get', seeder.path, '-o', dir, ...seeder.only])
      expect(exitCode, stderr).to.equal(0)
      expect(stdout).to.have.lengthOf(0)
      expect(readFileSync(join(dir, 'many', 'first')).equals(first)).to.be.true
      expect(readFileSync(join(dir, 'many', 'sub', 'second')).equals(second)).to.be.true
      expect(readdirSync(dir)).to.deep.equal(['many'])
      const again = await run(['get', seeder.path, '-o', dir, '--no-discovery', '--json'])
      expect(again.exitCode).to.equal(0)
      expect(eventsIn(again.stderr).at(-1)).to.include({ event: 'end', downloaded: 0, verified: 500_000 })
    })

    it('says when it is stopped what was kept, and goes on from there', async () => {
      const dir = join(folder, 'stopped')
      const args = ['get', seeder.path, '-o', dir, '--json', ...seeder.only]
      const program = new RunningProgram([...args, '--download-limit', '100KiB'])
      await program.line(/"progress","done":[1-9]/)
      program.child.kill('SIGINT')
      expect(await program.exit()).to.equal(130)
      const kept = eventsIn(program.lines.join('\n')).find(({ event }) => event === 'kept')
      expect(kept).to.include({ total: 500_000 })
      expect(kept?.['bytes']).to.be.within(1, 499_999)
      const { exitCode, stderr } = await run(args)
      expect(exitCode, stderr).to.equal(0)
      expect(eventsIn(stderr).at(-1)?.['downloaded']).to.be.at.most(500_000 - Number(kept?.['bytes']))
      expect(readFileSync(join(dir, 'many', 'sub', 'second')).equals(second)).to.be.true
    })

    it('brings the files that --file names', async () => {
      const dir = join(folder, 'some')
      const { exitCode, stderr } = await run(['get', seeder.path, '-o', dir, '--file', '1', ...seeder.only])
      expect(exitCode, stderr).to.equal(0)
      expect(readFileSync(join(dir, 'many', 'sub', 'second')).equals(second)).to.be.true
      expect(existsSync(join(dir, 'many', 'first'))).to.be.false
    })

    it('ends with 6 when another file stands there, and overwrites it when told', async () => {
      const dir = join(folder, 'taken')
      mkdirSync(join(dir, 'many'), { recursive: true })
      writeFileSync(join(dir, 'many', 'first'), 'mine')
      const args = ['get', seeder.path, '-o', dir, ...seeder.only]
      expect((await run(args)).exitCode).to.equal(6)
      expect(readFileSync(join(dir, 'many', 'first'), 'utf8')).to.equal('mine')
      const { exitCode, stderr } = await run([...args, '--overwrite'])
      expect(exitCode, stderr).to.equal(0)
      expect(readFileSync(join(dir, 'many', 'first')).equals(first)).to.be.true
    })

    it('takes the shared options before its name, too', async () => {
      const { exitCode, stderr } = await run([
        '--json',
        ...seeder.only,
        'get',
        seeder.path,
        '-o',
        join(folder, 'before')
      ])
      expect(exitCode, stderr).to.equal(0)
      expect(eventsIn(stderr).at(-1)).to.include({ event: 'end', exitCode: 0 })
    })
  })

  describe('info', () => {
    it('prints one JSON object, without any network', async () => {
      const { exitCode, stdout, stderr } = await run(['info', seeder.path, '--json'])
      expect(exitCode, stderr).to.equal(0)
      expect(JSON.parse(stdout.toString())).to.deep.include({
        name: 'many',
        infoHash: seeder.made.infoHash,
        length: 500_000,
        pieces: 8,
        pieceLength: 65_536,
        files: [
          { index: 0, path: 'many/first', length: 300_000 },
          { index: 1, path: 'many/sub/second', length: 200_000 }
        ],
        trackers: [['http://tracker.example/announce']]
      })
    })

    it('tells with --count how many peers the DHT knows, or that nobody may be asked', async () => {
      const asked = ['info', seeder.path, '--count', '--host', '127.0.0.1', '--dht-bootstrap', 'none']
      expect(JSON.parse((await run([...asked, '--json'])).stdout.toString())).to.have.deep.property('peers', {
        seeds: 0,
        leechers: 0
      })
      expect((await run(asked)).stdout.toString()).to.match(/^peers {6}about 0 seeds and 0 leechers in the DHT$/m)
      expect(JSON.parse((await run([...asked, '--json', '--no-dht'])).stdout.toString())).to.have.property(
        'peers',
        null
      )
      expect((await run([...asked, '--no-dht'])).stdout.toString()).to.match(/^peers {6}nobody may be asked$/m)
    })

    it('prints lines for people, with nothing that moves the cursor', async () => {
      const { torrent } = makeTorrent({ name: 'a\u001b[2J\u202eb', pieceLength: 65_536, data: first })
      const { exitCode, stdout } = await run(['info', '-'], { input: torrent })
      expect(exitCode).to.equal(0)
      expect(stdout.toString())
        .to.match(/^name {7}a/)
        .and.match(/^pieces {5}5 of 64 KiB$/m)
      expect(stdout.toString()).to.match(/^[ -~\n]*$/)
    })

    it('reads from a FIFO, and obeys a signal while nobody writes to it', async function () {
      const fifo = join(folder, 'fifo')
      if (spawnSync('mkfifo', [fifo]).status !== 0) this.skip()
      const idle = new RunningProgram(['info', fifo, '--json'])
      await delay(500)
      idle.child.kill('SIGINT')
      expect(await idle.exit()).to.equal(130)
      const { torrent } = makeTorrent({ name: 'piped', pieceLength: 65_536, data: first })
      const reading = run(['info', fifo, '--json'])
      await writeFile(fifo, torrent)
      const { exitCode, stdout } = await reading
      expect(exitCode).to.equal(0)
      expect(JSON.parse(stdout.toString())).to.include({ name: 'piped' })
    })

    it('ends with 3 for what is no torrent', async () => {
      const { exitCode, stdout } = await run(['info', '-', '--json'], { input: Buffer.from('<html>') })
      expect(exitCode).to.equal(3)
      expect(stdout).to.have.lengthOf(0)
    })
  })

  describe('serve', () => {
    it('gives any bytes over HTTP, nothing on standard output, until it is stopped', async () => {
      const program = new RunningProgram(['serve', seeder.path, ...seeder.only, '--json'])
      const { url } = JSON.parse(await program.line(/"http"/)) as { url: string }
      const { torrents } = (await (await fetch(`${url}api`)).json()) as { torrents: { files: { url: string }[] }[] }
      const file = torrents[0]?.files[0]?.url ?? ''
      expect(Buffer.from(await (await fetch(file)).arrayBuffer()).equals(first)).to.be.true
      const part = await fetch(file, { headers: { Range: 'bytes=5-9' } })
      expect(part.status).to.equal(206)
      expect(Buffer.from(await part.arrayBuffer()).equals(first.subarray(5, 10))).to.be.true
      program.child.kill('SIGINT')
      expect(await program.exit()).to.equal(130)
    })

    it('serves several torrents, which share the memory, on one page', async () => {
      const other = await Seeder.start({ name: 'other', pieceLength: 65_536, data: second })
      const peers = ['--no-discovery', '--peer', seeder.address, '--peer', other.address]
      const program = new RunningProgram(['serve', seeder.path, other.path, ...peers, '--max-memory', '10', '--json'])
      const { url } = JSON.parse(await program.line(/"http"/)) as { url: string }
      const { torrents } = (await (await fetch(`${url}api`)).json()) as { torrents: { files: { url: string }[] }[] }
      const bodies = await Promise.all(
        torrents.map(async ({ files }) => (await fetch(files[0]?.url ?? '')).arrayBuffer())
      )
      expect(bodies.map(body => Buffer.from(body))).to.deep.equal([first, second])
      const events = await fetch(`${url}events`)
      const told = await events.body?.getReader().read()
      expect(Buffer.from(told?.value ?? []).toString()).to.match(/"maxMemory":5242880.*"maxMemory":5242880/)
      program.child.kill('SIGINT')
      expect(await program.exit()).to.equal(130)
      expect(eventsIn(program.lines.join('\n')).filter(({ event }) => event === 'warning')).to.deep.equal([])
      await other.close()
    })

    it('ends with 2 when a torrent is given twice', async () => {
      const { exitCode, stderr } = await run(['serve', seeder.path, seeder.path, '--no-discovery'])
      expect(exitCode).to.equal(2)
      expect(stderr).to.match(/^bt-stream: many is here already$/m)
    })

    it('ends with 2 when the port is taken', async () => {
      const taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      const { port } = taken.address() as AddressInfo
      const { exitCode, stderr } = await run(['serve', seeder.path, ...seeder.only, '--http-port', String(port)])
      taken.close()
      expect(exitCode, stderr).to.equal(2)
      expect(stderr).to.include(String(port))
    })
  })

  describe('play', () => {
    /** A player that writes what it is given to play, and where it got it from, to a file. */
    const player = (name: string, last = ''): string => {
      const path = join(folder, name)
      const play = `const r = await fetch(process.argv[2]); writeFileSync('${path}.got', Buffer.from(await r.arrayBuffer()))`
      const script = `import { writeFileSync } from 'node:fs'\nconsole.log('played'); ${play}; ${last}\n`
      writeFileSync(`${path}.mjs`, script)
      writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${path}.mjs" "$@"\n`, { mode: 0o755 })
      return path
    }

    it('starts the player on the file, prints nothing to standard output, and ends with it', async () => {
      const path = player('a player; exit 9 & #')
      const { exitCode, stdout, stderr } = await run([
        'play',
        seeder.path,
        '--file',
        '1',
        '--player',
        path,
        ...seeder.only
      ])
      expect(exitCode, stderr).to.equal(0)
      expect(stdout).to.have.lengthOf(0)
      expect(stderr).to.include('played')
      expect(readFileSync(`${path}.got`).equals(second)).to.be.true
    })

    it('ends with 6 when the player fails, with 2 when there is none, or nothing to play', async () => {
      const failing = await run([
        'play',
        seeder.path,
        '--file',
        '0',
        '--player',
        player('bad', 'process.exit(3)'),
        ...seeder.only
      ])
      expect(failing.exitCode).to.equal(6)
      expect(failing.stderr).to.match(/bad ended with exit code 3/)
      const missing = await run([
        'play',
        seeder.path,
        '--file',
        '0',
        '--player',
        join(folder, 'nobody'),
        ...seeder.only
      ])
      expect(missing.exitCode).to.equal(2)
      expect((await run(['play', seeder.path, ...seeder.only])).exitCode).to.equal(2)
    })
  })

  describe('seed', () => {
    it('serves what is there until it is stopped', async () => {
      const dir = join(folder, 'seed')
      writeContent(dir, source)
      const args = ['seed', seeder.path, '--dir', dir, '--port', '0', '--no-tracker', '--json']
      const program = new RunningProgram(args)
      const { port } = JSON.parse(await program.line(/"listening"/)) as { port: number }
      await program.line(/"serving"/)
      const peer = ['--no-discovery', '--peer', `127.0.0.1:${port}`]
      const { exitCode, stdout, stderr } = await run([seeder.path, '--file', '0', ...peer])
      expect(exitCode, stderr).to.equal(0)
      expect(stdout.equals(first)).to.be.true
      program.child.kill('SIGINT')
      expect(await program.exit()).to.equal(130)
      expect(eventsIn(program.lines.join('\n')).at(-1)).to.include({ event: 'end', exitCode: 130 })
    })

    it('ends with 6 when nothing is there, with 2 when nobody says where', async () => {
      const alone = ['--host', '127.0.0.1', '--port', '0', '--no-tracker']
      const nowhere = await run(['seed', seeder.path, '--dir', join(folder, 'nothing'), ...alone])
      expect(nowhere.exitCode, nowhere.stderr).to.equal(6)
      expect((await run(['seed', seeder.path])).exitCode).to.equal(2)
    })

    it('ends with 2 when nobody could ever find it', async () => {
      const { exitCode, stderr } = await run(['seed', seeder.path, '--dir', folder, '--no-discovery'])
      expect(exitCode).to.equal(2)
      expect(stderr).to.match(/^bt-stream: .*--peer/)
    })

    it('listens where --host says and nowhere else', async function () {
      const others = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
      const other = others.find(({ family, internal }) => family === 'IPv4' && !internal)
      if (!other) this.skip()
      const dir = join(folder, 'host')
      writeContent(dir, source)
      const args = ['seed', seeder.path, '--dir', dir, '--host', '127.0.0.1', '--port', '0', '--no-tracker', '--json']
      const program = new RunningProgram(args)
      const { port } = JSON.parse(await program.line(/"listening"/)) as { port: number }
      const isOpen = (host: string) =>
        new Promise<boolean>(resolve => {
          const socket = connect(port, host, () => resolve(true)).on('error', () => resolve(false))
          socket.once('connect', () => socket.destroy())
        })
      expect(await Promise.all([isOpen('127.0.0.1'), isOpen(other.address)])).to.deep.equal([true, false])
      program.child.kill('SIGINT')
      await program.exit()
    })
  })

  describe('the memory budget', () => {
    const warningsOf = async (pieceLength: number, ...args: string[]) => {
      const made: TorrentSource = { name: 'large', pieceLength, data: Buffer.alloc(2 * pieceLength) }
      const torrent = join(folder, `${pieceLength}.torrent`)
      writeFileSync(torrent, makeTorrent(made).torrent)
      const { stderr } = await run([torrent, '--no-discovery', '--peer-timeout', '0.1', ...args])
      return stderr.split('\n').filter(line => line.includes('warning'))
    }

    it('is said to be raised when it was, and only then', async () => {
      expect(await warningsOf(2 ** 25)).to.deep.equal([])
      expect(await warningsOf(2 ** 26)).to.deep.equal([
        'bt-stream: warning: pieces of 64 MiB: the memory budget was raised to 128 MiB'
      ])
      expect(await warningsOf(2 ** 26, '--max-memory', '128')).to.deep.equal([])
    })
  })

  describe('on a terminal', () => {
    /** Runs a line of the shell with a terminal of so many columns around it; `undefined` where util-linux is missing. */
    const onTerminal = (line: string, columns: number, env: NodeJS.ProcessEnv = {}) => {
      const { status, stdout, error } = spawnSync('script', ['-qec', `stty cols ${columns}; ${line}`, '/dev/null'], {
        env: { ...process.env, TERM: 'xterm', ...env },
        encoding: 'utf8'
      })
      return error ? undefined : { exitCode: status, text: stdout }
    }
    const program = (...args: string[]) => [process.execPath, PROGRAM, ...args].map(arg => `'${arg}'`).join(' ')

    it('refuses to write payload to it', function () {
      const result = onTerminal(program(seeder.path, '--file', '0', '--no-discovery'), 80)
      if (!result) this.skip()
      expect(result.exitCode).to.equal(2)
      expect(result.text).to.match(/standard output is a terminal/)
    })

    it('draws a line that fits 20 columns and wipes it', async function () {
      if (spawnSync('script', ['--version']).error) this.skip()
      const line = `${program(seeder.path, '--file', '0', ...seeder.only)} | cat > ${join(folder, 'piped')}`
      const text = await new Promise<string>((resolve, reject) => {
        const child = spawn('script', ['-qec', `stty cols 20; ${line}`, '/dev/null'], {
          stdio: ['ignore', 'pipe', 'inherit']
        })
        let all = ''
        child.stdout.on('data', (chunk: Buffer) => (all += chunk.toString()))
        child.once('error', reject).once('close', () => resolve(all))
      })
      expect(readFileSync(join(folder, 'piped')).equals(first)).to.be.true
      const drawn = [...text.matchAll(new RegExp(`${WIPE}([^\\r\\n]*)`, 'g'))].map(([, line = '']) => line)
      expect(drawn.some(line => /^\d+(\.\d)?%/.test(line))).to.be.true
      expect(drawn.filter(line => /%/.test(line)).every(line => line.length < 20)).to.be.true
      expect(text).to.match(new RegExp(`${WIPE}bt-stream: done: [^\\r]*\\r\\n$`))
    })

    it('draws it also while standard output, which get does not use, is the same terminal', async function () {
      if (spawnSync('script', ['--version']).error) this.skip()
      const line = program('get', seeder.path, '-o', join(folder, 'drawn'), ...seeder.only, '--download-limit', '300')
      const child = spawn('script', ['-qec', line, '/dev/null'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, TERM: 'xterm' }
      })
      const text = await textOf(child.stdout)
      expect(text).to.match(new RegExp(`${WIPE}[^\\r\\n]*\\d%`))
      expect(text).to.match(new RegExp(`${WIPE}bt-stream: done: [^\\r]*\\r\\n$`))
    })

    it('draws nothing where TERM is dumb', function () {
      const line = `${program(seeder.path, '--file', '0', '--no-discovery', '--peer-timeout', '1')} | cat`
      const result = onTerminal(line, 80, { TERM: 'dumb' })
      if (!result) this.skip()
      expect(result.text).to.match(/no peer connected/)
      expect(result.text).not.to.include('\u001b')
    })
  })

  it('--help ends quietly when its reader has seen enough', async () => {
    const program = new RunningProgram(['--help'])
    program.stdout.destroy()
    expect(await program.exit()).to.equal(141)
    expect(program.lines).to.deep.equal([])
  })

  it('--version and --help need nothing else', async () => {
    const { version } = JSON.parse(readFileSync(join(PROGRAM, '../../../package.json'), 'utf8')) as { version: string }
    expect((await run(['--version'])).stdout.toString()).to.equal(`${version}\n`)
    const help = await run(['get', '--help'])
    expect(help.exitCode).to.equal(0)
    expect(help.stdout.toString())
      .to.match(/--overwrite/)
      .and.match(/--stall-timeout/)
      .and.match(/--host/)
    const ofAll = await run(['help'])
    expect(ofAll).to.include({ exitCode: 0, stderr: '' })
    expect(ofAll.stdout.toString()).to.match(/^Usage: bt-stream/)
    expect((await run(['help', 'get'])).stdout.toString()).to.equal(help.stdout.toString())
  })

  it('demo shows a listing and a verified checksum, and leaves nothing behind', async () => {
    const temporary = () => readdirSync(tmpdir()).filter(name => name.startsWith('bt-stream-demo-'))
    const before = temporary()
    const { exitCode, stdout, stderr } = await run(['demo'])
    expect(exitCode, stderr).to.equal(0)
    expect(stdout).to.have.lengthOf(0)
    expect(stderr)
      .to.match(/film\.bin/)
      .and.match(/^sha256 [\da-f]{64}$/m)
      .and.match(/^Verified: /m)
    expect(temporary()).to.deep.equal(before)
  })

  it('demo without tar compares the checksum', async () => {
    const { exitCode, stderr } = await run(['demo'], { env: { PATH: folder } })
    expect(exitCode, stderr).to.equal(0)
    expect(stderr)
      .to.match(/no tar on this machine/)
      .and.match(/^Verified: /m)
  })
})
