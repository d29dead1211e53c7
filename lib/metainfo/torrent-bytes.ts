/** A .torrent around an `info` dictionary that is there already, byte for byte: hashing it again gives the same info-hash. */
import { decode, encode } from './bencode.js'
import type { Metainfo } from './metainfo.js'

/** What stands around `info`. */
export type TorrentSurroundings = Pick<Metainfo, 'trackers' | 'webSeeds'> &
  Partial<Pick<Metainfo, 'comment' | 'createdBy' | 'creationDate'>>

/** The bytes of a .torrent that says what `metainfo` does. */
export function encodeTorrent(metainfo: Metainfo): Buffer {
  return surround(metainfo.infoBytes, metainfo)
}

/** Throws `MetainfoError` with ERR_BT_BENCODE when `infoBytes` are no bencoded value. */
export function surround(infoBytes: Uint8Array, around: TorrentSurroundings): Buffer {
  const { trackers, webSeeds, comment, createdBy, creationDate } = around
  return encode({
    announce: trackers[0]?.[0],
    'announce-list': trackers.length > 0 ? trackers : undefined,
    comment,
    'created by': createdBy,
    'creation date': creationDate,
    info: decode(infoBytes).value,
    'url-list': webSeeds.length > 0 ? webSeeds : undefined
  })
}
