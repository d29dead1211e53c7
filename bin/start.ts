/** The first words of a command about its torrent. */
import type { Metainfo, Torrent } from '../lib/index.js'
import { filesOf } from './file-choice.js'
import { bytes } from './messages/quantity.js'
import type { Session } from './session.js'

export function tellStart({ messages }: Session, command: string, metainfo: Metainfo): void {
  const { name, length, infoHash } = metainfo
  messages.say({ event: 'start', command, name, infoHash: infoHash.toString('hex'), length, files: filesOf(metainfo) })
}

/** Large pieces need a larger budget than the default. */
export function tellBudget({ messages, options }: Session, torrent: Torrent): void {
  const { maxMemory } = torrent.stats()
  const { pieceLength } = torrent.metainfo
  if (options.maxMemory !== undefined || maxMemory > 2 * pieceLength) return
  const message = `pieces of ${bytes(pieceLength)}: the memory budget was raised to ${bytes(maxMemory)}`
  messages.say({ event: 'warning', message })
}
