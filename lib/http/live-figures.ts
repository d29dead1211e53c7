/** How the torrents stand now, in a form that costs the same however many pieces and peers there are. docs/http.md describes it. */
import { MAX_MAP_CELLS, MAX_MAP_CELLS_OF_ALL } from '../limits.js'
import type { ServedCell, ServedTorrent } from './library.js'

/** A cell of the map is one of these: bits 0 to 2 how much is here, bit 3 asked for, bit 4 in a window, bit 5 head. */
const CELLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const [ASKED, IN_WINDOW, HEAD] = [8, 16, 32]
const MOST_HERE = 7
/** However many torrents there are. */
const MIN_CELLS = 16
const MAX_TORRENTS = MAX_MAP_CELLS_OF_ALL / MIN_CELLS

export function liveFigures(torrents: readonly ServedTorrent[]): string {
  const shown = torrents.slice(0, MAX_TORRENTS)
  const cells = Math.min(MAX_MAP_CELLS, Math.max(MIN_CELLS, Math.floor(MAX_MAP_CELLS_OF_ALL / shown.length)))
  return JSON.stringify({ torrents: shown.map(torrent => figuresOf(torrent, cells)) })
}

function figuresOf(torrent: ServedTorrent, cells: number) {
  const { verified, delivered, downloadRate, uploadRate, peers, readers, memory, maxMemory, waiting } = torrent.stats()
  return {
    infoHash: torrent.infoHash,
    verified,
    delivered,
    downloadRate: Math.round(downloadRate),
    uploadRate: Math.round(uploadRate),
    peers,
    readers,
    memory,
    maxMemory,
    waiting: waiting ?? null,
    map: torrent.pieceMap(cells).map(cellText).join('')
  }
}

/** Nothing looks like all, nor a little like nothing. */
function cellText({ here, isAsked, isInWindow, isHead }: ServedCell): string {
  const level =
    here <= 0 ? 0 : here >= 1 ? MOST_HERE : Math.min(MOST_HERE - 1, Math.max(1, Math.round(here * MOST_HERE)))
  return CELLS[level + (isAsked ? ASKED : 0) + (isInWindow ? IN_WINDOW : 0) + (isHead ? HEAD : 0)] ?? 'A'
}
