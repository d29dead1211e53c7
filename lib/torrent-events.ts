/** What happens among the peers of a torrent, as the events that its users hear. */
import type { EventEmitter } from 'node:events'
import type { PeerEvents } from './torrent-peers.js'
import { peerInfo, trackerInfo } from './torrent-view.js'
import { formatPeerAddress } from './wire/peer-address.js'

/** Emits them; what nobody hears is lost. */
export function emitting(emitter: Pick<EventEmitter, 'emit'> | undefined): PeerEvents {
  return {
    onPeer: connection => emitter?.emit('peer', peerInfo(connection)),
    onPeerGone: (connection, error) => emitter?.emit('peerGone', peerInfo(connection), error),
    onDialFailed: (address, error) => emitter?.emit('dialFailed', formatPeerAddress(address), error),
    onTracker: status => emitter?.emit('tracker', trackerInfo(status)),
    onSource: source => emitter?.emit('source', source),
    // Once the caller has had the time to listen.
    onWarning: warning => setImmediate(() => emitter?.emit('warning', warning))
  }
}
