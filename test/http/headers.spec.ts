import { expect } from 'chai'
import { contentDisposition } from '../../lib/http/content-disposition.js'
import { contentTypeOf, isMedia } from '../../lib/http/content-type.js'
import { isForeignRequest, isHostAllowed } from '../../lib/http/host-check.js'
import { checkPreconditions, isRangeCurrent } from '../../lib/http/preconditions.js'

describe('the Content-Type', () => {
  const types: [name: string, type: string][] = [
    ['a.mkv', 'video/x-matroska'],
    ['a.AVI', 'video/x-msvideo'],
    ['a.m4v', 'video/mp4'],
    ['a.b.flac', 'audio/flac'],
    ['a.srt', 'application/x-subrip; charset=utf-8'],
    ['a.html', 'text/plain; charset=utf-8'],
    ['a.svg', 'text/plain; charset=utf-8'],
    ['a', 'application/octet-stream'],
    ['a.constructor', 'application/octet-stream'],
    ['', 'application/octet-stream']
  ]
  for (const [name, type] of types) it(`of ${name} is ${type}`, () => expect(contentTypeOf(name)).to.equal(type))

  it('tells what players play', () => {
    expect(['a.mp4', 'a.mp3', 'a.srt', 'a.jpg'].map(isMedia)).to.deep.equal([true, true, false, false])
  })
})

describe('the Content-Disposition', () => {
  it('has a plain name as it is', () => {
    expect(contentDisposition('a film (1999).mkv')).to.equal('inline; filename="a film (1999).mkv"')
  })

  it('has every other name in ASCII and in full, and no way out of its quotes', () => {
    expect(contentDisposition('Jürgen "x" 森.mkv')).to.equal(
      `inline; filename="J_rgen _x_ _.mkv"; filename*=UTF-8''J%C3%BCrgen%20%22x%22%20%E6%A3%AE.mkv`
    )
    expect(contentDisposition("it's*\r\nSet-Cookie: a")).to.match(
      /^inline; filename="[^"\r\n]*"; filename\*=UTF-8''it%27s%2A%0D%0ASet-Cookie%3A%20a$/
    )
    expect(() => contentDisposition('\ud800')).not.to.throw()
  })
})

describe('the Host of a request', () => {
  const names = new Set(['nas'])
  for (const host of [
    '127.0.0.1',
    '127.0.0.1:80',
    'localhost:8080',
    'LOCALHOST',
    'x.localhost',
    '[::1]:80',
    '192.168.1.2:99',
    'nas:80',
    'NAS.'
  ])
    it(`may be ${host}`, () => expect(isHostAllowed(host, names)).to.equal(true))
  for (const host of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'nas.evil',
    '[evil]',
    '::1',
    'localhost:x',
    'a@localhost',
    '0x7f.1'
  ])
    it(`may not be ${host}`, () => expect(isHostAllowed(host, names)).to.equal(false))
})

describe('a request that a page of another site makes', () => {
  const requests: [site: string | undefined, mode: string | undefined, isForeign: boolean][] = [
    [undefined, undefined, false],
    ['same-origin', 'cors', false],
    ['none', 'navigate', false],
    ['cross-site', 'navigate', false],
    ['cross-site', 'no-cors', true],
    ['cross-site', undefined, true],
    ['same-site', 'cors', true]
  ]
  for (const [site, mode, isForeign] of requests)
    it(`is known by ${site} and ${mode}`, () =>
      expect(isForeignRequest({ 'sec-fetch-site': site, 'sec-fetch-mode': mode })).to.equal(isForeign))
})

describe('a conditional request', () => {
  const tag = '"abc-0"'
  it('for what the client has is answered with nothing', () => {
    for (const header of [tag, `W/${tag}`, `"x", ${tag}`, '*'])
      expect(checkPreconditions({ 'if-none-match': header }, tag), header).to.equal('unchanged')
    expect(checkPreconditions({ 'if-none-match': '"x"' }, tag)).to.equal('proceed')
  })

  it('that insists on something else fails', () => {
    for (const header of ['"x"', `W/${tag}`, ''])
      expect(checkPreconditions({ 'if-match': header }, tag), header).to.equal('failed')
    for (const header of ['*', tag, `"x",${tag}`])
      expect(checkPreconditions({ 'if-match': header }, tag), header).to.equal('proceed')
  })

  it('has its range heeded only for what is still the same', () => {
    expect(isRangeCurrent({}, tag)).to.equal(true)
    expect(isRangeCurrent({ 'if-range': tag }, tag)).to.equal(true)
    for (const header of ['"x"', `W/${tag}`, 'Tue, 24 Nov 2026 10:00:00 GMT'])
      expect(isRangeCurrent({ 'if-range': header }, tag), header).to.equal(false)
  })
})
