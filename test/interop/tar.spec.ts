/** The README's first line: a tarball is unpacked while it arrives. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { runBtStreamPiped } from '../support/bt-stream-program.js'
import { requireLibtorrent, requireProgram } from '../support/real-clients/available.js'
import * as libtorrent from '../support/real-clients/libtorrent.js'
import { digestsIn, digestsOf, multiFile, Workspace } from './content.js'

/** Short names, names that ustar cannot say, and a path that is too long for it. */
const named = {
  ...multiFile,
  name: 'Ordner – 森',
  files: [
    ...multiFile.files,
    { path: ['d'.repeat(90), 'e'.repeat(90), `${'f'.repeat(90)}.bin`], data: Buffer.from('deep') },
    { path: ['g'.repeat(200)], data: Buffer.alloc(513, 7) }
  ]
}

describe('bt-stream x.torrent | tar xf -', () => {
  const workspace = new Workspace()

  after(() => workspace.remove())

  it('unpacks what libtorrent seeds', async function () {
    requireLibtorrent(this)
    requireProgram(this, 'tar', 'tar')
    const dataDir = workspace.folder()
    const tarball = join(dataDir, 'x.tar')
    spawnSync('tar', ['-cf', tarball, '-C', workspace.content(multiFile), multiFile.name])
    const torrent = workspace.torrent({ name: 'x.tar', data: readFileSync(tarball), pieceLength: 32 * 1024 })
    await using seeder = await libtorrent.seed({ torrents: [torrent], dataDir, workDir: workspace.folder() })
    const dir = workspace.folder()
    const { host, port } = seeder.address
    await runBtStreamPiped(
      [torrent.torrentFile, '--no-discovery', '--peer', `${host}:${port}`],
      ['tar', '-xf', '-', '-C', dir]
    )
    expect(digestsIn(dir)).to.deep.equal(digestsOf(multiFile))
  })

  for (const [program, debianPackage] of [
    ['tar', 'tar'],
    ['bsdtar', 'libarchive-tools']
  ] as const) {
    it(`--tar is unpacked by ${program}, whatever the names`, async function () {
      requireLibtorrent(this)
      requireProgram(this, program, debianPackage)
      const dataDir = workspace.content(named)
      const torrent = workspace.torrent(named)
      await using seeder = await libtorrent.seed({ torrents: [torrent], dataDir, workDir: workspace.folder() })
      const dir = workspace.folder()
      const { host, port } = seeder.address
      await runBtStreamPiped(
        [torrent.torrentFile, '--tar', '--no-discovery', '--peer', `${host}:${port}`],
        [program, '-xf', '-', '-C', dir]
      )
      expect(digestsIn(dir)).to.deep.equal(digestsOf(named))
    })
  }
})
