import { expect } from 'chai'
import { parseTrackerUrl, scrapeUrlOf } from '../../../lib/discovery/tracker/tracker-url.js'
import { TrackerError } from '../../../lib/errors.js'

describe('parseTrackerUrl', () => {
  for (const [text, protocol, host, port] of [
    ['http://tracker.example/announce', 'http', 'tracker.example', 80],
    ['HTTPS://Tracker.Example/announce', 'http', 'tracker.example', 443],
    ['http://user:pass@tracker.example:8080/announce?k=1', 'http', 'tracker.example', 8080],
    ['udp://tracker.example:80/announce', 'udp', 'tracker.example', 80],
    ['UDP://Tracker.Example:6969', 'udp', 'tracker.example', 6969],
    ['udp://[2001:DB8::1]:6969/announce', 'udp', '2001:db8::1', 6969],
    ['udp://0x7f.1:6969/announce', 'udp', '127.0.0.1', 6969]
  ] as const) {
    it(`reads ${text}`, () => {
      const { protocol: read, host: name, port: number } = parseTrackerUrl(text)
      expect([read, name, number]).to.deep.equal([protocol, host, port])
    })
  }

  for (const text of [
    '',
    'announce',
    'wss://tracker.example/announce',
    'file:///announce',
    'http://tracker.example:0/announce',
    'http://tracker.example:99999/announce',
    'udp://tracker.example:69691337/announce',
    'udp://tracker.example/announce',
    'udp://tracker.example:0/announce',
    'udp:///announce',
    'udp://user:pass@tracker.example:1/announce',
    'udp://xn--bcher-kva.example:1/announce',
    'udp://bücher.example:1/announce',
    'http://bücher.example/announce',
    'http://tracker.example/announce?info_hash=x',
    'udp://tracker.example:1/announce?Peer_ID=x',
    `http://tracker.example/${'x'.repeat(4096)}`
  ]) {
    it(`refuses ${text.slice(0, 60) || '(nothing)'}`, () => {
      expect(() => parseTrackerUrl(text))
        .to.throw(TrackerError)
        .with.property('code', 'ERR_BT_TRACKER_URL')
    })
  }
})

describe('scrapeUrlOf', () => {
  for (const [announce, scrape] of [
    ['http://a.example/announce', 'http://a.example/scrape'],
    ['http://a.example/x/announce', 'http://a.example/x/scrape'],
    ['http://a.example/announce.php', 'http://a.example/scrape.php'],
    ['http://a.example/announce?x2%0644', 'http://a.example/scrape?x2%0644'],
    ['http://a.example/a', undefined],
    ['http://a.example/announce/x', undefined]
  ] as const) {
    it(announce, () => {
      expect(scrapeUrlOf(parseTrackerUrl(announce))?.href).to.equal(scrape)
    })
  }
})
