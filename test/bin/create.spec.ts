import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseMetainfo } from '../../lib/metainfo/metainfo.js'
import { makeTorrent, randomBytesSeeded, writeContent, type TorrentSource } from '../support/make-torrent.js'
import { PROGRAM, eventsIn, run } from '../support/program.js'

const source: TorrentSource = {
  name: 'folder',
  pieceLength: 65_536,
  files: [
    { path: ['first'], data: randomBytesSeeded('first', 300_000) },
    { path: ['sub', 'second'], data: randomBytesSeeded('second', 200_000) }
  ],
  trackers: [['http://t.example/a', 'http://t.example/b'], ['udp://u.example:1']]
}

const ALONE = ['--no-discovery', '--peer', '127.0.0.1:9']

describe('bt-stream create, verify', function () {
  this.timeout(30_000)
  let dir: string
  let root: string
  let out: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bt-create-'))
    root = writeContent(dir, source)
    out = join(dir, 'x.torrent')
  })
  afterEach(() => rmSync(dir, { recursive: true }))
  const announce = ['--announce', 'http://t.example/a,http://t.example/b', '--announce', 'udp://u.example:1']

  it('makes a .torrent with tiers, and tells which', async () => {
    const args = ['create', root, '-o', out, '--piece-length', '64KiB', ...announce, '--comment', 'why', '--json']
    const { exitCode, stdout, stderr } = await run(args)
    expect(exitCode, stderr).to.equal(0)
    expect(stdout).to.have.lengthOf(0)
    const { infoHash } = makeTorrent(source)
    const facts = {
      event: 'created',
      infoHash,
      name: 'folder',
      length: 500_000,
      pieces: 8,
      pieceLength: 65_536,
      output: out
    }
    expect(eventsIn(stderr).find(({ event }) => event === 'created')).to.include(facts)
    const { trackers, comment } = parseMetainfo(readFileSync(out))
    expect({ trackers, comment }).to.deep.equal({ trackers: source.trackers, comment: 'why' })
  })

  it('never replaces a file unless told, and says so before it hashes', async () => {
    writeFileSync(out, 'mine')
    const refused = await run(['create', root, '-o', out, '--json'])
    expect(refused.exitCode).to.equal(6)
    expect(eventsIn(refused.stderr).map(({ event }) => event)).to.deep.equal(['error', 'end'])
    expect(readFileSync(out, 'utf8')).to.equal('mine')
    expect((await run(['create', root, '-o', out, '--overwrite'])).exitCode).to.equal(0)
    expect(parseMetainfo(readFileSync(out)).name).to.equal('folder')
  })

  it('leaves the file that it is to replace as it is when the new one cannot be written', function () {
    if (process.platform === 'win32') this.skip()
    writeFileSync(out, 'mine')
    const script = 'ulimit -f 0; exec "$0" "$@"'
    const args = ['-c', script, process.execPath, PROGRAM, 'create', root, '-o', out, '--overwrite']
    const { status, stderr } = spawnSync('sh', args)
    expect(status, stderr.toString()).to.equal(6)
    expect(readFileSync(out, 'utf8')).to.equal('mine')
    expect(readdirSync(dir).sort()).to.deep.equal(['folder', 'x.torrent'])
  })

  it('takes standard input, and gives standard output', () => {
    const input = randomBytesSeeded('in', 3_000_000)
    const args = [PROGRAM, 'create', '-', '--name', 'backup.tar', '-o', '-', '--piece-length', '256KiB', '-q']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { input })
    expect(status, stderr.toString()).to.equal(0)
    const { infoHash } = makeTorrent({ name: 'backup.tar', pieceLength: 262_144, data: input })
    expect(parseMetainfo(stdout).infoHash.toString('hex')).to.equal(infoHash)
  })

  it('ends with a code for each mistake', async () => {
    for (const [args, code] of [
      [['create'], 2],
      [['create', '-', root], 2],
      [['create', root, '--piece-length', '3'], 2],
      [['create', root, '--piece-length', 'x'], 2],
      [['create', root, '--date', 'soon'], 2],
      [['create', root, '--announce', 'nowhere', '-o', out], 2],
      [['create', join(dir, 'missing'), '-o', out], 6]
    ] as const)
      expect((await run([...args])).exitCode, args.join(' ')).to.equal(code)
    expect(existsSync(out)).to.equal(false)
  })

  it('verify ends with 0 when all is whole and with 7 when not, and tells of each file', async () => {
    await run(['create', root, '-o', out])
    const whole = await run(['verify', out, '--dir', dir])
    expect(whole.exitCode, whole.stderr).to.equal(0)
    expect(whole.stderr).to.match(/whole {4}folder\/first\n.*whole {4}folder\/sub\/second\n.*done: 500 kB verified/)
    appendFileSync(join(root, 'first'), 'x')
    rmSync(join(root, 'sub', 'second'))
    const { exitCode, stderr } = await run(['verify', out, '--dir', dir, '--json'])
    expect(exitCode).to.equal(7)
    const events = eventsIn(stderr)
    expect(events.filter(({ event }) => event === 'file').map(({ state, size }) => [state, size])).to.deep.equal([
      ['damaged', 300_001],
      ['missing', -1]
    ])
    expect(events.find(({ event }) => event === 'verified')).to.include({ bytes: 294_912, total: 500_000 })
    expect(events.at(-2)).to.include({ event: 'error', code: 'ERR_UNVERIFIED', exitCode: 7 })
    expect((await run(['verify', out, '--dir', dir, '--file', '*second'])).stderr).to.include('missing')
  })

  it('knows before it hashes that it cannot write the .torrent', async () => {
    const missing = join(dir, 'none', 'x.torrent')
    const { exitCode, stderr } = await run(['create', root, '-o', missing])
    expect(exitCode).to.equal(6)
    expect(stderr).to.equal(`bt-stream: cannot write to ${missing}: there is no such folder (ENOENT)`)
    writeFileSync(join(dir, 'folder.torrent'), 'mine')
    const standing = await run(['create', join(dir, 'nothing'), '--name', 'folder'], { cwd: dir })
    expect(standing.stderr).to.include('folder.torrent is there already')
    // What is to be hashed is not even looked for.
    expect((await run(['create', join(dir, 'nothing'), '-o', missing])).stderr).to.include('no such folder')
  })

  it('verify and seed say what to name when the torrent’s own folder was named', async () => {
    await run(['create', root, '-o', out])
    for (const command of ['verify', 'seed']) {
      const { exitCode, stderr } = await run([command, out, '--dir', root, ...(command === 'seed' ? ALONE : [])])
      expect(exitCode).to.not.equal(0)
      expect(stderr.trimEnd().endsWith(`; name the folder that holds folder: --dir ${dir}`), stderr).to.equal(true)
    }
  })
})
