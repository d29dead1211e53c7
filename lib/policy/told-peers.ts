/** Which addresses are taken from whoever tells us of others, by peer exchange (BEP 11) or in the DHT: none that it could not know, none that would make us its weapon. */
import type { PeerAddress } from '../wire/peer-address.js'
import { addressScope, isDialable } from './address-rules.js'

/**
 * The addresses worth keeping of those that `teller` told. Only a peer of our own network may name one in it. BEP 11: > Duplicate IP
 * addresses (e.g. with different ports) should be ignored; on loopback many peers share one.
 */
export function believablePeers<Told extends PeerAddress>(told: readonly Told[], teller: PeerAddress): Told[] {
  const tellerScope = addressScope(teller.host)
  const hosts = new Set<string>()
  return told.filter(({ host }) => {
    const scope = addressScope(host)
    if (!isDialable(host) || (scope !== 'global' && scope !== tellerScope)) return false
    if (scope !== 'loopback' && hosts.has(host)) return false
    hosts.add(host)
    return true
  })
}

/** True unless somebody of the internet names an address of a private network: it would be one of ours. */
export function isBelievableHost(host: string, tellerHost: string): boolean {
  return addressScope(host) === 'global' || addressScope(tellerHost) !== 'global'
}
