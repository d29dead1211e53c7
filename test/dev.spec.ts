import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { projectRoot } from './support/project.js'

/** Stands for npm: notes how it was called, and installs a compiler that copies. */
const NPM = `
const fs = require('fs')
fs.appendFileSync('calls', 'npm ' + process.argv.slice(2).join(' ') + '\\n')
if (fs.existsSync('npm-fails')) process.exit(7)
fs.rmSync('node_modules', { recursive: true, force: true })
fs.mkdirSync('node_modules/typescript/bin', { recursive: true })
fs.writeFileSync('node_modules/typescript/bin/tsc', fs.readFileSync('fake-tsc.js'))
`
const TSC = `
const fs = require('fs')
fs.appendFileSync('calls', 'tsc\\n')
if (fs.existsSync('tsc-fails')) process.exit(2)
for (const folder of ['lib', 'bin']) {
  fs.mkdirSync('dist/' + folder, { recursive: true })
  for (const name of fs.readdirSync(folder)) fs.copyFileSync(folder + '/' + name, 'dist/' + folder + '/' + name.replace('.ts', '.js'))
}
`
/** Stands for what joins the program's modules. */
const JOIN = `
import fs from 'fs'
fs.appendFileSync('calls', 'join\\n')
`

describe('.ci/dev.mjs', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bt-stream-dev-'))
    cpSync(join(projectRoot, '.ci'), join(root, '.ci'), { recursive: true })
    put('.ci/join-program.mjs', JOIN)
    put('package.json', '{ "engines": { "node": ">=20.19" }, "type": "module" }')
    put('package-lock.json', '{}')
    put('npm-cli.cjs', NPM)
    put('fake-tsc.js', TSC)
    put('lib/kept.ts', '1')
    put('lib/gone.ts', '1')
    put('bin/bt-stream.ts', `console.log(process.argv.slice(2).join(' ')); process.exitCode = 5`)
  })
  afterEach(() => {
    rmSync(root, { recursive: true, force: true })
  })

  function put(path: string, content: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }

  function dev(args: string[], nodeArgs: string[] = []) {
    rmSync(join(root, 'calls'), { force: true })
    const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, '.ci/dev.mjs', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, npm_execpath: join(root, 'npm-cli.cjs') }
    })
    const calls = existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : []
    return { status, stdout, stderr, calls }
  }

  const CI = 'npm ci --include=dev --no-audit --no-fund'

  it('installs and builds a fresh clone, then has nothing to do and says nothing', () => {
    expect(dev(['build'])).to.deep.include({ status: 0, calls: [CI, 'tsc', 'join'] })
    expect(dev(['build'])).to.deep.equal({ status: 0, stdout: '', stderr: '', calls: [] })
  })

  it('installs again, and builds, when the lockfile changed', () => {
    dev(['build'])
    put('package-lock.json', '{ }')
    expect(dev(['build']).calls).to.deep.equal([CI, 'tsc', 'join'])
  })

  it('builds again when a source changed, and only then', () => {
    dev(['build'])
    put('lib/kept.ts', '2')
    expect(dev(['build']).calls).to.deep.equal(['tsc', 'join'])
    expect(readFileSync(join(root, 'dist/lib/kept.js'), 'utf8')).to.equal('2')
    put('lib/kept.ts', '2')
    put('docs/new.md', '')
    expect(dev(['build']).calls).to.deep.equal([])
  })

  it('removes the output of a source that is gone', () => {
    dev(['build'])
    rmSync(join(root, 'lib/gone.ts'))
    expect(dev(['build']).calls).to.deep.equal(['tsc', 'join'])
    expect(existsSync(join(root, 'dist/lib/gone.js'))).to.equal(false)
    expect(existsSync(join(root, 'dist/lib/kept.js'))).to.equal(true)
  })

  it('ends with the exit code of the step that failed, and tries that step again', () => {
    put('npm-fails', '')
    expect(dev(['build'])).to.deep.include({ status: 7, calls: [CI] })
    rmSync(join(root, 'npm-fails'))
    put('tsc-fails', '')
    expect(dev(['build'])).to.deep.include({ status: 2, calls: [CI, 'tsc'] })
    rmSync(join(root, 'tsc-fails'))
    expect(dev(['build'])).to.deep.include({ status: 0, calls: ['tsc', 'join'] })
  })

  it('never installs into linked packages', () => {
    dev(['build'])
    mkdirSync(join(root, 'elsewhere'))
    renameSync(join(root, 'node_modules'), join(root, 'elsewhere/node_modules'))
    symlinkSync(join(root, 'elsewhere/node_modules'), join(root, 'node_modules'), 'junction')
    put('package-lock.json', '{ }')
    expect(dev(['build'])).to.deep.include({ status: 0, calls: ['tsc', 'join'] })
  })

  it('starts the demonstration with the given arguments, and passes on its exit code', () => {
    expect(dev(['start', '--json'])).to.deep.include({ status: 5, stdout: 'demo --json\n' })
  })

  it('turns an old Node away in one line', () => {
    put(
      'old.cjs',
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: process.env.AS_NODE } })`
    )
    for (const [version, turnedAway] of [
      ['18.20.4', true],
      ['20.18.9', true],
      ['20.19.0', false],
      ['22.0.0', false]
    ] as const) {
      process.env.AS_NODE = version
      const { status, stderr, calls } = dev(['build'], ['--require', join(root, 'old.cjs')])
      delete process.env.AS_NODE
      expect(status, version).to.equal(turnedAway ? 1 : 0)
      if (!turnedAway) continue
      expect(stderr).to.equal(`bt-stream needs Node 20.19 or newer; this is ${version}\n`)
      expect(calls).to.deep.equal([])
    }
  })

  it('names the tasks when there is no such task', () => {
    expect(dev(['tset'])).to.deep.include({ status: 2, stderr: 'usage: node .ci/dev.mjs start|test|build\n' })
  })
})
