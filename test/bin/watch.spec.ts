import { expect } from 'chai'
import { EventEmitter, once } from 'node:events'
import type { Event } from '../../bin/messages/events.js'
import { Messages } from '../../bin/messages/messages.js'
import type { Voice } from '../../bin/messages/voice.js'
import { tellEvents, watchTorrent } from '../../bin/watch.js'
import { openTorrent, type TorrentEvents } from '../../lib/index.js'
import { WAITING_AFTER_MS } from '../../lib/limits.js'
import { makeTorrent, randomBytesSeeded } from '../support/make-torrent.js'
import { VirtualClock } from '../support/virtual-clock.js'

/** Keeps what it is told. */
class Listener implements Voice {
  readonly progressEveryMs = 1000
  readonly events: Event[] = []

  say(event: Event): void {
    this.events.push(event)
  }

  end(): void {
    // Nothing is half-drawn.
  }
}

describe('tellEvents', () => {
  it('says of a tracker what has changed, and not that it plans its next announce', () => {
    const torrent = new EventEmitter<TorrentEvents>()
    const listener = new Listener()
    tellEvents(torrent, new Messages(listener, {}))
    const [url, other] = ['http://a.example/announce', 'http://b.example/announce']
    const [working, failed] = [
      { url, state: 'working', peers: 2 },
      { url, state: 'failed', peers: 0, message: 'no' }
    ] as const
    for (const tracker of [working, working, failed, failed, { ...working, url: other }, working])
      torrent.emit('tracker', tracker)
    const said = listener.events.map(event => ({ ...event, event: undefined }))
    const expected = [working, failed, { ...working, url: other }, working]
    expect(said).to.deep.equal(expected.map(tracker => ({ ...tracker, event: undefined })))
  })
})

describe('watchTorrent', () => {
  it('says of a torrent without peers that there are none, and does not blame the reader', async () => {
    const { torrent: file } = makeTorrent({ name: 'x', pieceLength: 16_384, data: randomBytesSeeded('watch', 50_000) })
    const clock = new VirtualClock()
    const torrent = await openTorrent(file, { discovery: false, peerTimeoutMs: 0, clock })
    const listener = new Listener()
    const goal = () => ({ done: torrent.stats().delivered, total: 50_000 })
    const stop = watchTorrent(torrent, new Messages(listener, {}), goal)
    const reader = torrent.file(0).createReadStream()
    reader.read(0)
    await clock.advance(WAITING_AFTER_MS + 2000)
    const reasons = listener.events.filter(({ event }) => event === 'waiting')
    expect(reasons).to.deep.equal([{ event: 'waiting', reason: 'no peer found' }])
    stop()
    const closed = once(reader, 'close')
    reader.destroy()
    await closed
    await torrent.close()
  })
})
