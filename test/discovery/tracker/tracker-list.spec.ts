import { expect } from 'chai'
import type {
  AnnounceRequest,
  AnnounceResponse,
  Announcer,
  TransferReport
} from '../../../lib/discovery/tracker/announce.js'
import { trackerError, TrackerRefusal } from '../../../lib/discovery/tracker/tracker-fault.js'
import { TrackerList, type TrackerListOptions } from '../../../lib/discovery/tracker/tracker-list.js'
import { TRACKER_STOP_MS } from '../../../lib/limits.js'
import type { PeerAddress } from '../../../lib/wire/peer-address.js'
import { settled, VirtualClock } from '../../support/virtual-clock.js'
import { infoHash, peerId } from './support.js'

const peer = { host: '1.2.3.4', port: 6881 }
const ok = (changes: Partial<AnnounceResponse> = {}): AnnounceResponse => ({
  peers: [peer],
  intervalMs: 1_800_000,
  ...changes
})
const down = () => trackerError('ERR_BT_TRACKER_NETWORK', 'connection refused')

/** What a tracker does: answers, fails, or is silent until the test lets it answer. */
type Behaviour = (request: AnnounceRequest) => AnnounceResponse | Error | 'silence' | Promise<AnnounceResponse>

class ScriptedAnnouncer implements Announcer {
  readonly behaviours = new Map<string, Behaviour>()
  readonly asked: { url: string; atMs: number; request: AnnounceRequest }[] = []
  aborted = 0
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  announce(url: string, request: AnnounceRequest, { signal }: { signal: AbortSignal }): Promise<AnnounceResponse> {
    const name = url.slice(7, 8)
    this.asked.push({ url: name, atMs: this.#clock.now(), request })
    const outcome = this.behaviours.get(name)?.(request) ?? ok()
    if (outcome instanceof Error) return Promise.reject(outcome)
    if (outcome !== 'silence') return Promise.resolve(outcome)
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.aborted++
        reject(new Error('aborted'))
      })
    })
  }

  /** Like `a0 b3`: who was asked at which second. */
  get timeline(): string {
    return this.asked.map(({ url, atMs }) => `${url}${atMs / 1000}`).join(' ')
  }

  get events(): string {
    return this.asked.map(({ url, request }) => `${url}:${request.event ?? '-'}`).join(' ')
  }
}

