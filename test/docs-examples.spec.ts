/** The examples of docs/api.md, each run as a user would run it, against a seeder in this process. */
import { expect } from 'chai'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { randomBytesSeeded, type TorrentSource } from './support/make-torrent.js'
import { projectRoot } from './support/project.js'
import { Seeder } from './support/seeder.js'

const folder = `${projectRoot}docs/examples/`
const examples = readdirSync(folder)

/** Runs an example; resolves to its standard output. Rejects unless it exits with 0. */
async function runExample(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [folder + name, ...args])
  return stdout
}

const data = randomBytesSeeded('examples', 300_000)
const source: TorrentSource = {
  name: 'box',
  pieceLength: 65_536,
  files: [
    { path: ['first.bin'], data: data.subarray(0, 200_000) },
    { path: ['sub', 'second.bin'], data: data.subarray(200_000) }
  ]
}

describe('the examples of docs/api.md', () => {
  let seeder: Seeder
  before(async () => {
    seeder = await Seeder.start(source)
  })
  after(() => seeder.close())

  it('are all of docs/examples, word for word', () => {
    const page = readFileSync(`${projectRoot}docs/api.md`, 'utf8')
    const missing = examples.filter(name => !page.includes(`\`\`\`js\n${readFileSync(folder + name, 'utf8')}\`\`\``))
    expect(missing).to.deep.equal([])
  })

  it('save a file', async () => {
    const path = join(seeder.folder, 'saved.bin')
    await runExample('save-file.mjs', seeder.path, path, seeder.address)
    expect(readFileSync(path).equals(data.subarray(0, 200_000))).to.equal(true)
  })

  it('read a range', async () => {
    const printed = await runExample('read-range.mjs', seeder.path, 'box/sub/second.bin', '5', '70004', seeder.address)
    const bytes = Buffer.from(printed.replaceAll('\n', ''), 'hex')
    expect(bytes.equals(data.subarray(200_005, 270_005))).to.equal(true)
  })

  it('download all files', async () => {
    const dir = join(seeder.folder, 'downloads')
    const printed = await runExample('download.mjs', seeder.path, dir, seeder.address)
    expect(printed).to.include(`connected to ${seeder.address}\n`)
    expect(printed).to.include('box/first.bin: 200000 bytes\nbox/sub/second.bin: 100000 bytes\n')
    expect(readFileSync(join(dir, 'box', 'sub', 'second.bin')).equals(data.subarray(200_000))).to.equal(true)
  })

  it('write to the input of a program', async () => {
    const count = `"${process.execPath}" -e "let n=0;process.stdin.on('data',c=>n+=c.length).on('end',()=>console.log(n))"`
    expect(await runExample('to-pipe.mjs', seeder.path, 'box/first.bin', count, seeder.address)).to.equal('200000\n')
  })

  it('serve over HTTP', async () => {
    const child = spawn(process.execPath, [`${folder}serve.mjs`, seeder.path, seeder.address], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const lines = createInterface({ input: child.stdout })
    const [first, second] = [new RegExp('^watch at (http\\S+)$'), new RegExp('^box/first.bin: (http\\S+)$')]
    const urls: string[] = []
    for await (const line of lines) {
      const [, url] = first.exec(line) ?? second.exec(line) ?? []
      if (url !== undefined) urls.push(url)
      if (urls.length === 2) break
    }
    const [page = '', file = ''] = urls
    expect(await (await fetch(page)).text()).to.include('sub/')
    expect(Buffer.from(await (await fetch(file)).arrayBuffer()).equals(data.subarray(0, 200_000))).to.equal(true)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).to.deep.equal([0, null])
  })

  it('write a tar archive', async () => {
    const archive = await runExample('to-tar.mjs', seeder.path, seeder.address)
    expect(archive.length).to.be.greaterThan(0)
    expect(archive.startsWith('box/first.bin\0')).to.equal(true)
  })
})
