import { expect } from 'chai'
import { printableText, redactSecrets, redactUrl } from '../../lib/policy/redact.js'

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

describe('printableText', () => {
  it('keeps words and drops what could fool a terminal', () => {
    expect(printableText(Buffer.from('a\u001b[31m\r\n\tb\u202ec\u200b\u0000é 日本'), 99)).to.equal('a[31m bcé 日本')
  })

  it('survives bytes that are no text and cuts at its length', () => {
    expect(printableText(Buffer.from([0x61, 0xff, 0x62]), 99)).to.equal('a\ufffdb')
    expect(printableText(Buffer.from('é'.repeat(300)), 256)).to.have.length(256)
    expect(printableText(Buffer.from('é'.repeat(256)), 256)).to.have.length(256)
    expect(Array.from(printableText(Buffer.from('😀'.repeat(300)), 256))).to.have.length(256)
  })
})