describe('TrackerList', () => {
  let clock: VirtualClock
  let announcer: ScriptedAnnouncer
  let figures: TransferReport
  let found: PeerAddress[]
  let list: TrackerList

  const url = (name: string) => `http://${name}.example/announce`
  const open = (tiers: string[], changes: Partial<TrackerListOptions> = {}) => {
    list = new TrackerList({
      tiers: tiers.map(tier => Array.from(tier, url)),
      infoHash,
      peerId,
      key: 7,
      port: 6881,
      announcer,
      clock,
      random: () => 0,
      report: () => figures,
      onPeers: peers => found.push(...peers),
      ...changes
    })
    return list
  }
  const start = async (tiers: string[], behaviours: Record<string, Behaviour> = {}) => {
    for (const [name, behaviour] of Object.entries(behaviours)) announcer.behaviours.set(name, behaviour)
    open(tiers).start()
    await settled()
  }

  beforeEach(() => {
    clock = new VirtualClock()
    announcer = new ScriptedAnnouncer(clock)
    figures = { uploaded: 0, downloaded: 0, left: 100 }
    found = []
  })

  afterEach(async () => {
    const stopping = list.stop()
    await clock.advance(10_000)
    await stopping
    expect(clock.pendingTimers).to.equal(0)
  })

  it('asks one tracker of each tier at once', async () => {
    await start(['ab', 'c', 'de'])
    expect(announcer.timeline).to.equal('a0 c0 d0')
    await clock.advance(60_000)
    expect(announcer.asked).to.have.length(3)
    expect(found).to.have.length(3)
  })

  it('shuffles within a tier, never between tiers', () => {
    const order = (random: () => number) => {
      return open(['abc', 'de'], { random })
        .statuses()
        .map(({ url: text, tier }) => `${text.slice(7, 8)}${tier}`)
        .join('')
    }
    expect(order(() => 0)).to.equal('a0b0c0d1e1')
    expect(order(() => 0.999)).to.equal('c0b0a0e1d1')
  })

  it('asks the next at once when one fails, and stays with the one that answers', async () => {
    await start(['abc'], { a: down, b: down })
    expect(announcer.timeline).to.equal('a0 b0 c0')
    await clock.advance(1_800_000)
    expect(announcer.timeline).to.equal('a0 b0 c0 c1800')
  })

  it('asks the next when one is silent for 3 s, while that goes on', async () => {
    let answerA: (response: AnnounceResponse) => void = () => undefined
    await start(['ab'], { a: () => new Promise(resolve => (answerA = resolve)) })
    await clock.advance(2999)
    expect(announcer.timeline).to.equal('a0')
    await clock.advance(1)
    expect(announcer.timeline).to.equal('a0 b3')
    expect(announcer.aborted).to.equal(0)
    answerA(ok({ peers: [{ host: '9.9.9.9', port: 1 }] }))
    await settled()
    expect(found).to.deep.equal([peer, { host: '9.9.9.9', port: 1 }])
    await clock.advance(1_800_000)
    expect(announcer.timeline).to.equal('a0 b3 b1803')
  })

  it('backs off from 15 s to 30 minutes while all fail', async () => {
    await start(['a'], { a: down })
    await clock.advance(4 * 3_600_000)
    const times = announcer.asked.map(({ atMs }) => atMs / 1000)
    const gaps = times.slice(1).map((time, index) => time - times[index]!)
    expect(gaps.slice(0, 10)).to.deep.equal([15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800])
  })

  it('retries a failed tracker while another one of its tier is still silent', async () => {
    let failures = 0
    await start(['ab'], { a: () => 'silence', b: () => (++failures > 1 ? ok() : down()) })
    await clock.advance(60_000)
    expect(announcer.timeline).to.equal('a0 b3 b18')
  })

  it('begins from the start after a success', async () => {
    let working = false
    await start(['a'], { a: () => (working ? ok({ intervalMs: 60_000 }) : down()) })
    working = true
    await clock.advance(15_000)
    working = false
    await clock.advance(60_000 + 15_000)
    expect(announcer.timeline).to.equal('a0 a15 a75 a90')
  })

  for (const [name, response, seconds] of [
    ['30 minutes when it names none', ok({ intervalMs: undefined }), 1800],
    ['what it names', ok({ intervalMs: 900_000 }), 900],
    ['a minute at least', ok({ intervalMs: 1 }), 60],
    ['an hour at most', ok({ intervalMs: 2 ** 50 }), 3600],
    ['its minimal interval', ok({ intervalMs: 60_000, minIntervalMs: 120_000 }), 120]
  ] as const) {
    it(`announces again after ${name}`, async () => {
      await start(['a'], { a: () => response })
      await clock.advance(seconds * 1000 - 1)
      expect(announcer.asked).to.have.length(1)
      await clock.advance(1)
      expect(announcer.asked).to.have.length(2)
    })
  }

  it('asks early when peers run out, not before the minimal interval', async () => {
    await start(['a', 'b'], { a: () => ok({ minIntervalMs: 300_000 }) })
    list.announceNow()
    list.announceNow()
    await clock.advance(299_999)
    expect(announcer.timeline).to.equal('a0 b0 b60')
    await clock.advance(1)
    expect(announcer.timeline).to.equal('a0 b0 b60 a300')
  })

  it('waits as long as a tracker that refuses wants (BEP 31)', async () => {
    await start(['a', 'b'], {
      a: () => new TrackerRefusal('busy', 600_000),
      b: () => new TrackerRefusal('banned', Infinity)
    })
    await clock.advance(3_600_000)
    expect(announcer.timeline).to.match(/^a0 b0 a600 /)
    expect(announcer.timeline).not.to.contain('b6')
  })

  it('tells started, completed once and stopped, with the figures of the moment', async () => {
    await start(['a'])
    figures = { uploaded: 5, downloaded: 100, left: 0 }
    list.completed()
    list.completed()
    await clock.advance(1_800_000)
    figures = { uploaded: 9, downloaded: 100, left: 0 }
    await list.stop()
    expect(announcer.events).to.equal('a:started a:completed a:- a:stopped')
    expect(announcer.asked.map(({ request }) => request.left)).to.deep.equal([100, 0, 0, 0])
    expect(announcer.asked.map(({ request }) => request.uploaded)).to.deep.equal([0, 5, 5, 9])
    expect(announcer.asked.map(({ request }) => request.numWant)).to.deep.equal([200, 200, 200, 0])
  })

  it('repeats completed until it was heard', async () => {
    await start(['a'], { a: ({ event }) => (event === 'completed' && clock.now() === 0 ? down() : ok()) })
    list.completed()
    await clock.advance(15_000)
    expect(announcer.events).to.equal('a:started a:completed a:completed')
  })

  it('tells completed after an announce that was under way', async () => {
    let answer: (response: AnnounceResponse) => void = () => undefined
    await start(['a'], {
      a: ({ event }) => (event === 'started' ? new Promise(resolve => (answer = resolve)) : ok())
    })
    list.completed()
    answer(ok())
    await settled()
    expect(announcer.events).to.equal('a:started a:completed')
  })

  it('sends no completed for data that was complete at the start', async () => {
    figures = { uploaded: 0, downloaded: 0, left: 0 }
    await start(['a'])
    list.completed()
    await settled()
    expect(announcer.events).to.equal('a:started')
  })

  it('tells completed before stopped, and once, to whoever leaves when all is there', async () => {
    await start(['a', 'b'], { b: ({ event }) => (event === undefined ? 'silence' : ok()) })
    await clock.advance(1_800_000)
    figures = { uploaded: 0, downloaded: 100, left: 0 }
    list.completed() // a hears of it now; b is silent about an announce that is under way
    await list.stop()
    expect(
      announcer.asked.filter(({ request }) => request.event).map(({ url, request }) => `${url}:${request.event}`)
    ).to.deep.equal(['a:started', 'b:started', 'a:completed', 'b:completed', 'a:stopped', 'b:stopped'])
  })

  it('waits for a completed that is on its way, no longer in all with what comes after', async () => {
    let answer: (response: AnnounceResponse) => void = () => undefined
    const slow: Behaviour = ({ event }) => (event === 'completed' ? new Promise(resolve => (answer = resolve)) : ok())
    await start(['a', 'b'], { a: slow, b: ({ event }) => (event === 'completed' ? 'silence' : ok()) })
    list.completed()
    let stopped = false
    void list.stop().then(() => (stopped = true))
    await clock.advance(4000)
    expect(announcer.events).to.equal('a:started b:started a:completed b:completed')
    answer(ok())
    await settled()
    expect(announcer.events).to.match(/b:completed a:stopped$/)
    await clock.advance(TRACKER_STOP_MS - 4000)
    expect([stopped, announcer.aborted]).to.deep.equal([true, 1])
    expect(announcer.events).to.match(/a:stopped$/)
  })

  it('says stopped only to those that were told started', async () => {
    await start(['ab', 'c'], { a: down, c: () => 'silence' })
    await list.stop()
    expect(announcer.events).to.equal('a:started c:started b:started b:stopped')
    expect(announcer.aborted).to.equal(1)
  })

  it('gives up on stopped in time for all to be closed within 5 s', async () => {
    const silentAtStop: Behaviour = ({ event }) => (event === 'stopped' ? 'silence' : ok())
    await start(['a', 'b', 'c'], { a: silentAtStop, b: silentAtStop, c: silentAtStop })
    let stopped = false
    void list.stop().then(() => (stopped = true))
    await clock.advance(TRACKER_STOP_MS - 1)
    expect(stopped).to.equal(false)
    await clock.advance(1)
    expect(stopped).to.equal(true)
  })

  it('stops when its signal fires', async () => {
    const controller = new AbortController()
    open(['a'], { signal: controller.signal }).start()
    await settled()
    controller.abort()
    await settled()
    expect(announcer.events).to.equal('a:started a:stopped')
    await clock.advance(7_200_000)
    expect(announcer.asked).to.have.length(2)
  })

  it('never asks a URL that cannot be asked, and says why', async () => {
    const tiers = [['wss://a.example/announce', 'udp://noport.example/announce'], ['http://b.example:0/announce']]
    open([], { tiers }).start()
    await clock.advance(7_200_000)
    expect(announcer.asked).to.deep.equal([])
    expect(list.statuses().map(({ state, error }) => `${state} ${error?.code ?? ''}`)).to.deep.equal([
      'failed ERR_BT_TRACKER_URL',
      'failed ERR_BT_TRACKER_URL',
      'failed ERR_BT_TRACKER_URL'
    ])
  })

  it('asks a tracker once that is listed twice, and 100 at most', async () => {
    await start(['aa', 'a'])
    expect(announcer.timeline).to.equal('a0')
    await list.stop()
    const many = Array.from({ length: 101 }, (_, index) => [`http://${index}.example/announce`])
    expect(open([], { tiers: many }).statuses()).to.have.length(100)
  })

  it('shows the state of each tracker without its passkey', async () => {
    const seen: string[] = []
    announcer.behaviours.set('a', () => ok({ seeders: 3, leechers: 4, warning: 'hm' }))
    const tiers = [['http://a.example/0123456789abcdef/announce?uk=secret']]
    open([], { tiers, onStatus: ({ state }) => seen.push(state) }).start()
    await settled()
    expect(seen).to.deep.equal(['announcing', 'working', 'working'])
    await clock.advance(800_000)
    expect(list.statuses()).to.deep.equal([
      {
        url: 'http://a.example/…/announce?…',
        tier: 0,
        state: 'working',
        peers: 1,
        seeders: 3,
        leechers: 4,
        warning: 'hm',
        nextAnnounceMs: 1_000_000
      }
    ])
    await list.stop()
    expect(list.statuses()[0]).to.have.property('state', 'idle')
  })
})
