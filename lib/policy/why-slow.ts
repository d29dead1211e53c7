/** Why nothing comes, in one line. */

export interface SlowSnapshot {
  /** Peers connected, of them choking us. */
  readonly peers: number
  readonly choking: number
  /** Dials under way, and addresses known. */
  readonly dialling: number
  readonly candidates: number
  /** The piece waited for, and how many peers have it. */
  readonly piece: number | undefined
  readonly owners: number
  readonly isReaderSlow: boolean
  readonly isDiskSlow: boolean
  /** How often the hash of that piece was wrong. */
  readonly failures: number
  /** Requests in flight for that piece, and the peer that holds its oldest one. */
  readonly asked: number
  readonly holder: string | undefined
}

/** `undefined`: nothing is wanted, so nothing is slow. */
export function whySlow(now: SlowSnapshot): string | undefined {
  if (now.isReaderSlow) return 'reader is slow'
  if (now.isDiskSlow) return 'disk is slow'
  if (now.piece === undefined) return undefined
  if (now.peers === 0) return withoutPeers(now)
  if (now.failures > 0) return `piece ${now.piece} failed its hash ${times(now.failures)}`
  if (now.owners === 0) return `no peer has piece ${now.piece} (${plural(now.peers, 'peer')} connected)`
  if (now.choking === now.peers) return now.peers === 1 ? 'the only peer chokes us' : `all ${now.peers} peers choke us`
  if (now.choking * 2 >= now.peers) return `${plural(now.peers, 'peer')}, ${now.choking} choke us`
  if (now.holder !== undefined) return `piece ${now.piece} is asked of ${now.holder}`
  return `${plural(now.peers, 'peer')}, none sends piece ${now.piece}`
}

function withoutPeers({ dialling, candidates }: SlowSnapshot): string {
  if (dialling > 0) return `no peer connected; dialling ${dialling}`
  return candidates > 0 ? `no peer connected; ${plural(candidates, 'address', 'addresses')} known` : 'no peer found'
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
