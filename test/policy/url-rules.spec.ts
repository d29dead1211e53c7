import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressScope } from '../../lib/policy/address-rules.js'
import { addressRefusal, announceKeyRefusal, isInternationalName, urlRefusal } from '../../lib/policy/url-rules.js'
import { conformanceDir } from '../support/conformance.js'

interface Vectors {
  ssrf: {
    'trackers (allowed with mitigation on?)': [url: string, allowed: boolean][]
    'web seeds': [url: string, then: string | null, allowed: boolean][]
    'query keys a client adds (a tracker URL that has one is refused)': string[]
    'not refused': string[]
  }
  idna: { idna: string[]; not_idna: string[] }
}

/** Addresses of the names in the vectors. */
const NAMES: Record<string, string> = {
  localhost: '127.0.0.1',
  'tracker.com': '2.2.2.2',
  'local-network.com': '192.168.1.13'
}

const addressOf = ({ hostname }: URL) => NAMES[hostname] ?? hostname.replace(/[[\]]/g, '')
const stays = { cameFromGlobal: false }

describe('URL rules', () => {
  it('allow http and https only, with a host and a port', () => {
    for (const trust of ['user', 'tracker', 'swarm'] as const) {
      expect(urlRefusal(new URL('http://a.example/'), trust)).to.equal(undefined)
      expect(urlRefusal(new URL('https://a.example:8443/x?y'), trust)).to.equal(undefined)
      for (const text of ['file:///etc/passwd', 'ftp://a.example/', 'data:,x', 'javascript:1', 'http://a.example:0/']) {
        expect(urlRefusal(new URL(text), trust), text).to.be.a('string')
      }
    }
  })

  it('bound the length of a URL', () => {
    const url = (length: number) => new URL(`http://a.example/${'x'.repeat(length - 'http://a.example/'.length)}`)
    expect(urlRefusal(url(8192), 'tracker')).to.equal(undefined)
    expect(urlRefusal(url(8193), 'tracker')).to.equal('URL is too long')
  })

  it('let only the user name hosts in other scripts', () => {
    const url = new URL('http://bücher.example/')
    expect(urlRefusal(url, 'user')).to.equal(undefined)
    expect(urlRefusal(url, 'tracker')).to.be.a('string')
    expect(urlRefusal(url, 'swarm')).to.be.a('string')
  })

  it('let the user reach private addresses, but not by a redirect from the internet', () => {
    const url = new URL('http://nas.example/file.torrent?x=1')
    for (const address of ['192.168.1.1', '127.0.0.1', 'fd00::1']) {
      expect(addressRefusal(url, address, 'user', stays)).to.equal(undefined)
      expect(addressRefusal(url, address, 'user', { cameFromGlobal: true })).to.be.a('string')
    }
    for (const address of ['0.0.0.0', '::', '224.0.0.1', '255.255.255.255']) {
      expect(addressRefusal(url, address, 'user', stays)).to.be.a('string')
    }
  })

  describe('conformance', () => {
    const folder = conformanceDir()
    if (folder === undefined) {
      it('vectors.json ssrf and idna (conformance data is missing)')
      return
    }
    const { ssrf, idna } = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8')) as Vectors

    for (const [text, allowed] of ssrf['trackers (allowed with mitigation on?)']) {
      it(`${allowed ? 'allows' : 'refuses'} the tracker ${text}`, () => {
        const url = new URL(text)
        const refusal =
          urlRefusal(url, 'tracker') ?? announceKeyRefusal(url) ?? addressRefusal(url, addressOf(url), 'tracker', stays)
        expect(refusal === undefined).to.equal(allowed)
      })
    }

    for (const [first, second, allowed] of ssrf['web seeds']) {
      it(`${allowed ? 'allows' : 'refuses'} the web seed ${first}${second === null ? '' : ` that ${second}`}`, () => {
        const urls = [first, second].map(text => text && new URL(text.replace(/^redirects to | \(.*$/g, '')))
        let cameFromGlobal = false
        const refusals = urls.map(url => {
          if (!url) return undefined
          const refusal = urlRefusal(url, 'swarm') ?? addressRefusal(url, addressOf(url), 'swarm', { cameFromGlobal })
          cameFromGlobal ||= addressScope(addressOf(url)) === 'global'
          return refusal
        })
        expect(refusals.every(refusal => refusal === undefined)).to.equal(allowed)
      })
    }

    it('refuses every key that an announce adds, in any case, and nothing like it', () => {
      for (const key of ssrf['query keys a client adds (a tracker URL that has one is refused)']) {
        for (const query of [
          `${key}=x`,
          `a=b&${key.toUpperCase()}=x`,
          `%${key.charCodeAt(0).toString(16)}${key.slice(1)}`
        ]) {
          expect(announceKeyRefusal(new URL(`http://a.example/announce?${query}`)), query).to.be.a('string')
        }
      }
      for (const query of ssrf['not refused']) {
        expect(announceKeyRefusal(new URL(`http://a.example/announce?${query}`)), query).to.equal(undefined)
      }
    })

    it('knows international names', () => {
      for (const name of idna.idna) expect(isInternationalName(name), name).to.equal(true)
      for (const name of idna.not_idna) expect(isInternationalName(name), name).to.equal(false)
    })
  })
})
