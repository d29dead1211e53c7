/**
 * IPv4 and IPv6 by turns (RFC 8305): where one of them leads nowhere, the other is not held up. Knows addresses only.
 */
import type { PeerAddress } from '../wire/peer-address.js'

export function isIpv6({ host }: PeerAddress): boolean {
  return host.includes(':')
}

/**
 * The same in another order: of neighbours that are alike otherwise, the families take turns, and within a family nothing moves.
 * `beginsWithIpv6`: whose turn is first.
 */
export function byTurns<T extends { readonly address: PeerAddress }>(
  sorted: readonly T[],
  isAlike: (one: T, other: T) => boolean,
  beginsWithIpv6: boolean
): T[] {
  const ordered: T[] = []
  for (let start = 0; start < sorted.length;) {
    const run = runFrom(sorted, start, isAlike)
    const first = run.filter(({ address }) => isIpv6(address) === beginsWithIpv6)
    const second = run.filter(({ address }) => isIpv6(address) !== beginsWithIpv6)
    for (let i = 0; i < Math.max(first.length, second.length); i++)
      ordered.push(...first.slice(i, i + 1), ...second.slice(i, i + 1))
    start += run.length
  }
  return ordered
}

/** Those from `start` on that are alike. */
function runFrom<T>(items: readonly T[], start: number, isAlike: (one: T, other: T) => boolean): T[] {
  const rest = items.slice(start)
  const end = rest.findIndex(item => rest[0] !== undefined && !isAlike(rest[0], item))
  return end === -1 ? rest : rest.slice(0, end)
}
