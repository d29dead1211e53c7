/** How peers may be looked for, as checked options say it. */
import type { PeerAddress } from '../wire/peer-address.js'

/** The DHT, if it is to be used. */
export interface DhtSettings {
  /** `host:port`. */
  readonly bootstrap: readonly string[]
  readonly readOnly: boolean
  readonly nodesFile: string | undefined
  readonly sharesNetworks: boolean
}

/** Local service discovery, if it is to be used. */
export interface LsdSettings {
  readonly groups: readonly PeerAddress[] | undefined
  readonly interfaces: readonly string[] | undefined
}
