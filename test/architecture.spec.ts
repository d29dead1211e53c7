import { expect } from 'chai'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { violations } from './support/architecture.js'
import { projectRoot } from './support/project.js'

/** The sources of the repository under `folders`, by path from its root. */
function sourcesOf(...folders: string[]): Map<string, string> {
  const sources = new Map<string, string>()
  for (const folder of folders.filter(name => existsSync(projectRoot + name))) {
    for (const name of readdirSync(projectRoot + folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      const path = `${folder}/${name.replaceAll('\\', '/')}`
      sources.set(path, readFileSync(projectRoot + path, 'utf8'))
    }
  }
  return sources
}

describe('architecture', () => {
  it('of lib and bin keeps every rule', () => {
    expect(violations(sourcesOf('lib', 'bin')).join('\n')).to.equal('')
  })

  it('names every file in kebab-case, after a noun', () => {
    const odd = [...sourcesOf('lib', 'bin', 'test').keys()].filter(path => {
      const name = path.slice(path.lastIndexOf('/') + 1)
      return (
        !/^[a-z0-9]+(-[a-z0-9]+)*(\.(spec|bench))?\.ts$/.test(name) ||
        /^(utils?|helpers?|misc|common)\.ts$|manager/.test(name)
      )
    })
    expect(odd).to.deep.equal([])
  })
})

describe('the check of the architecture', () => {
  /** What is said about one file with this text. */
  const said = (path: string, text: string) => violations(new Map([[path, text]]))

  const refused: [why: string, path: string, text: string][] = [
    ['an import from above', 'lib/pieces/a.ts', `import { b } from '../wire/b.js'`],
    ['a type from above', 'lib/pieces/a.ts', `import type { B } from '../wire/b.js'`],
    ['an inline type from above', 'lib/pieces/a.ts', `let b: import('../wire/b.js').B`],
    ['a re-export from above', 'lib/pieces/a.ts', `export { b } from '../wire/b.js'`],
    ['a star re-export from above', 'lib/pieces/a.ts', `export * from '../wire/b.js'`],
    ['a late import from above', 'lib/pieces/a.ts', `const f = () => import('../wire/b.js')`],
    ['a worker from above', 'lib/pieces/a.ts', `new Worker(new URL('../wire/b.js', import.meta.url))`],
    ['an import that is computed', 'lib/net/a.ts', `const f = (x: string) => import(x)`],
    ['an import from beside', 'lib/net/a.ts', `import { b } from '../storage/b.js'`],
    ['client from demo', 'lib/demo/a.ts', `import { Client } from '../client.js'`],
    ['index from client', 'lib/client.ts', `import { a } from './index.js'`],
    ['a layer that nobody knows', 'lib/extras/a.ts', ''],
    ['an import of such a layer', 'lib/torrent.ts', `import { a } from './extras/a.js'`],
    ['a way around lib/index.ts', 'bin/a.ts', `import { Torrent } from '../lib/torrent.js'`],
    ['options read below torrent', 'lib/demo/a.ts', `import type { O } from '../options.js'`],
    ['node:net in a pure folder', 'lib/wire/a.ts', `import { connect } from 'node:net'`],
    ['node:fs/promises in a pure folder', 'lib/metainfo/a.ts', `import { open } from 'node:fs/promises'`],
    ['Date.now in a pure folder', 'lib/policy/a.ts', `const f = () => Date.now()`],
    ['new Date() in a pure folder', 'lib/policy/a.ts', `const f = () => new Date()`],
    ['Math.random in a pure folder', 'lib/pieces/a.ts', `const f = () => Math.random()`],
    ['random bytes in a pure folder', 'lib/wire/a.ts', `import { randomBytes } from 'node:crypto'`],
    ['performance in a pure folder', 'lib/policy/a.ts', `const f = () => performance.now()`],
    ['setTimeout in a pure folder', 'lib/policy/a.ts', `const f = () => setTimeout(f, 1)`],
    ['a global by its long name', 'lib/policy/a.ts', `const f = () => globalThis.setInterval(f, 1)`],
    ['process in a pure folder', 'lib/policy/a.ts', `const f = () => process.env.X`],
    ['bl elsewhere', 'lib/streams/a.ts', `import { BufferList } from 'bl'`],
    ['streamsearch elsewhere', 'lib/net/a.ts', `import { S } from 'streamsearch'`],
    ['undici elsewhere', 'lib/discovery/a.ts', `const f = () => import('undici')`],
    ['undici at start-up', 'lib/transport/a.ts', `import { request } from 'undici'`],
    ['commander in lib', 'lib/client.ts', `import { Command } from 'commander'`],
    ['a package that nobody allowed', 'lib/net/a.ts', `import { x } from 'left-pad'`],
    ['a module of Node without node:', 'lib/storage/a.ts', `import { open } from 'fs'`],
    ['a file of 401 lines', 'lib/net/a.ts', '//\n'.repeat(401)],
    ['console in lib', 'lib/torrent.ts', `const f = () => console.error('x')`],
    ['a top-level await', 'lib/client.ts', `export const x = await Promise.resolve(1)`],
    ['a top-level for await', 'lib/client.ts', `for await (const x of []) x()`],
    ['a top-level await using', 'lib/client.ts', `await using x = y()`]
  ]
  for (const [why, path, text] of refused) {
    it(`refuses ${why}`, () => {
      expect(said(path, text)).to.have.lengthOf(1)
    })
  }

  const allowed: [what: string, path: string, text: string][] = [
    ['imports from below', 'lib/wire/a.ts', `import { b } from '../pieces/b.js'; export * from '../limits.js'`],
    ['imports within a folder', 'lib/net/a.ts', `import { b } from './mse/b.js'`],
    ['torrent-file from torrent', 'lib/torrent.ts', `import { F } from './torrent-file.js'; import './options.js'`],
    ['hashing in a pure folder', 'lib/metainfo/a.ts', `import { createHash } from 'node:crypto'`],
    ['members that share a name', 'lib/wire/a.ts', `class A { process() { return this.process() } }; new Date(0)`],
    ['the home of bl', 'lib/wire/frame-buffer.ts', `import { BufferList } from 'bl'`],
    ['undici when needed', 'lib/transport/a.ts', `import type { X } from 'undici'; const f = () => import('undici')`],
    ['bin of index and its packages', 'bin/a.ts', `import '../lib/index.js'; import 'commander'; import './b.js'`],
    ['console in bin', 'bin/a.ts', `await Promise.resolve(); console.error('x')`],
    ['a file of 400 lines', 'lib/net/a.ts', '//\n'.repeat(400)],
    ['await in functions', 'lib/client.ts', `class A { async a() { for await (const x of []) await x } }`],
    ['names in text and comments', 'lib/wire/a.ts', `const a = "import('node:net')" // process.exit()`]
  ]
  for (const [what, path, text] of allowed) {
    it(`allows ${what}`, () => {
      expect(said(path, text)).to.deep.equal([])
    })
  }

  it('finds a cycle, of types too, and says which', () => {
    const files = new Map([
      ['lib/net/a.ts', `import { b } from './b.js'`],
      ['lib/net/b.ts', `import type { C } from './c.js'`],
      ['lib/net/c.ts', `export { a } from './a.js'`]
    ])
    expect(violations(files)).to.deep.equal(['cycle: lib/net/a.ts → lib/net/b.ts → lib/net/c.ts → lib/net/a.ts'])
  })
})
