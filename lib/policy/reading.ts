/** A reader's window at one moment: what it misses first, and how long it can do without. */
import { BLOCK_LENGTH } from '../limits.js'
import type { PieceIndex } from '../pieces/geometry.js'
import type { ReadWindow } from '../pieces/read-window.js'
import type { PiecesInFlight } from './pieces-in-flight.js'

export interface Reading {
  readonly window: ReadWindow
  /** The first piece of the window that is not here; `undefined` when all are. */
  readonly head: PieceIndex | undefined
  /** The last piece of the window. */
  readonly last: number
  /** Milliseconds until the reader has taken what lies ready for it; none when it waits, for ever when it pauses. */
  readonly slackMs: number
}

/** A reader that has taken nothing for this long is pausing: nothing is late for it. */
const PAUSED_AFTER_MS = 500

/** The open windows as they are now, the reader with the least to live on first. */
export function readingsOf(windows: Iterable<ReadWindow>, pieces: PiecesInFlight, now: number): Reading[] {
  const readings: Reading[] = []
  for (const window of windows) {
    if (window.isDone) continue
    const head = window.head(pieces.have)
    readings.push({ window, head, last: window.last, slackMs: slackMs(window, head, pieces, now) })
  }
  return readings.sort((a, b) => (a.slackMs === b.slackMs ? 0 : a.slackMs - b.slackMs))
}

function slackMs(window: ReadWindow, head: PieceIndex | undefined, pieces: PiecesInFlight, now: number): number {
  if (window.isWaiting) return 0
  if (head === undefined || now - window.tookAt > PAUSED_AFTER_MS) return Number.POSITIVE_INFINITY
  const ready = Math.max(0, pieces.geometry.pieceOffset(head) - window.position)
  return (ready * 1000) / Math.max(window.takeRate, BLOCK_LENGTH)
}
