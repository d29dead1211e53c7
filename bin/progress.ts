/** The progress line: as much as fits, never wider than the terminal. */
import type { ProgressFacts } from './messages/events.js'
import { duration, percent, plural, rate } from './messages/quantity.js'

/** A bar narrower than this says nothing. */
const MIN_BAR = 8
const MAX_BAR = 30

/** At most `columns - 1` characters, all of one column: a character in the last column may wrap. */
export function progressLine(facts: ProgressFacts, columns: number): string {
  const room = Math.max(0, columns - 1)
  const shares = percent(facts.done, facts.total)
  const speed = rate(facts.downloadRate)
  const eta = facts.eta === null ? '' : `${duration(facts.eta)} left`
  const peers = plural(facts.peers, 'peer')
  const wordings = [
    [shares.padStart(6), speed, peers, eta],
    [shares, speed, `${facts.peers} p`, eta.replace(' left', '')],
    [shares, speed, `${facts.peers} p`],
    [shares, speed],
    [shares]
  ]
  const texts = wordings.map(parts => parts.filter(part => part !== '').join('  '))
  const text = texts.find(({ length }) => length <= room) ?? shares.slice(0, room)
  return withBar(text, facts, room)
}

function withBar(text: string, { done, total }: ProgressFacts, room: number): string {
  const width = Math.min(MAX_BAR, room - text.length - 3)
  if (width < MIN_BAR) return text
  const filled = total === 0 ? width : Math.min(width, Math.floor((done / total) * width))
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${text}`
}

/** Seconds left at this rate, `null` while nothing moves. */
export function secondsLeft(done: number, total: number, bytesPerSecond: number): number | null {
  if (done >= total) return 0
  return bytesPerSecond >= 1 ? Math.round((total - done) / bytesPerSecond) : null
}
