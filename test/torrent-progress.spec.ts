import { expect } from 'chai'
import type { TorrentError } from '../lib/errors.js'
import { READER_WAITING_MS, WAITING_AFTER_MS } from '../lib/limits.js'
import { TorrentProgress } from '../lib/torrent-progress.js'
import { VirtualClock } from './support/virtual-clock.js'

/** A torrent's side as the spec has it. */
class Side {
  readonly clock = new VirtualClock()
  readonly reasons: string[] = []
  readonly errors: TorrentError[] = []
  bytes = { downloaded: 0, uploaded: 0, delivered: 0 }
  stored = 0
  isWanted = true
  hasWaitingReader = false
  hasPeer = false
  why: string | undefined = 'no peer found'
  readonly progress = new TorrentProgress({
    clock: this.clock,
    peerTimeoutMs: 120_000,
    stallTimeoutMs: 300_000,
    downloaded: () => this.bytes.downloaded,
    uploaded: () => this.bytes.uploaded,
    delivered: () => this.bytes.delivered,
    storedAt: () => this.stored,
    isWanting: () => this.isWanted,
    isReaderWaiting: () => this.hasWaitingReader,
    hadPeer: () => this.hasPeer,
    reason: () => this.why,
    sources: () => 'tracker a: 0 peers',
    onBeat: () => undefined,
    onWaiting: reason => this.reasons.push(reason),
    onTimeout: error => {
      this.errors.push(error)
      this.progress.stop()
    }
  })
}

describe('TorrentProgress', () => {
  let side: Side
  beforeEach(() => {
    side = new Side()
  })
  afterEach(() => {
    side.progress.stop()
    expect(side.clock.pendingTimers).to.equal(0)
  })

  it('gives up without any peer after the peer timeout, and says where it looked', async () => {
    await side.clock.advance(119_999)
    expect(side.errors).to.deep.equal([])
    await side.clock.advance(2000)
    expect(side.errors[0]).to.include({ code: 'ERR_BT_NO_PEERS' })
    expect(side.errors[0]?.message).to.contain('120 s').and.to.contain('tracker a: 0 peers')
  })

  it('gives up after the stall timeout when there was a peer, and says why', async () => {
    side.hasPeer = true
    side.why = 'all 3 peers choke us'
    await side.clock.advance(299_999)
    expect(side.errors).to.deep.equal([])
    await side.clock.advance(2000)
    expect(side.errors[0]).to.include({ code: 'ERR_BT_STALLED' })
    expect(side.errors[0]?.message).to.contain('300 s').and.to.contain('all 3 peers choke us')
  })

  it('counts anew from each piece', async () => {
    side.hasPeer = true
    for (let i = 0; i < 5; i++) {
      await side.clock.advance(250_000)
      side.stored = side.clock.now()
    }
    expect(side.errors).to.deep.equal([])
  })

  it('runs neither clock while nobody waits', async () => {
    side.isWanted = false
    await side.clock.advance(1_000_000)
    side.hasPeer = true
    await side.clock.advance(1_000_000)
    expect(side.errors).to.deep.equal([])
    side.isWanted = true
    await side.clock.advance(299_000)
    expect(side.errors).to.deep.equal([])
    await side.clock.advance(3000)
    expect(side.errors).to.have.lengthOf(1)
  })

  it('says why after 15 s, once, and again when the reason changes', async () => {
    await side.clock.advance(WAITING_AFTER_MS - 1)
    expect(side.progress.waiting).to.equal(undefined)
    await side.clock.advance(3000)
    expect(side.reasons).to.deep.equal(['no peer found'])
    expect(side.progress.waiting).to.equal('no peer found')
    side.why = 'no peer has piece 7 (1 peer connected)'
    await side.clock.advance(30_000)
    expect(side.reasons).to.deep.equal(['no peer found', 'no peer has piece 7 (1 peer connected)'])
  })

  it('has the reason in its figures soon when a reader waits, and says it no sooner', async () => {
    side.hasWaitingReader = true
    await side.clock.advance(READER_WAITING_MS - 1)
    expect(side.progress.waiting).to.equal(undefined)
    await side.clock.advance(2001)
    expect(side.progress.waiting).to.equal('no peer found')
    expect(side.reasons).to.deep.equal([])
    side.stored = side.clock.now()
    await side.clock.advance(1000)
    expect(side.progress.waiting).to.equal(undefined)
    await side.clock.advance(WAITING_AFTER_MS)
    expect(side.reasons).to.deep.equal(['no peer found'])
  })

  it('says so of a slow reader or disk too, though they stop the clocks', async () => {
    side.isWanted = false
    side.why = 'reader is slow'
    await side.clock.advance(17_000)
    expect(side.reasons).to.deep.equal(['reader is slow'])
  })

  it('says nothing while pieces come or a reader takes bytes, however slowly', async () => {
    for (let i = 0; i < 10; i++) {
      await side.clock.advance(10_000)
      if (i % 2) side.bytes.delivered++
      else side.stored = side.clock.now()
    }
    expect(side.reasons).to.deep.equal([])
    await side.clock.advance(17_000)
    expect(side.progress.waiting).to.equal('no peer found')
    side.bytes.delivered++
    await side.clock.advance(1000)
    expect(side.progress.waiting).to.equal(undefined)
  })

  it('measures rates that come near the truth and die away', async () => {
    for (let i = 0; i < 20; i++) {
      side.bytes.downloaded += 1_000_000
      side.bytes.uploaded += 200_000
      await side.clock.advance(1000)
    }
    expect(side.progress.downloadRate).to.be.within(990_000, 1_000_000)
    expect(side.progress.uploadRate).to.be.within(198_000, 200_000)
    await side.clock.advance(20_000)
    expect(side.progress).to.include({ downloadRate: 0, uploadRate: 0 })
  })
})
