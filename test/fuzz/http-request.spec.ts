import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_RANGES, parseRange } from '../../lib/http/byte-range.js'
import { isHostAllowed } from '../../lib/http/host-check.js'
import { checkPreconditions } from '../../lib/http/preconditions.js'
import { originForm, routeOf } from '../../lib/http/routes.js'
import { fuzz } from '../support/fuzz.js'
import { damaged } from '../support/mutation.js'

const texts = (seeds: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    damaged(seeds.map(seed => Buffer.from(seed))).map(bytes => bytes.toString('latin1')),
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc
      .array(fc.constantFrom(...seeds.flatMap(seed => seed.split(/\b/)), '-', ',', ' ', '=', '9'), { maxLength: 40 })
      .map(parts => parts.join(''))
  )

describe('fuzz: HTTP requests', () => {
  it('ask for ranges that are in the file, ascend and are few, or for none', async () => {
    const headers = texts(['bytes=0-99,200-', 'bytes=-5', 'bytes=0-0, 5-6 ,-1'])
    await fuzz(
      fc.property(headers, fc.integer({ min: 0, max: 300 }), (header, size) => {
        const ranges = parseRange(header, size)
        if (typeof ranges === 'string') return
        expect(ranges.length).to.be.within(1, MAX_RANGES)
        let before = -1
        for (const { start, end } of ranges) {
          expect(start).to.be.above(before)
          expect(end).to.be.within(start, size - 1)
          before = end
        }
      }),
      2000
    )
  })

  it('come to us by an address in figures, by localhost, or by a name that was allowed', async () => {
    const hosts = texts(['localhost:80', '[::1]:80', '127.0.0.1', 'nas.example:8080', 'x.localhost.'])
    await fuzz(
      fc.property(hosts, host => {
        if (!isHostAllowed(host, new Set(['nas.example']))) return
        const { hostname } = new URL(`http://${host.replace(/:\d+$/, '')}`)
        expect(hostname.replace(/\.$/, '')).to.match(/^(?:(?:.*\.)?localhost|nas\.example|[\d.]+|\[[0-9a-f:]+\])$/)
      }),
      2000
    )
  })

  it('are for a file by number, or for what has a name of its own', async () => {
    const hash = 'ab'.repeat(20)
    const targets = texts([`/${hash}/0/a`, `/${hash}/12.vtt`, '/api?x', 'http://h:1/playlist.m3u', '/../events#'])
    await fuzz(
      fc.property(targets, target => {
        const route = routeOf(originForm(target).path)
        if (!('index' in route)) return
        expect(route.infoHash).to.match(/^[0-9a-f]{40}$/)
        expect(Number.isSafeInteger(route.index)).to.equal(true)
      }),
      2000
    )
  })

  it('have conditions that end in a decision', async () => {
    const headers = texts(['"a", W/"b"', '*', '"abc-0"'])
    await fuzz(
      fc.property(headers, headers, (match, none) => {
        const decision = checkPreconditions({ 'if-match': match, 'if-none-match': none }, '"abc-0"')
        expect(decision).to.be.oneOf(['proceed', 'failed', 'unchanged'])
      }),
      1000
    )
  })
})
