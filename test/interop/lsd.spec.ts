import { expect } from 'chai'
import { NetworkPair } from '../support/network-pair.js'
import { needsNetworkNamespaces } from '../support/needs.js'
import { requireProgram } from '../support/real-clients/available.js'
import { digestsIn, digestsOf, multiFile, Workspace } from './content.js'

const DEADLINE_MS = 30_000

describe('two of ours in one network', () => {
  let workspace: Workspace
  let pair: NetworkPair | undefined
  beforeEach(function () {
    requireProgram(this, 'ip', 'iproute2')
    needsNetworkNamespaces(this)
    workspace = new Workspace()
  })
  afterEach(() => {
    pair?.close()
    workspace.remove()
  })

  for (const [name, family] of [
    ['IPv4', 'v4'],
    ['IPv6', 'v6']
  ] as const) {
    it(`find each other by local service discovery over ${name}`, async function () {
      pair = NetworkPair.open([family])
      const { torrentFile } = workspace.torrent(multiFile)
      const [dataDir, dir] = [workspace.content(multiFile), workspace.folder()]
      const only = ['--no-dht', '--no-tracker', '--no-pex', '--json']
      const getter = pair.run(1, ['get', torrentFile, '-o', dir, ...only])
      await getter.waitForOutput(/"event":"listening"/, DEADLINE_MS)
      const seeder = pair.run(0, ['seed', torrentFile, '--dir', dataDir, ...only])
      const { code } = await getter.waitForExit(DEADLINE_MS)
      expect(code, getter.error('the download').message).to.equal(0)
      expect(digestsIn(dir)).to.deep.equal(digestsOf(multiFile))
      await seeder.stop()
    })
  }
})
