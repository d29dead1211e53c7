/**
 * Joins the compiled modules of the program, and the small packages that they use, into a few files in dist/program: Node loads those in
 * half the time of two hundred. What an `import()` loads stays a file of its own. undici stays outside: it asks for modules of newer Nodes.
 */
import commonjs from '@rollup/plugin-commonjs'
import resolve from '@rollup/plugin-node-resolve'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from 'rollup'

const ENTRY = `#!/usr/bin/env node
/** The program \`bt-stream\`. */
import '../program/program.js'
`

const root = fileURLToPath(new URL('..', import.meta.url))
const dir = join(root, 'dist', 'program')

await joinProgram()

/** Resolves when dist/program is written and dist/bin/bt-stream.js runs it. */
async function joinProgram() {
  rmSync(dir, { recursive: true, force: true })
  const bundle = await rollup({
    input: join(root, 'dist', 'bin', 'program.js'),
    external: id => id.startsWith('node:') || id === 'undici',
    plugins: [ownPlaces(), resolve({ exportConditions: ['node'], preferBuiltins: true }), commonjs()],
    onLog: (level, log) => {
      throw new Error(`rollup ${level}: ${log.message}`)
    }
  })
  const { output } = await bundle.write({
    dir,
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js'
  })
  await bundle.close()
  writeFileSync(join(root, 'dist', 'bin', 'bt-stream.js'), ENTRY)
  writeFileSync(join(dir, 'LICENSES.txt'), licenses(output.flatMap(({ moduleIds }) => moduleIds ?? [])))
}

/** `import.meta.url` goes on meaning the module where it is written: beside it are workers and pages. */
function ownPlaces() {
  return {
    name: 'own-places',
    resolveImportMeta(property, { moduleId }) {
      if (property !== 'url') return null
      const path = relative(dir, moduleId).split(sep).join('/')
      return `new URL(${JSON.stringify(path)}, import.meta.url).href`
    }
  }
}

/** The licenses of the packages whose modules these are, as they want to go along. */
function licenses(modules) {
  const folders = new Set(modules.map(packageFolder).filter(folder => folder !== undefined))
  return [...folders]
    .sort()
    .map(folder => {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
      if (file === undefined) throw new Error(`${name} has no license file`)
      return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}

/** Folder of the package that the module is of; undefined for our own. */
function packageFolder(module) {
  // Helpers that plugins make up have a NUL in front, or a question behind.
  const path = module.replace(/^\0/, '').replace(/\?.*$/, '')
  if (!path.includes(`${sep}node_modules${sep}`)) return undefined
  let folder = dirname(path)
  while (
    !existsSync(join(folder, 'package.json')) ||
    !('version' in JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
  )
    folder = dirname(folder)
  return folder
}
