/** What loopback offers on this machine. */
import { networkInterfaces } from 'node:os'

/** True where `::1` can be used; tests that need it are skipped elsewhere. */
export function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
}
