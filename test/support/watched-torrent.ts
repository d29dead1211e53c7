/** What a torrent tells, in order, for specs that look at its events. */
import type { Torrent } from '../../lib/torrent.js'
import type { TorrentEvents } from '../../lib/torrent-stats.js'

export type ToldEvent = {
  [Name in keyof TorrentEvents]: [name: Name, ...payload: TorrentEvents[Name]]
}[keyof TorrentEvents]

/** Fills up as the torrent goes on. */
export function eventsOf(torrent: Torrent): ToldEvent[] {
  const told: ToldEvent[] = []
  torrent.on('listening', (...payload) => told.push(['listening', ...payload]))
  torrent.on('peer', (...payload) => told.push(['peer', ...payload]))
  torrent.on('peerGone', (...payload) => told.push(['peerGone', ...payload]))
  torrent.on('dialFailed', (...payload) => told.push(['dialFailed', ...payload]))
  torrent.on('tracker', (...payload) => told.push(['tracker', ...payload]))
  torrent.on('piece', (...payload) => told.push(['piece', ...payload]))
  torrent.on('checking', (...payload) => told.push(['checking', ...payload]))
  torrent.on('warning', (...payload) => told.push(['warning', ...payload]))
  torrent.on('waiting', (...payload) => told.push(['waiting', ...payload]))
  torrent.on('done', (...payload) => told.push(['done', ...payload]))
  torrent.on('failure', (...payload) => told.push(['failure', ...payload]))
  torrent.on('close', (...payload) => told.push(['close', ...payload]))
  return told
}
