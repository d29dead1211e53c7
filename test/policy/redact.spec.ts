import { expect } from 'chai'
import { redactSecrets, redactUrl } from '../../lib/policy/redact.js'

describe('redactUrl', () => {
  for (const [url, shown] of [
    ['http://tracker.example/announce', 'http://tracker.example/announce'],
    ['https://tracker.example:8443/announce.php?passkey=0123', 'https://tracker.example:8443/announce.php?…'],
    ['http://tracker.example/0123456789abcdef/announce', 'http://tracker.example/…/announce'],
    ['http://user:secret@tracker.example/announce', 'http://tracker.example/announce'],
    ['http://tracker.example/announce/0123', 'http://tracker.example/announce/…'],
    ['udp://tracker.example:6969', 'udp://tracker.example:6969'],
    ['udp://tracker.example:6969/announce?x', 'udp://tracker.example:6969/announce?…'],
    ['not a url', '(unreadable URL)']
  ] as const) {
    it(url, () => {
      expect(redactUrl(url)).to.equal(shown)
    })
  }
})

describe('redactSecrets', () => {
  it('hides what the tracker repeats', () => {
    const url = 'http://me:word1@a.example/key0123/announce?uk=se%20cret'
    expect(redactSecrets('bad key0123 and se cret of word1', url)).to.equal('bad … and … of …')
    expect(redactSecrets('announce more', url)).to.equal('announce more')
  })
})
