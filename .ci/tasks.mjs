/**
 * What a fresh clone needs, with nothing but Node: installs when the lockfile changed, builds when a source changed, then
 * shows the demonstration or runs the tests. Silent where there is nothing to do.
 */
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild, runNode } from './child.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...path) => join(root, ...path)

/** Runs `start`, `test` or `build`; resolves to the exit code. Further arguments go to the demonstration, or to mocha. */
export async function run(task, args) {
  switch (task) {
    case 'build':
      return inOrder(install, build)
    case 'start':
      return inOrder(install, build, () => runNode(root, ['dist/bin/bt-stream.js', 'demo', ...args]))
    case 'test':
      return timed(() =>
        inOrder(
          install,
          build,
          lint,
          format,
          () => specs(args),
          () => interop(args)
        )
      )
    default:
      console.error('usage: node .ci/dev.mjs start|test|build')
      return 2
  }
}

/** The exit code of the first step that fails; the steps after it are not taken. */
async function inOrder(...steps) {
  for (const step of steps) {
    const exitCode = await step()
    if (exitCode !== 0) return exitCode
  }
  return 0
}

async function timed(work) {
  const start = performance.now()
  const exitCode = await work()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.error(exitCode === 0 ? `All passed in ${seconds} s` : `Failed after ${seconds} s`)
  return exitCode
}

/** `npm ci`, unless node_modules is what this lockfile, Node and machine asked for. A linked node_modules is its owner's affair. */
async function install() {
  if (isLink(at('node_modules'))) return 0
  const hasLockfile = existsSync(at('package-lock.json'))
  const wanted = hash([
    readFileSync(at(hasLockfile ? 'package-lock.json' : 'package.json')),
    [process.versions.modules, process.platform, process.arch].join(' ')
  ])
  const stamp = at('node_modules', '.bt-stream-install')
  if (readIfThere(stamp) === wanted) return 0
  console.error('Installing packages ...')
  // NODE_ENV=production would leave out the compiler and the test runner.
  const exitCode = await npm([hasLockfile ? 'ci' : 'install', '--include=dev', '--no-audit', '--no-fund'])
  if (exitCode === 0) {
    mkdirSync(at('node_modules'), { recursive: true })
    writeFileSync(stamp, wanted)
  }
  return exitCode
}

function npm(args) {
  const running = process.env.npm_execpath
  if (running && /^npm-cli\.[cm]?js$/.test(basename(running))) return runNode(root, [running, ...args])
  // Windows starts npm.cmd only through a shell; the arguments are ours and hold nothing to quote.
  return process.platform === 'win32'
    ? runChild(root, `npm ${args.join(' ')}`, [], { shell: true })
    : runChild(root, 'npm', args)
}

/** Compiles, which also checks the types, and joins the program's modules. The output of a source that is gone must not be run as a test. */
async function build() {
  const sources = ['lib', 'bin', 'test'].flatMap(folder => typescriptFiles(folder)).sort()
  const settings = ['tsconfig.json', 'package.json', 'package-lock.json', '.ci/join-program.mjs']
  const inputs = [...sources, ...settings].filter(path => existsSync(at(path)))
  const wanted = hash(inputs.flatMap(path => [path, readFileSync(at(path))]))
  const stamp = at('dist', '.bt-stream-build')
  const [built, ...builtSources] = (readIfThere(stamp) ?? '').split('\n')
  if (built === wanted) return 0
  if (built === '' || builtSources.some(path => !sources.includes(path))) {
    rmSync(at('dist'), { recursive: true, force: true })
  }
  rmSync(stamp, { force: true })
  console.error('Building ...')
  const exitCode = await inOrder(
    () => runNode(root, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']),
    () => runNode(root, ['.ci/join-program.mjs'])
  )
  if (exitCode === 0) writeFileSync(stamp, [wanted, ...sources].join('\n'))
  return exitCode
}

function lint() {
  return runNode(root, ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.'])
}

function format() {
  return runNode(root, ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'])
}

function specs(args) {
  return runNode(root, ['node_modules/mocha/bin/mocha.js', ...args])
}

/** Specs that start the programs of others. */
function interop(args) {
  const folder = at('dist', 'test', 'interop')
  if (!existsSync(folder) || !readdirSync(folder, { recursive: true }).some(path => path.endsWith('.spec.js'))) return 0
  return specs(['--config', 'test/interop/mocharc.json', ...args])
}

function typescriptFiles(folder) {
  if (!existsSync(at(folder))) return []
  return readdirSync(at(folder), { recursive: true })
    .filter(path => path.endsWith('.ts'))
    .map(path => `${folder}/${path.replaceAll('\\', '/')}`)
}

function hash(parts) {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(`${part.length}:`).update(part)
  return digest.digest('hex')
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
