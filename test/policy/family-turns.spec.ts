import { expect } from 'chai'
import fc from 'fast-check'
import { byTurns } from '../../lib/policy/family-turns.js'

interface Ranked {
  readonly address: { readonly host: string; readonly port: number }
  readonly rank: number
}

const ranked = fc.record({
  address: fc.record({ host: fc.constantFrom('198.51.100.1', '2001:db8::1'), port: fc.nat(65_535) }),
  rank: fc.nat(3)
})
const isAlike = (one: Ranked, other: Ranked): boolean => one.rank === other.rank
const isIpv6 = ({ address }: Ranked): boolean => address.host.includes(':')

describe('IPv4 and IPv6 by turns', () => {
  it('keeps everybody, ranks, and the order of each family', () => {
    fc.assert(
      fc.property(fc.array(ranked), fc.boolean(), (found, beginsWithIpv6) => {
        const sorted = [...found].sort((a, b) => a.rank - b.rank)
        const ordered = byTurns(sorted, isAlike, beginsWithIpv6)
        expect(ordered.map(({ rank }) => rank)).to.deep.equal(sorted.map(({ rank }) => rank))
        for (const ofFamily of [isIpv6, (item: Ranked) => !isIpv6(item)])
          expect(ordered.filter(ofFamily)).to.deep.equal(sorted.filter(ofFamily))
      })
    )
  })

  it('lets no family wait for more than one of the other while both have any', () => {
    fc.assert(
      fc.property(fc.array(ranked), fc.boolean(), (found, beginsWithIpv6) => {
        const ordered = byTurns(found, () => true, beginsWithIpv6).map(isIpv6)
        const fewer = Math.min(ordered.filter(Boolean).length, ordered.filter(is6 => !is6).length)
        expect(ordered.slice(0, 2 * fewer)).to.deep.equal(
          Array.from({ length: 2 * fewer }, (_, i) => (i % 2 === 0) === beginsWithIpv6)
        )
      })
    )
  })
})
