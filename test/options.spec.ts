import { expect } from 'chai'
import { TorrentError } from '../lib/errors.js'
import { DEFAULT_MAX_MEMORY, DEFAULT_PEER_TIMEOUT_MS, DEFAULT_PORT, DEFAULT_STALL_TIMEOUT_MS } from '../lib/limits.js'
import { checkOptions, type TorrentOptions } from '../lib/options.js'

/** As a caller in JavaScript may write it. */
const loose = (options: Record<string, unknown>): TorrentOptions => options

describe('checkOptions', () => {
  it('fills in what is not given', () => {
    expect(checkOptions({})).to.include({
      dir: undefined,
      readOnly: false,
      overwrite: false,
      discovery: true,
      trackers: true,
      encryption: 'allow',
      port: DEFAULT_PORT,
      maxMemory: DEFAULT_MAX_MEMORY,
      isMemoryGiven: false,
      peerTimeoutMs: DEFAULT_PEER_TIMEOUT_MS,
      stallTimeoutMs: DEFAULT_STALL_TIMEOUT_MS
    })
  })

  it('asks no tracker without discovery', () => {
    expect(checkOptions({ discovery: false, trackers: true }).trackers).to.equal(false)
  })

  it('reads peers, IPv4 and IPv6', () => {
    const { peers } = checkOptions({ peers: ['1.2.3.4:5', '[::1]:6881'] })
    expect(peers).to.deep.equal([
      { host: '1.2.3.4', port: 5 },
      { host: '::1', port: 6881 }
    ])
  })

  const good: TorrentOptions[] = [
    { port: 0 },
    { port: 65_535 },
    { maxMemory: 1 },
    { maxMemory: Number.MAX_SAFE_INTEGER },
    { peerTimeoutMs: 0 },
    { stallTimeoutMs: 0 },
    { peers: [] },
    { dir: '.' },
    { encryption: 'off' },
    { encryption: 'require' }
  ]
  for (const options of good) {
    it(`takes ${JSON.stringify(options)}`, () => {
      expect(checkOptions(options)).to.deep.include(options)
    })
  }

  const bad: Record<string, unknown>[] = [
    { port: -1 },
    { port: 65_536 },
    { port: 0.5 },
    { port: '6881' },
    { encryption: 'always' },
    { encryption: true },
    { maxMemory: 0 },
    { maxMemory: 1.5 },
    { maxMemory: Number.NaN },
    { maxMemory: Infinity },
    { peerTimeoutMs: -1 },
    { peerTimeoutMs: 0.1 },
    { stallTimeoutMs: -1 },
    { stallTimeoutMs: Infinity },
    { peers: ['1.2.3.4'] },
    { peers: ['1.2.3.4:0'] },
    { peers: ['1.2.3.4:65536'] },
    { peers: ['example.org:6881'] },
    { dir: '' },
    { dir: 5 }
  ]
  for (const options of bad) {
    it(`refuses ${JSON.stringify(options)} of ${typeof Object.values(options)[0]}`, () => {
      expect(() => checkOptions(loose(options)))
        .to.throw(TorrentError)
        .with.property('code', 'ERR_BT_OPTION')
    })
  }
})
