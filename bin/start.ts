/** The first words of a command about its torrent. */
import type { Metainfo, Torrent } from '../lib/index.js'
import { filesOf } from './file-choice.js'
import { binaryBytes } from './messages/quantity.js'
import type { Session } from './session.js'

export function tellStart({ messages }: Session, command: string, metainfo: Metainfo): void {
  const { name, length, infoHash } = metainfo
  messages.say({ event: 'start', command, name, infoHash: infoHash.toString('hex'), length, files: filesOf(metainfo) })
}

/** What a torrent takes when `--max-memory` is not given and its pieces are not large. */
export const DEFAULT_BUDGET = 2 ** 26

/** Large pieces need a larger budget than the default. */
export function tellBudget({ messages, options }: Session, torrent: Torrent): void {
  const { maxMemory } = torrent.stats()
  if (options.maxMemory !== undefined || maxMemory <= DEFAULT_BUDGET) return
  const pieces = `pieces of ${binaryBytes(torrent.metainfo.pieceLength)}`
  const message = `${pieces}: the memory budget was raised to ${binaryBytes(maxMemory)}`
  messages.say({ event: 'warning', message })
}
