import { expect } from 'chai'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import * as limits from '../lib/limits.js'
import { MESSAGES } from '../lib/wire/message.js'
import {
  codesIn,
  declaredCodes,
  errorFaults,
  exportsOf,
  limitFaults,
  membersOf,
  pathsIn,
  publicMembersOf,
  rowsOf
} from './support/docs.js'
import { projectRoot } from './support/project.js'

const read = (path: string) => readFileSync(projectRoot + path, 'utf8')

const documents = [
  ...readdirSync(projectRoot).filter(name => name.endsWith('.md')),
  ...readdirSync(`${projectRoot}docs`).map(name => `docs/${name}`)
].filter(path => path.endsWith('.md'))

describe('the documents', () => {
  it('are there', () => {
    expect(documents).to.include.members([
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'README.md',
      'SECURITY.md',
      'docs/api.md',
      'docs/architecture.md',
      'docs/benchmarks.md',
      'docs/bep-support.md',
      'docs/cli.md',
      'docs/conformance.md',
      'docs/errors.md',
      'docs/limits.md',
      'docs/streaming.md'
    ])
  })

  for (const path of documents) {
    it(`name only paths that exist: ${path}`, () => {
      expect(pathsIn(read(path)).filter(named => !existsSync(projectRoot + named))).to.deep.equal([])
    })

    it(`link only to files that exist: ${path}`, () => {
      const folder = path.replace(/[^/]*$/, '')
      const links = [...read(path).matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
      expect(links.filter(target => !existsSync(projectRoot + folder + target))).to.deep.equal([])
    })

    it(`name only error codes that exist: ${path}`, () => {
      const declared = declaredCodes(read('lib/errors.ts'))
      expect([...codesIn(read(path))].filter(code => !declared.has(code))).to.deep.equal([])
    })
  }

  it('list every error code of lib/errors.ts in docs/errors.md', () => {
    expect(errorFaults(read('lib/errors.ts'), read('docs/errors.md')).join('\n')).to.equal('')
  })

  const shown: [name: string, path: string][] = [
    ['TorrentOptions', 'lib/options.ts'],
    ['ReadStreamOptions', 'lib/torrent-file.ts'],
    ['TorrentStats', 'lib/torrent-stats.ts'],
    ['TorrentEvents', 'lib/torrent-stats.ts'],
    ['PeerInfo', 'lib/torrent-stats.ts'],
    ['PeerStats', 'lib/torrent-stats.ts'],
    ['TrackerInfo', 'lib/torrent-stats.ts'],
    ['SourceInfo', 'lib/torrent-stats.ts'],
    ['PieceMapCell', 'lib/torrent-stats.ts'],
    ['TorrentServerOptions', 'lib/http/torrent-server.ts'],
    ['EmbeddedSwarmOptions', 'lib/demo/embedded-swarm.ts']
  ]
  const classes: [name: string, path: string][] = [
    ['Client', 'lib/client.ts'],
    ['Torrent', 'lib/torrent.ts'],
    ['TorrentFile', 'lib/torrent-file.ts'],
    ['TorrentSlice', 'lib/torrent-slice.ts'],
    ['TorrentTar', 'lib/torrent-tar.ts'],
    ['TorrentServer', 'lib/http/torrent-server.ts']
  ]
  /** What only the library itself calls. */
  const internal = new Set(['open', 'listen'])
  const isNamed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(read('docs/api.md'))

  it('name in docs/api.md everything that is exported', () => {
    const names = exportsOf(read('lib/index.ts'))
    expect(names).to.include.members(['openTorrent', 'TorrentFile', 'TrackerErrorCode'])
    expect(names.filter(name => !isNamed(name))).to.deep.equal([])
  })

  for (const [name, path] of classes) {
    it(`name every public member of ${name} in docs/api.md`, () => {
      const members = publicMembersOf(name, read(path)).filter(member => !internal.has(member))
      expect(members).not.to.be.empty
      expect(members.filter(member => !isNamed(member))).to.deep.equal([])
    })
  }

  for (const [name, path] of shown) {
    it(`name every member of ${name} in docs/api.md`, () => {
      const members = membersOf(name, read(path))
      const page = read('docs/api.md')
      expect(members).not.to.be.empty
      expect(members.filter(member => !new RegExp(`\\b${member}\\b`).test(page))).to.deep.equal([])
    })
  }

  it('list every message of lib/wire/message.ts in docs/architecture.md, with its id, length and BEP', () => {
    const rows = new Map(rowsOf(read('docs/architecture.md')).map(({ name, cells }) => [name, cells]))
    for (const [name, { id, payload, bep }] of Object.entries(MESSAGES)) {
      const [idCell, payloadCell, bepCell] = rows.get(name) ?? []
      expect([idCell, bepCell], name).to.deep.equal([`${id}`, `${bep}`])
      if (typeof payload === 'number') expect(payloadCell, name).to.equal(`${payload}`)
    }
  })

  it('list every limit of lib/limits.ts in docs/limits.md', () => {
    expect(limitFaults(limits, read('lib/limits.ts'), read('docs/limits.md')).join('\n')).to.equal('')
  })
})

describe('the check of the documents', () => {
  it('reads every code that lib/errors.ts holds', () => {
    const source = read('lib/errors.ts')
    expect([...declaredCodes(source).keys()]).to.have.members([...codesIn(source)])
  })

  it('finds paths in backticks, up to their first placeholder', () => {
    expect(
      pathsIn('`lib/a.ts`, `docs/b.md:12`, `bin/`, `dist/c.js`, `test/x/*.ts`, `lib/<name>.ts`, lib/no.ts')
    ).to.deep.equal(['lib/a.ts', 'docs/b.md', 'bin/', 'test/x/', 'lib/'])
  })

  const errors = `export type DiskErrorCode =\n  | 'ERR_BT_ONE' // the first\n  | 'ERR_BT_TWO'\n`
  const one = '| `ERR_BT_ONE` | `DiskError` | The first. | Nothing. | 6 |'
  const two = '| `ERR_BT_TWO` | `DiskError` | The second. | Nothing. | – |'

  it('accepts a complete list of errors', () => {
    expect(errorFaults(errors, `${one}\n${two}\n`)).to.deep.equal([])
  })

  it('prints the row that is missing', () => {
    expect(errorFaults(errors, two)).to.deep.equal([
      'add | `ERR_BT_ONE` | `DiskError` | the first | <what to do> | <exit> |'
    ])
  })

  it('refuses rows of no code, of another class, and with empty cells', () => {
    const faults = (row: string) => errorFaults(errors, `${one}\n${row}\n`)
    expect(faults(`${two}\n| \`ERR_BT_THREE\` | \`DiskError\` | a | b | 6 |`)).to.deep.equal([
      'remove the row of ERR_BT_THREE'
    ])
    expect(faults(two.replace('DiskError', 'PeerError'))).to.have.lengthOf(1)
    expect(faults(two.replace('Nothing.', ''))).to.have.lengthOf(1)
  })

  const source =
    '/** what a frame\n * may hold, bytes. */\nexport const MAX_FRAME = 2048\nexport const MAX_PAIR = [1, 2000]\n'
  const values = { MAX_FRAME: 2048, MAX_PAIR: [1, 2000], helper: () => 1 }

  it('prints the limit that is missing', () => {
    expect(limitFaults(values, source, '| `MAX_PAIR` | 1 · 2,000 ms | pairs | ours |')).to.deep.equal([
      'add | `MAX_FRAME` | 2,048 | what a frame may hold, bytes. | <BEP or reason> |'
    ])
  })

  it('refuses another value, an empty cell and a limit that is gone', () => {
    const pair = '| `MAX_PAIR` | 1 · 2,000 | pairs | ours |'
    const faults = (row: string) => limitFaults(values, source, `${pair}\n${row}\n`)
    expect(faults('| `MAX_FRAME` | 2,048 bytes | frames | ours |')).to.deep.equal([])
    expect(faults('| `MAX_FRAME` | 2,04 | frames | ours |')).to.deep.equal([
      'the value of MAX_FRAME is 2,048, not 2,04'
    ])
    expect(faults('| `MAX_FRAME` | 2,048 |  | ours |')).to.have.lengthOf(1)
    expect(faults('| `MAX_FRAME` | 2,048 | frames | ours |\n| `MAX_GONE` | 1 | x | y |')).to.deep.equal([
      'remove the row of MAX_GONE'
    ])
  })
})
