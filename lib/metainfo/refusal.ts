/** How a .torrent is refused that is bencode but makes no sense. */
import { MetainfoError } from '../errors.js'

/** Throws ERR_BT_METAINFO. */
export function refuse(cause: string): never {
  throw new MetainfoError('ERR_BT_METAINFO', `not a valid .torrent: ${cause}`)
}
