/** What all tracker specs need. */
import type { AnnounceRequest } from '../../../lib/discovery/tracker/announce.js'
import { asInfoHash, asPeerId } from '../../../lib/metainfo/info-hash.js'

/** Bytes that are easily damaged on their way through a URL. */
export const infoHash = asInfoHash(Buffer.from('00017f80ff25262b3d20617a2d5f2e7e0a0d003f', 'hex'))
export const peerId = asPeerId(Buffer.from('-BS0001-\x00\xff\x80 &=+%/?ab', 'latin1'))

export function announceRequest(changes: Partial<AnnounceRequest> = {}): AnnounceRequest {
  const figures = { uploaded: 1, downloaded: 2 ** 40, left: 3 }
  return { infoHash, peerId, key: 0xdeadbeef, port: 6881, numWant: 200, ...figures, ...changes }
}
